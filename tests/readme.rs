//! The README's walk-through, run as it stands but on fewer peaks and epochs.

use std::path::Path;
use std::process::Command;

fn walk_through() -> String {
    let readme = include_str!("../README.md");
    let (_, after) = readme
        .split_once("<!-- walk-through")
        .expect("the README marks its walk-through");
    let (_, after) = after
        .split_once("```sh\n")
        .expect("a block of shell commands follows");
    after
        .split_once("```")
        .expect("the block ends")
        .0
        .to_string()
}

#[test]
fn every_command_of_the_walk_through_works() {
    let script = walk_through();
    for command in [
        "demo",
        "tisfm train",
        "tisfm test",
        "tisfm predict",
        "tisfm motifs",
    ] {
        assert!(
            script.contains(&format!("cisgrad {command}")),
            "the walk-through shows {command}"
        );
    }
    let script = script
        .replace(
            "demo --keep demo",
            "demo --keep demo --peaks 400 --length 80 --epochs 2",
        )
        .replace("--number-of-epochs 50", "--number-of-epochs 3");
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_cisgrad"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let out = Command::new("sh")
        .args(["-e", "-c", &script])
        .current_dir(&folder)
        .env("PATH", path)
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8(out.stdout).unwrap(),
        String::from_utf8(out.stderr).unwrap(),
    );
    assert!(out.status.success(), "{stdout}\n{stderr}");
    let predictions = std::fs::read_to_string(folder.path().join("predictions.tsv")).unwrap();
    assert!(predictions.starts_with("name\tB_cell\tT_cell\tmonocyte\n"));
    assert_eq!(predictions.lines().count(), 401);
    assert!(
        stdout.ends_with('\n') && stdout.contains("output\trank\tmotif\tweight\nB_cell\t1\t"),
        "{stdout}"
    );
    for file in [
        "model.best.safetensors",
        "model.last.safetensors",
        "config.json",
        "history.tsv",
        "train_split.txt",
    ] {
        assert!(
            folder.path().join("my_model").join(file).is_file(),
            "{file}"
        );
    }
}

#[test]
fn the_demo_ranks_the_planted_motifs_first_in_a_smaller_form() {
    let out = Command::new(env!("CARGO_BIN_EXE_cisgrad"))
        .args([
            "demo", "--peaks", "2500", "--length", "100", "--epochs", "50",
        ])
        .output()
        .unwrap();
    let stdout = String::from_utf8(out.stdout).unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let (_, planted) = stdout
        .split_once("# planted\n")
        .expect("the demo ends with the planted motifs");
    let ranks: Vec<(String, usize)> = planted
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            (
                format!("{} {}", fields[0], fields[1]),
                fields[3].parse().unwrap(),
            )
        })
        .collect();
    assert_eq!(ranks.len(), 6);
    // Two motifs drive each output: both come before all others.
    assert!(ranks.iter().all(|(_, rank)| *rank <= 2), "{ranks:?}");
}
