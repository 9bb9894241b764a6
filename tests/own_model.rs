//! `examples/own_model.rs`: a kind of model from outside the library trains, goes on, predicts, and is known by its folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The example, which `cargo test` builds beside the program.
fn example() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_cisgrad"));
    program.with_file_name("examples").join("own_model")
}

fn run(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(example());
    let output = command
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .output();
    output.unwrap_or_else(|e| {
        panic!(
            "{}: {e}; cargo builds it with the tests",
            example().display()
        )
    })
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_trains_goes_on_with_the_same_bytes_and_predicts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let whole = run(folder.path(), "whole --epochs 3");
    assert!(whole.status.success(), "{}", said(&whole));
    let table = String::from_utf8(whole.stdout).unwrap();
    let shares: Vec<f64> = table
        .lines()
        .nth(1)
        .unwrap()
        .split('\t')
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(shares.iter().all(|&share| share > 0.8), "{table}");

    let begun = run(folder.path(), "halves --epochs 1");
    assert!(begun.status.success(), "{}", said(&begun));
    let ended = run(folder.path(), "halves --epochs 3 --resume");
    assert!(ended.status.success(), "{}", said(&ended));
    for file in ["model.best.safetensors", "model.last.safetensors"] {
        assert!(
            at(&format!("whole/{file}")) == at(&format!("halves/{file}")),
            "{file}"
        );
    }
    let history = String::from_utf8(at("whole/history.tsv")).unwrap();
    let header = "epoch\ttrain_loss\ttrain_accuracy\tvalidation_loss\tvalidation_accuracy\tseconds\tsequences_per_s";
    assert_eq!(history.lines().next(), Some(header));

    let refused = run(folder.path(), "whole --epochs 3");
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains("holds a model already"),
        "{}",
        said(&refused)
    );
}

#[test]
fn the_program_names_a_kind_that_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let made = run(folder.path(), "sites --epochs 1");
    assert!(made.status.success(), "{}", said(&made));
    let output = Command::new(env!("CARGO_BIN_EXE_cisgrad"))
        .current_dir(folder.path())
        .args(["tisfm", "motifs", "--model", "sites"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = said(&output);
    for part in ["'sites'", "does not know", "tiSFM", "FactorNet"] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
}
