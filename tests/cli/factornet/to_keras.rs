//! Models of ours as Keras folders, and back; what a Keras folder holds beside the best weights.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::real_data::real_data;
use crate::common::same_end::history;
use crate::common::{bytes, golden, moved, names, text};
use cisgrad::io::keras_hdf5::read_weights;
use std::path::Path;

const WEIGHTS: [&str; 2] = ["model.best.safetensors", "model.last.safetensors"];

fn copy(cells: &Cells, from: impl AsRef<Path>, to: &str) {
    std::fs::create_dir(cells.path(to)).unwrap();
    for name in names(&from) {
        let target = cells.path(to).join(&name);
        std::fs::copy(from.as_ref().join(&name), target).unwrap();
    }
}

/// `model` to `model.keras` and from there to `model.back`, with the same weights and history.
#[track_caller]
fn there_and_back(cells: &Cells, model: &str) {
    cells
        .run(&format!(
            "convert factornet {model} --to keras --out {model}.keras"
        ))
        .ok();
    cells
        .run(&format!(
            "convert factornet {model}.keras --out {model}.back"
        ))
        .ok();
    let [ours, back] = [model, &format!("{model}.back")].map(|name| cells.path(name));
    for file in WEIGHTS {
        let other = moved(ours.join(file), back.join(file));
        assert!(other.is_empty(), "{model} {file}: {other:?}");
    }
    // Keras keeps no auPRC.
    let [before, after] = [&ours, &back].map(|folder| {
        let mut rows = history(folder.join("history.tsv"));
        rows.iter_mut().for_each(|row| row.truncate(5));
        rows
    });
    assert_eq!(before, after, "{model}");
    let config = |folder: &Path| {
        let text = text(folder.join("config.json"));
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        // Rates of layers that the network has not are not kept.
        let network = &mut config["network"];
        let without = [
            (network["meta"] == 0, "meta"),
            (network["recurrent"]["units"].is_null(), "lstm_input"),
            (network["recurrent"]["units"].is_null(), "lstm_state"),
        ];
        for (_, rate) in without.into_iter().filter(|&(without, _)| without) {
            network["dropout"][rate] = 0.0.into();
        }
        config
    };
    let (ours, back) = (config(&ours), config(&back));
    for key in ["network", "factors", "meta", "gencode"] {
        assert_eq!(ours[key], back[key], "{model} {key}");
    }
}

#[test]
fn every_form_of_network_comes_back_from_keras() {
    let cells = Cells::new();
    let annotated = "-m -g --annotations annotations";
    for (model, flags) in [
        ("lstm", ""),
        ("flat", "-r 0 -m -p 0"),
        ("most", &format!("-r -1 {annotated}")),
    ] {
        cells.train(model, flags).ok();
        there_and_back(&cells, model);
    }
    cells.train_all("all", "-e 1 -r 0").ok();
    there_and_back(&cells, "all");
    let files = "best_model.hdf5 bigwig.txt chip.txt feature.txt final_model.hdf5 history.pkl meta.txt model.json";
    assert_eq!(names(cells.path("most.keras")).join(" "), files);
    assert_eq!(text(cells.path("all.keras/chip.txt")), "CTCF\nMAX\n");
    assert_eq!(
        text(cells.path("most.keras/feature.txt")),
        "bigwig\nmeta\ngencode\n"
    );
    // The Keras folder predicts what ours does, byte for byte.
    cells.write("w.bed", "chr3\t5000\t5200\nchr3\t9000\t9200\n");
    for model in ["lstm", "lstm.keras"] {
        cells
            .on("predict", &format!("-m {model} -b w.bed -o {model}.bed"))
            .ok();
    }
    assert!(bytes(cells.path("lstm.bed")) == bytes(cells.path("lstm.keras.bed")));
}

#[test]
fn the_best_weights_and_the_final_ones_are_kept_apart() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    cells.train("other", "-e 1 -s 2").ok();
    let [best, last] = WEIGHTS.map(|name| cells.path("model").join(name));
    std::fs::copy(cells.path("other").join(WEIGHTS[1]), &last).unwrap();
    assert!(!moved(&best, &last).is_empty());
    there_and_back(&cells, "model");

    // Where one is all there is, it is both.
    for (gone, left, keras) in [(0, 1, "final_model.hdf5"), (1, 0, "best_model.hdf5")] {
        let (ours, theirs) = (format!("only{left}"), format!("keras{left}"));
        copy(&cells, cells.path("model"), &ours);
        std::fs::remove_file(cells.path(&ours).join(WEIGHTS[gone])).unwrap();
        let run = cells
            .run(&format!(
                "convert factornet {ours} --to keras --out {ours}.keras"
            ))
            .ok();
        let note = format!(
            "note: {ours}/{} is all the weights there are",
            WEIGHTS[left]
        );
        assert!(run.err.contains(&note), "{}", run.err);
        copy(&cells, cells.path("model.keras"), &theirs);
        let other = ["best_model.hdf5", "final_model.hdf5"][gone];
        std::fs::remove_file(cells.path(&theirs).join(other)).unwrap();
        let run = cells
            .run(&format!("convert factornet {theirs} --out {theirs}.back"))
            .ok();
        let note = format!("note: {theirs}/{keras} is all the weights there are");
        assert!(run.err.contains(&note), "{}", run.err);
        cells
            .run(&format!("convert factornet {ours}.keras --out {ours}.back"))
            .ok();
        for folder in [format!("{ours}.back"), format!("{theirs}.back")] {
            for file in WEIGHTS {
                let kept = cells.path("model").join(WEIGHTS[left]);
                let other = moved(kept, cells.path(&folder).join(file));
                assert!(other.is_empty(), "{folder} {file}");
            }
        }
    }
    std::fs::remove_file(cells.path("only0/model.best.safetensors")).unwrap();
    cells
        .run("convert factornet only0 --to keras --out never")
        .fails(1, &["only0: no model.best.safetensors"]);
    assert!(!cells.path("never").exists());
}

#[test]
fn a_history_that_is_none_is_a_note_and_never_run() {
    let cells = Cells::new();
    for (name, pickle, part) in [
        (
            "foreign",
            &b"cos\nsystem\n(S'touch run'\ntR."[..],
            "history.pkl: it asks for 'os.system', which no history needs and which was not run",
        ),
        (
            "cut",
            b"(dp0\nS'loss'\np1\n(lp2\nF0.5",
            "cut short after 25 bytes",
        ),
        ("later", b"\x80\x02}q\x00.", "a pickle of protocol 2"),
        ("text", b"epoch\tloss\n", "no pickle of a history"),
        (
            "crlf",
            b"cnumpy.core.multiarray\r\nscalar\r\np1\r\n.",
            "history.pkl: its lines end in CRLF",
        ),
    ] {
        copy(
            &cells,
            golden::factornet("keras_files/train_T1_gmax_nometa"),
            name,
        );
        cells.write(&format!("{name}/history.pkl"), pickle);
        let run = cells
            .run(&format!("convert factornet {name} --out {name}.ours"))
            .ok();
        assert!(
            run.err.contains(part) && run.err.contains("note: "),
            "{}",
            run.err
        );
        let made = names(cells.path(&format!("{name}.ours"))).join(" ");
        assert_eq!(
            made,
            "bigwig.txt chip.txt config.json feature.txt model.best.safetensors model.last.safetensors"
        );
    }
    assert!(!cells.path("run").exists());
    // Ours, damaged.
    cells.write("text.ours/history.tsv", "epoch\ttrain_loss\n1\tx\n");
    let run = cells
        .run("convert factornet text.ours --to keras --out keras")
        .ok();
    let part = "text.ours/history.tsv, line 2: train_loss is 'x', expected a number";
    assert!(run.err.contains(part), "{}", run.err);
    assert!(!cells.path("keras/history.pkl").exists());
    // Columns of other names.
    cells.write("text.ours/history.tsv", "epoch\tloss\n1\t0.5\n");
    let run = cells
        .run("convert factornet text.ours --to keras --out unnamed")
        .ok();
    let part = "text.ours/history.tsv: no whole column among train_loss";
    assert!(run.err.contains(part), "{}", run.err);
}

#[test]
fn what_keras_cannot_keep_is_named() {
    let cells = Cells::new();
    cells
        .train("exact", "-e 1 --precision f64 --track-scale mean")
        .ok();
    let run = cells
        .run("convert factornet exact --to keras --out keras")
        .ok();
    for part in [
        "note: --precision f64: Keras's files hold f32",
        "note: --track-scale mean: the original reads tracks as they are",
    ] {
        assert!(run.err.contains(part), "{}", run.err);
    }
    let config = text(cells.path("exact/config.json"));
    cells.write("exact/config.json", config.replace("\"DGF\"", "\"DGF 1\""));
    cells
        .run("convert factornet exact --to keras --out never")
        .fails(
            1,
            &["exact/config.json", "the track 'DGF 1'", "without blanks"],
        );
    assert!(!cells.path("never").exists());
}

#[test]
fn either_way_says_when_the_other_is_meant_and_writes_over_nothing() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    copy(
        &cells,
        golden::factornet("keras_files/train_T1_gmax_nometa"),
        "keras",
    );
    std::fs::create_dir(cells.path("full")).unwrap();
    cells.write("full/history.pkl", "mine");
    cells.write("file", "mine");
    for (arguments, parts) in [
        (
            "model --out never",
            &["model: a model folder of ours", "add --to keras"][..],
        ),
        (
            "keras --to keras --out never",
            &["keras: a model that Keras saved", "leave out --to keras"],
        ),
        ("A --to keras --out never", &["A", "config.json"]),
        (
            "model --to keras --out model",
            &["model holds a model already: choose another --out"],
        ),
        (
            "model --to keras --out keras",
            &["keras holds a model that Keras saved: choose another --out"],
        ),
        (
            "model --to keras --out full",
            &["full/history.pkl exists; nothing was changed"],
        ),
        (
            "keras --out full",
            &["full/history.pkl exists; nothing was changed"],
        ),
        (
            "model --to keras --out file",
            &["file is a file; expected a folder"],
        ),
    ] {
        cells
            .run(&format!("convert factornet {arguments}"))
            .fails(1, parts);
    }
    cells
        .run("convert factornet model --to onnx --out never")
        .fails(2, &["--to"]);
    assert_eq!(names(cells.path("full")), ["history.pkl"]);
    assert!(!cells.path("never").exists());
}

#[test]
fn a_published_model_comes_back_as_it_was() {
    let Some(data) = real_data() else { return };
    let published = data.join("models_factornet/GABPA/metaGENCODE_RNAseq_Unique35_DGF");
    let cells = Cells::new();
    cells
        .run(&format!(
            "convert factornet {} --out ours",
            published.display()
        ))
        .ok();
    cells
        .run("convert factornet ours --to keras --out keras")
        .ok();
    for file in ["best_model.hdf5", "final_model.hdf5"] {
        let [before, after] =
            [&published, &cells.path("keras")].map(|folder| read_weights(&folder.join(file)));
        assert_eq!(before.unwrap().layers, after.unwrap().layers, "{file}");
    }
    for file in ["chip.txt", "bigwig.txt", "feature.txt", "meta.txt"] {
        let [before, after] =
            [&published, &cells.path("keras")].map(|folder| text(folder.join(file)));
        assert_eq!(before, after, "{file}");
    }
    let [best, last] = WEIGHTS.map(|name| cells.path("ours").join(name));
    assert!(!moved(&best, &last).is_empty());
    let epochs = history(cells.path("ours/history.tsv"));
    assert_eq!(epochs.len(), 49);
    let losses = epochs.iter().map(|row| row[3].parse::<f64>().unwrap());
    let lowest = losses.fold(f64::INFINITY, f64::min);
    assert_eq!(format!("{lowest:.4}"), "0.0443");
    cells.run("convert factornet keras --out back").ok();
    for file in ["history.tsv", WEIGHTS[0], WEIGHTS[1]] {
        let [before, after] = ["ours", "back"].map(|folder| bytes(cells.path(folder).join(file)));
        assert!(before == after, "{file}");
    }
}
