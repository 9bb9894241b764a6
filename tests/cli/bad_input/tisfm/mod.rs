//! Bad input to tiSFM's commands.

mod sequences;
mod tables;

use super::BadInput;
use crate::common::kinds::Kind;
use crate::common::tisfm::{ARCHITECTURE, Data};
use crate::common::{bytes, text};

impl BadInput for Data {
    const FILES: &'static [(&'static str, &'static str)] = &[
        ("--atac-file", "signals.tsv"),
        ("--sequences", "sequences.tsv"),
        ("--sequences", "peaks.fa"),
        ("--meme-file", "motifs.meme"),
    ];
    const OTHER_FILES: &'static [&'static str] = &["--model", "--sequences peaks.bed --genome"];
    const IMPOSSIBLE: &'static [(&'static str, &'static str)] = &[
        ("--lr 0", "--lr 0"),
        ("--lr nan", "--lr NaN"),
        ("--batch-size 0", "--batch-size"),
        ("--number-of-epochs 0", "--number-of-epochs"),
        ("--mcp-param 1", "--mcp-param 1"),
        ("--penalty-param inf", "a penalty of inf"),
        ("--penalty-param-range 0 1 0", "whole number from 1"),
        ("--penalty-param-range 0 1 2.5", "whole number from 1"),
        ("--penalty-type l2", "l2"),
        ("--precision bf17", "'bf17'"),
        ("--device tpu", "tpu"),
        (
            "--penalty-param 1 --penalty-param-range 0 1 3",
            "cannot be used with",
        ),
        (
            "--freeze-all-except-final-layer --unfreeze-all",
            "cannot be used with",
        ),
    ];
    const REQUIRED: &'static [(&'static str, &'static str)] = &[
        ("--meme-file motifs.meme", "needs --meme-file"),
        ("--split-folder split", "a split is needed"),
        ("--atac-file signals.tsv", "--atac-file"),
        ("--sequences sequences.tsv", "--sequences"),
        ("--model-output never", "--model-output"),
    ];
}

/// `text` with its line `number` (from 1) replaced.
fn with_line(text: &str, number: usize, line: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines[number - 1] = line;
    lines.join("\n") + "\n"
}

#[test]
fn a_folder_without_splits_is_named() {
    Data::new(30, 40).refuses(
        "--split-folder no.such",
        1,
        &["no.such: train_split.npy and train_split.txt are not there"],
    );
}

/// Signals whose squares overflow.
#[test]
fn an_infinite_loss_never_becomes_best() {
    let data = Data::small();
    let name = &data.names[30];
    let row = format!("{name}\t1e30\t0");
    data.write(
        "large.tsv",
        with_line(&text(data.path("signals.tsv")), 32, &row),
    );
    let run = data.train("large", "--atac-file large.tsv");
    run.fails(1, &["the loss is inf in epoch 1, step"]);
    assert!(!data.path("large/model.best.safetensors").exists());
}

#[test]
fn an_empty_file_says_what_was_expected() {
    let data = Data::new(30, 40);
    data.write("empty", "");
    data.write_gzip("empty.gz", "");
    for empty in ["empty", "empty.gz"] {
        for (flag, expected) in [
            ("--atac-file", "names of the outputs"),
            ("--sequences", "a name and a sequence a line"),
            ("--meme-file", "expected"),
        ] {
            data.refuses(
                &format!("{flag} {empty}"),
                1,
                &[&format!("{empty}: the file is empty"), expected],
            );
        }
        data.refuses(&format!("--model {empty}"), 1, &[empty]);
        data.refuses(&format!("--architecture {empty}"), 1, &[empty]);
        data.refuses(
            &format!("--sequences peaks.bed --genome {empty}"),
            1,
            &[empty],
        );
    }
}

#[test]
fn an_unknown_architecture_lists_the_near_ones() {
    let data = Data::new(30, 40);
    data.refuses(
        "--architecture model_pos_calib_sigmoid_interactoin",
        2,
        &["unknown architecture", "did you mean", ARCHITECTURE],
    );
    data.run("tisfm architectures --show aitack")
        .fails(2, &["did you mean aitac"]);
    let shown = data.run(&format!("tisfm architectures --show {ARCHITECTURE}"));
    let own = shown.ok().out;
    data.write("own.toml", own.replace("op = \"gate\"", "op = \"gat\""));
    data.refuses("--architecture own.toml", 1, &["own.toml, line", "gat"]);
    data.write("own.toml", own.replace("strands = ", "strand = "));
    data.refuses("--architecture own.toml", 1, &["own.toml, line", "strand"]);
    // Blocks that do not fit together: nothing is left to pool.
    data.write(
        "own.toml",
        own.replace(
            "op = \"gate\"\nname = \"interaction_layer\"",
            "op = \"max_pool\"\nwindow = 3\nstride = 3",
        ),
    );
    data.refuses("--architecture own.toml", 1, &["max_pool"]);
    data.refuses(
        "--architecture missing.toml",
        1,
        &["missing.toml: No such file"],
    );
}

#[test]
fn weights_of_another_architecture_name_the_first_parameter_that_differs() {
    let data = Data::new(30, 40);
    data.train("gated", "--number-of-epochs 1").ok();
    data.refuses(
        "--architecture model_pos_calib_sigmoid --model gated",
        1,
        &[
            "gated/model.best.safetensors",
            "interaction_layer.",
            "not one of the architecture's",
        ],
    );
    data.refuses(
        "--architecture aitac --model gated",
        1,
        &[
            "gated/model.best.safetensors: no parameter layer",
            "another architecture",
        ],
    );
    let signals = text(data.path("signals.tsv"));
    let plain: String = signals
        .lines()
        .map(|l| format!("{}\n", l.rsplit_once('\t').unwrap().0))
        .collect();
    data.write("one.tsv", plain);
    data.refuses("--atac-file one.tsv --model gated", 1, &["linreg.", "[1"]);
    let run = data.run("tisfm test --model gated --atac-file one.tsv");
    run.fails(1, &["one.tsv has 1 output, the model 2"]);
    std::fs::copy(
        data.path("gated/model.best.safetensors"),
        data.path("weights"),
    )
    .unwrap();
    data.train(
        "plain",
        "--number-of-epochs 1 --architecture model_pos_calib_sigmoid",
    )
    .ok();
    data.write("plain/model.best.safetensors", bytes(data.path("weights")));
    data.run("tisfm predict --model plain --sequences peaks.fa")
        .fails(1, &["plain/model.best.safetensors", "interaction_layer."]);
}
