//! Folders of FactorNet: what -oc may not cost, folders of cell lines, and cell lines that lack what a model takes.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::{assert_no_leftovers, bytes, golden, names, text};

/// With -oc the old model goes only when the new run has begun; and after an error the folder can be used.
#[test]
fn bad_input_costs_no_model() {
    let cells = Cells::new();
    cells.train("model", "").ok();
    let all = || {
        let files = names(cells.path("model")).into_iter();
        files
            .map(|n| (bytes(cells.path(&format!("model/{n}"))), n))
            .collect::<Vec<_>>()
    };
    let before = all();
    cells.write("bad.bed", "chr1\t5\n");
    for flags in [
        "-oc model --blacklist bad.bed",
        "-oc model -f MYC",
        "-oc model -v chr2:0-300",
        "-oc model --genome no.fa",
        "-oc model -n 100000",
        "-oc model -mo --motif-db no.meme",
        "--resume -s 3",
        "--resume --blacklist bad.bed",
    ] {
        assert_eq!(cells.train("model", flags).code, Some(1), "{flags}");
        assert!(all() == before, "{flags}");
    }
    assert_eq!(cells.train("", "-oc model -w 1").code, Some(2));
    assert!(all() == before);
    // A loss that is not finite: what may help is said, and the last good state stays.
    cells
        .train("wild", Cells::WILD)
        .fails(1, &["the loss is NaN", "--track-scale"]);
    cells.train("late", "-r 0 -lr 1e30").fails(
        1,
        &[
            "the validation loss is NaN after epoch 2",
            "the last good state stays in late",
        ],
    );
    cells.write("w.bed", "chr3\t5000\t5200\n");
    cells.on("predict", "-m late -b w.bed -o p.gz").ok();
    cells.refuses(
        "--track-scale DGF=1e39",
        2,
        &["'1e39' is no finite number other than 0"],
    );
    assert_no_leftovers(cells.folder());
}

/// A cell line's lists have the names that a model's have.
#[test]
fn no_model_is_written_into_a_cell_lines_folder_or_over_another_model() {
    let cells = Cells::new();
    let keras = golden::factornet("keras_files/train_T1_gmax_nometa");
    let keras = keras.display();
    let before = (text(cells.path("A/chip.txt")), names(cells.path("A")));
    for arguments in [
        cells.train_arguments("", "-oc A"),
        cells.train_arguments("A", "--resume"),
        format!("convert factornet {keras} --out A"),
    ] {
        cells
            .run(&arguments)
            .fails(1, &["A/chip.txt has a name of a model folder's files"]);
        assert_eq!(
            before,
            (text(cells.path("A/chip.txt")), names(cells.path("A")))
        );
    }
    // A converted model has no state to go on from.
    cells
        .run(&format!("convert factornet {keras} --out model"))
        .ok();
    let best = bytes(cells.path("model/model.best.safetensors"));
    cells
        .train("model", "--resume")
        .fails(1, &["--resume: model was started with"]);
    assert!(bytes(cells.path("model/model.best.safetensors")) == best);
}

#[test]
fn a_cell_line_without_what_the_model_takes_is_named() {
    let cells = Cells::new();
    cells.train("model", "").ok();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    let refused = |parts: &[&str]| {
        for command in [
            "predict -b w.bed -o never",
            "evaluate -t chr3",
            "visualize -b w.bed -c chr3 -o never",
        ] {
            cells
                .on(
                    command.split_once(' ').unwrap().0,
                    &format!("-m model {}", command.split_once(' ').unwrap().1),
                )
                .fails(1, parts);
            assert!(!cells.path("never").exists(), "{command}");
        }
    };
    let config = text(cells.path("model/config.json"));
    cells.write(
        "model/config.json",
        config.replacen("\"kernels\": 4", "\"kernels\": 5", 1),
    );
    refused(&["model/model.best.safetensors"]);
    cells.write("model/config.json", &config);
    // The cell line lacks what the model takes.
    cells.write("A/bigwig.txt", "dgf.bw DNase\n");
    refused(&["A/bigwig.txt: no track 'DGF'; there is DNase"]);
    std::fs::remove_file(cells.path("A/bigwig.txt")).unwrap();
    refused(&[
        "A/bigwig.txt (there is no such file): no track 'DGF' (no track at all); the model takes it",
    ]);
}
