//! Models that Keras saved, as they are and converted.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::{bytes, golden, names, text};

/// The cell line `K` with the inputs of the golden networks: two tracks, three values.
fn cell() -> Cells {
    let cells = Cells::new();
    std::fs::create_dir(cells.path("K")).unwrap();
    cells.track("K/b.bw", |chromosome, start| {
        ((start / 25 + chromosome) % 11) as f32 / 4.0
    });
    cells.write("K/bigwig.txt", "../A/dgf.bw\ttrack0\nb.bw\ttrack1\n");
    cells.write("K/meta.txt", "0.25\tm0\n-1\tm1\n2\tm2\n");
    cells.write("K/chip.txt", "../A/CTCF.bed\tTF0\n../A/MAX.bed\tTF2\n");
    let starts = (5000..9000).step_by(50);
    let windows: String = starts
        .map(|s| format!("chr3\t{s}\t{}\n", s + 200))
        .collect();
    cells.write("w.bed", windows);
    cells
}

fn saved(name: &str) -> String {
    let folder = golden::factornet("keras_files");
    folder.join(name).display().to_string()
}

#[test]
fn the_keras_folder_and_the_converted_one_give_the_same_bytes() {
    let cells = cell();
    for (name, factors) in [
        ("train_T1_blstm_meta", 1),
        ("train_T1_blstm_nometa", 1),
        ("train_T1_gmax_nometa", 1),
        ("train_T3_norec_meta", 3),
    ] {
        let keras = saved(name);
        let run = cells
            .run(&format!("convert factornet {keras} --out {name}"))
            .ok();
        assert!(
            run.err
                .contains("6 kernels of 11 bases, inputs of 120 bases and 2 tracks"),
            "{}",
            run.err
        );
        for list in ["chip.txt", "bigwig.txt", "feature.txt"] {
            assert_eq!(
                text(cells.path(&format!("{name}/{list}"))),
                text(format!("{keras}/{list}")),
                "{name}"
            );
        }
        for (model, out) in [(keras.as_str(), "keras"), (name, "ours")] {
            cells
                .on(
                    "predict",
                    &format!("-i K -m {model} -b w.bed -o {out}.gz --bigwig {out}.bw"),
                )
                .ok();
            let run = cells
                .on("evaluate", &format!("-i K -m {model} -t chr3"))
                .ok();
            cells.write(&format!("{out}.tsv"), run.out);
            cells
                .on(
                    "visualize",
                    &format!("-i K -m {model} -b w.bed -c chr3 -oc {out}.shown"),
                )
                .ok();
        }
        assert!(
            bytes(cells.path("keras.gz")) == bytes(cells.path("ours.gz")),
            "{name}"
        );
        assert_eq!(cells.scored("ours.gz")[0].len(), 3 + factors);
        assert_eq!(text(cells.path("keras.tsv")), text(cells.path("ours.tsv")));
        assert_eq!(
            text(cells.path("ours.tsv")).lines().count(),
            1 + factors.min(2)
        );
        for file in names(cells.path("ours.shown")) {
            let [a, b] =
                ["keras", "ours"].map(|out| bytes(cells.path(&format!("{out}.shown/{file}"))));
            assert!(a == b, "{name} {file}");
        }
    }
}

#[test]
fn a_folder_that_holds_a_model_is_not_written_over() {
    let cells = cell();
    let keras = saved("train_T1_gmax_nometa");
    cells
        .run(&format!("convert factornet {keras} --out out"))
        .ok();
    let before = bytes(cells.path("out/config.json"));
    cells
        .run(&format!(
            "convert factornet {} --out out",
            saved("train_T1_blstm_meta")
        ))
        .fails(1, &["out holds a model already"]);
    assert!(bytes(cells.path("out/config.json")) == before);
    cells
        .run(&format!("convert factornet {keras} --out {keras}"))
        .fails(1, &["holds a model that Keras saved"]);
    cells
        .run("convert factornet A --out never")
        .fails(1, &["A: neither best_model.hdf5 nor final_model.hdf5"]);
    assert!(!cells.path("never").exists());
}

#[test]
fn truncated_weights_and_other_layers_are_refused() {
    let cells = cell();
    let keras = saved("train_T1_gmax_nometa");
    let copy = |folder: &str| {
        std::fs::create_dir(cells.path(folder)).unwrap();
        for name in names(&keras) {
            std::fs::copy(
                format!("{keras}/{name}"),
                cells.path(&format!("{folder}/{name}")),
            )
            .unwrap();
        }
    };
    copy("cut");
    let whole = bytes(cells.path("cut/best_model.hdf5"));
    for length in [0, 7, 100, 2000, whole.len() / 2, whole.len() - 1] {
        cells.write("cut/best_model.hdf5", &whole[..length]);
        for command in [
            "convert factornet cut --out never".to_string(),
            "factornet predict -i K -m cut -b w.bed -o p.gz --genome genome.fa".to_string(),
        ] {
            cells.run(&command).fails(1, &["cut/best_model.hdf5"]);
        }
    }
    assert!(!cells.path("never").exists() && !cells.path("p.gz").exists());
    // Only the final weights: taken instead.
    std::fs::remove_file(cells.path("cut/best_model.hdf5")).unwrap();
    cells.run("convert factornet cut --out final").ok();
    std::fs::remove_file(cells.path("cut/final_model.hdf5")).unwrap();
    cells
        .run("convert factornet cut --out never")
        .fails(1, &["cut", "best_model.hdf5"]);
    copy("other");
    let json = text(cells.path("other/model.json"));
    cells.write(
        "other/model.json",
        json.replacen("Convolution1D", "Convolution2D", 1),
    );
    cells
        .run("convert factornet other --out never")
        .fails(1, &["other/model.json", "Convolution2D"]);
    assert!(!cells.path("never").exists());
    // The cell line must have what the model takes.
    cells.write("K/bigwig.txt", "b.bw\ttrack1\n");
    cells
        .on("predict", &format!("-i K -m {keras} -b w.bed -o p.gz"))
        .fails(1, &["K/bigwig.txt: no track 'track0'; there is track1"]);
}

#[test]
fn a_model_without_its_weights_says_which_file_is_missing() {
    let cells = cell();
    std::fs::create_dir(cells.path("half")).unwrap();
    for name in ["model.json", "chip.txt", "bigwig.txt", "feature.txt"] {
        let from = format!("{}/{name}", saved("train_T1_gmax_nometa"));
        std::fs::copy(from, cells.path(&format!("half/{name}"))).unwrap();
    }
    let message = "half: model.json is there, but neither best_model.hdf5 nor final_model.hdf5, \
                   which hold the weights of a model that Keras saved; put one of them beside it";
    for command in [
        cells.on_arguments("predict", "-i K -m half -b w.bed -o never.gz"),
        cells.on_arguments("evaluate", "-i K -m half -t chr3"),
        cells.on_arguments("visualize", "-i K -m half -b w.bed -c chr3 -o never"),
        "convert factornet half --out never".to_string(),
    ] {
        cells.run(&command).fails(1, &[message]);
    }
    assert!(
        !names(cells.folder())
            .iter()
            .any(|name| name.starts_with("never"))
    );
}
