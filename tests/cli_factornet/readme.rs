//! The README's commands of FactorNet, run as they stand but on small data and a small network.

use crate::common::factornet::Cells;
use crate::common::names;
use std::path::Path;
use std::process::Command;

#[test]
fn every_command_of_the_readme_works() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme
        .split_once("<!-- factornet")
        .expect("the README marks its commands");
    let (_, after) = after
        .split_once("```sh\n")
        .expect("a block of shell commands follows");
    let script = after.split_once("```").expect("the block ends").0;
    for command in ["train", "evaluate", "predict", "visualize"] {
        assert!(
            script.contains(&format!("cisgrad factornet {command}")),
            "{command}"
        );
    }
    let script = script
        .replace("chr1 chr8 chr21", "chr3")
        .replace("chr11", "chr2")
        .replace("-n 3", "-n 3 -e 1 -L 200 -w 10 -k 4 -r 3 -d 8");
    let cells = Cells::new();
    for (from, to) in [
        ("A", "K562"),
        ("K562/dgf.bw", "K562/DNase.bw"),
        ("genome.fa", "hg38.fa"),
    ] {
        std::fs::rename(cells.path(from), cells.path(to)).unwrap();
    }
    cells.write("windows.bed", "chr3\t5000\t5200\n");
    let binary = Path::new(env!("CARGO_BIN_EXE_cisgrad"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let out = Command::new("sh")
        .args(["-e", "-c", &script])
        .current_dir(cells.folder())
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(
        String::from_utf8(out.stdout)
            .unwrap()
            .starts_with("factor\tauROC\t")
    );
    assert_eq!(cells.scored("scores.bed.gz").len(), 1);
    assert!(names(cells.path("motifs")).contains(&"logos.svg".to_string()));
}
