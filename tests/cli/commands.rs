//! The commands besides those of a kind of model: help, lists, devices, the demo; and what all commands share.

use std::process::Stdio;

use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{command, names};

/// Architectures that the original does not have.
pub const OURS: [&str; 3] = ["plain", "plain_gate", "parts3_gate"];

#[test]
fn architectures_are_listed_with_a_line_each() {
    let data = Data::new(10, 40);
    let table = data.run("tisfm architectures").ok().table();
    assert_eq!(table.header.join(" "), "architecture summary");
    assert_eq!(table.rows.len(), 26 + OURS.len());
    assert!(table.rows.iter().all(|r| r[1].len() > 10));
    for name in table.column("architecture") {
        let shown = data.run(&format!("tisfm architectures --show {name}"));
        let shown = shown.ok().out;
        assert!(shown.contains(&format!("name = \"{name}\"")), "{shown}");
    }
}

#[test]
fn cuda_by_name_is_an_error_and_never_the_cpu() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    for device in ["cuda", "cuda:1"] {
        data.refuses(&format!("--device {device}"), 1, &["cuda", "--device cpu"]);
        let predict = "tisfm predict --model model --sequences peaks.fa --device";
        let run = data.run(&format!("{predict} {device}"));
        assert_eq!(run.out, "");
        run.fails(1, &["cuda"]);
    }
    data.refuses("--device tpu", 2, &["--device tpu", "auto, cpu"]);
    let run = data.run("tisfm test --model model").ok();
    assert!(run.err.starts_with("device: cpu"), "{}", run.err);
    assert!(run.err.contains("no NVIDIA card"), "auto says why not CUDA");
    let devices = data.run("devices").ok().out;
    assert!(devices.contains("\ncpu\t") && devices.contains("\ncuda\tnot used"));
}

#[test]
fn usage_is_exit_code_2_and_help_is_0() {
    let data = Data::new(10, 40);
    for (arguments, code) in [
        ("--help", 0),
        ("--version", 0),
        ("selftest --help", 0),
        ("bench --help", 0),
        ("demo --help", 0),
        ("convert tisfm --help", 0),
        ("tisfm train --help", 0),
        ("", 2),
        ("nonsense", 2),
        ("tisfm train --nonsense", 2),
        ("tisfm predict", 2),
        ("demo --peaks 5", 2),
        ("bench --architecture factornet-k4-r0 --unfreeze-conv", 2),
    ] {
        let run = data.run(arguments);
        assert_eq!(run.code, Some(code), "{arguments}\n{}", run.err);
    }
    let help = data.run("tisfm train --help").ok().out;
    for flag in [
        "--meme-file",
        "--atac-file",
        "--model-output",
        "--num-of-workers",
        "--log-penalty-param-range",
        "--early-stopping-threshold",
        "--resume",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

/// A reader that has seen enough (`| head`) is not a failure, whatever the command.
#[test]
fn a_closed_pipe_is_exit_code_0() {
    let data = Data::new(60, 40);
    data.train("model", "").ok();
    for arguments in [
        "--help",
        "devices",
        "tisfm architectures",
        "tisfm motifs --model model",
        "tisfm test --model model",
        "tisfm predict --model model --sequences peaks.fa",
        "demo --peaks 100 --length 40 --epochs 1",
    ] {
        let mut child = command(data.folder(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments}\n{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn the_demo_keeps_files_that_the_commands_take_again() {
    let data = Data::new(10, 40);
    let run = data.run("demo --keep kept --peaks 120 --length 40 --epochs 2");
    let out = run.ok().out;
    let parts: Vec<&str> = out.split("# ").collect();
    assert!(parts[1].starts_with("test\noutput\tmse\tpearson"), "{out}");
    assert!(
        parts[2].starts_with("motifs\noutput\trank\tmotif\tweight\timportance\tmean_activity\n")
    );
    assert!(parts[3].starts_with("planted\noutput\tplanted_motif\teffect\trank\n"));
    assert_eq!(
        names(data.path("kept")),
        [
            "model",
            "motifs.meme",
            "sequences.tsv",
            "signals.tsv",
            "split",
            "written_by_cisgrad.txt"
        ]
    );
    data.run("demo --keep kept --peaks 120 --length 40")
        .fails(1, &["kept holds a demo already"]);
    data.run(
        "tisfm train --meme-file kept/motifs.meme --atac-file kept/signals.tsv --sequences kept/sequences.tsv \
         --split-folder kept/split --architecture model_pos_calib_sigmoid --number-of-epochs 1 --out again",
    )
    .ok();
    data.run("tisfm predict --model again --sequences kept/sequences.tsv")
        .ok();
}
