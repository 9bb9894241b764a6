//! No output takes the place of something that the run reads, by whatever path: another spelling, a link.

use crate::common::bytes;
use crate::common::factornet::Cells;
use crate::common::kinds::{Kind, Output};
use crate::common::snapshot::Snapshot;
use crate::common::tisfm::Data;

for_each_kind! {
    no_output_takes_the_place_of_an_input;
    no_output_takes_the_place_of_a_file_of_the_model;
}

/// Refused, and nothing is changed, for this file as output: by its name, another spelling, a link, and from above.
fn refused_over<K: Kind>(data: &K, output: &str) {
    let link = data.path("link");
    std::os::unix::fs::symlink(data.path(output), &link).unwrap();
    let absolute = data.path(output).display().to_string();
    for out in [output, &format!("./model/../{output}"), "link", &absolute] {
        for reading in data.reading("model", out) {
            let files = matches!(reading.output, Output::Table | Output::File);
            let reads = reading.inputs.contains(&output) || output.starts_with("model/");
            if files && reads {
                let before = Snapshot::of(data.folder());
                data.run(&reading.arguments).refused(&[out]);
                before.assert_same(&reading.arguments);
                assert!(link.is_symlink(), "{}", reading.arguments);
            }
        }
    }
    std::fs::remove_file(link).unwrap();
}

fn no_output_takes_the_place_of_an_input<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let mut inputs: Vec<&str> = data
        .reading("model", "out")
        .iter()
        .flat_map(|reading| reading.inputs.clone())
        .collect();
    inputs.sort_unstable();
    inputs.dedup();
    for input in inputs {
        refused_over(&data, input);
    }
    // Beside them there is room.
    for reading in data.reading("model", "model/out") {
        data.run(&reading.arguments).ok();
        let _ = std::fs::remove_file(data.path("model/out"));
    }
}

fn no_output_takes_the_place_of_a_file_of_the_model<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    for name in ["config.json", "model.best.safetensors"] {
        refused_over(&data, &format!("model/{name}"));
    }
}

/// The files that a model's folder names are read by `test`, its split too.
#[test]
fn no_table_takes_the_place_of_a_split() {
    let data = Data::small();
    data.train("model", "--number-of-epochs 1").ok();
    for (flags, file) in [
        ("--split-folder split", "split/test_split.txt"),
        ("", "model/test_split.txt"),
    ] {
        let before = Snapshot::of(data.folder());
        data.run(&format!("tisfm test --model model {flags} --out {file}"))
            .refused(&[file]);
        before.assert_same(file);
    }
}

/// What a training run read is known from the model's folder, its split and the weights that it started from among it.
#[test]
fn no_output_takes_the_place_of_what_the_training_run_read() {
    let data = Data::small();
    data.train("first", "--number-of-epochs 1").ok();
    std::fs::create_dir(data.path("theirs")).unwrap();
    std::fs::copy(
        data.path("first/model.best.safetensors"),
        data.path("theirs/w.safetensors"),
    )
    .unwrap();
    data.train("model", "--number-of-epochs 1 --model theirs/w.safetensors")
        .ok();
    for file in [
        "split/train_split.txt",
        "theirs/w.safetensors",
        "motifs.meme",
        "signals.tsv",
    ] {
        for command in [
            "motifs --model model --logos",
            "motifs --model model --out",
            "test --model model --out",
            "test --model model --stat-out",
            "predict --model model --sequences peaks.fa --out",
        ] {
            let before = Snapshot::of(data.folder());
            data.run(&format!("tisfm {command} {file}"))
                .refused(&[file]);
            before.assert_same(file);
        }
    }
}

#[test]
fn the_demo_replaces_no_file_that_it_did_not_write() {
    let data = Data::small();
    for name in [
        "motifs.meme",
        "signals.tsv",
        "sequences.tsv",
        "split/train_split.txt",
    ] {
        std::fs::create_dir_all(data.path("kept/split")).unwrap();
        data.write(&format!("kept/{name}"), "mine\n");
        let before = Snapshot::of(data.path("kept"));
        data.run("demo --keep kept --peaks 100 --length 40 --epochs 1")
            .refused(&["kept"]);
        before.assert_same(name);
        std::fs::remove_dir_all(data.path("kept")).unwrap();
    }
}

#[test]
fn visualize_replaces_no_file_that_it_did_not_write() {
    let cells = Cells::small();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\nchr3\t9000\t9200\n");
    for name in ["motifs.txt", "logos.svg", "DGF_meansignal.npy"] {
        std::fs::create_dir(cells.path("mine")).unwrap();
        cells.write(&format!("mine/{name}"), "mine\n");
        let before = Snapshot::of(cells.path("mine"));
        cells
            .on("visualize", "-m model -b w.bed -c chr3 -oc mine")
            .refused(&["mine"]);
        before.assert_same(name);
        std::fs::remove_dir_all(cells.path("mine")).unwrap();
    }
}

/// Each keeps a list of its own.
#[test]
fn visualize_removes_nothing_of_a_demo() {
    let cells = Cells::small();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\nchr3\t9000\t9200\n");
    cells
        .run("demo --keep kept --peaks 100 --length 40 --epochs 1")
        .ok();
    let before = Snapshot::of(cells.path("kept"));
    cells
        .on("visualize", "-m model -b w.bed -c chr3 -oc kept")
        .refused(&["kept", "cisgrad demo"]);
    before.assert_same("visualize");
}

/// Into a model's or a cell line's folder neither.
#[test]
fn visualize_leaves_the_files_of_other_folders() {
    let cells = Cells::small();
    cells.train("model", "-e 1").ok();
    cells.write("w.bed", "chr3\t5000\t5200\n");
    for folder in ["model", "A"] {
        let before = Snapshot::of(cells.path(folder));
        cells
            .on(
                "visualize",
                &format!("-m model -b w.bed -c chr3 -o {folder}"),
            )
            .fails(1, &[folder, "exists"]);
        before.assert_same(folder);
    }
}

/// A genome is an input whatever the run reads: no command writes one.
#[test]
fn no_table_takes_the_place_of_a_genome_that_the_run_does_not_read() {
    let data = Data::small();
    data.train("model", "--number-of-epochs 1").ok();
    let sequences = "tisfm predict --model model --sequences sequences.tsv --out";
    data.write("g.2bit", b"\x43\x27\x41\x1a\0\0\0\0");
    for genome in ["genome.fa", "peaks.fa", "g.2bit"] {
        let before = bytes(data.path(genome));
        data.run(&format!("{sequences} {genome}"))
            .fails(2, &[genome, "which no command writes"]);
        assert_eq!(bytes(data.path(genome)), before);
    }
    data.run(&format!("{sequences} table.tsv")).ok();
    data.run(&format!("{sequences} table.tsv")).ok();
}
