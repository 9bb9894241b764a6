//! Runs of tiSFM: small AI-TAC with batch norm and dropout, penalty paths, splits.

use super::Resumes;
use crate::common::kinds::Kind;
use crate::common::process::{kill_after, kill_until_done, signal, spawn, wait_for};
use crate::common::same_end::assert_same_end;
use crate::common::tisfm::Data;
use crate::common::{Random, Table, text};

impl Resumes for Data {
    fn variants() -> Vec<(Data, Vec<String>)> {
        let flags = [
            "",
            "--unfreeze-conv --penalty-param 0.01",
            "--precision f64 --architecture model_effect_modulation_interaction",
        ];
        let small = Data::new(30, 300);
        let aitac = aitac(&small).to_string();
        vec![
            (Data::new(150, 80), flags.map(String::from).to_vec()),
            (small, vec![aitac]),
        ]
    }

    const FIRST: &'static str = "";

    fn others(&self) -> Vec<(String, &'static str)> {
        let signals = text(self.path("signals.tsv"));
        self.write("other.tsv", signals.replace("\t2", "\t3"));
        let motifs = text(self.path("motifs.meme"));
        self.write("fewer.meme", motifs.split("\nMOTIF CCAT").next().unwrap());
        let others = [
            ("--batch-size 16", "--batch-size 32"),
            ("--seed 3", "--seed 0"),
            ("--penalty-param 0.1", "--penalty-param"),
            ("--drop-last", "--drop-last"),
            ("--calibrate-motifs", "--calibrate-motifs"),
            ("--split random:80,10,10", "--split"),
            ("--unfreeze-conv", "trainable"),
            ("--precision f64", "--precision f32"),
            ("--architecture model_pos_calib_sigmoid", "architecture"),
            ("--atac-file other.tsv", "signals.tsv"),
            ("--meme-file fewer.meme", "motifs.meme"),
        ];
        others.map(|(flags, name)| (flags.into(), name)).into()
    }

    fn changed_files(&self) -> Vec<(&'static str, String, &'static str)> {
        let changed = |file, from, to| text(self.path(file)).replace(from, to);
        vec![
            (
                "signals.tsv",
                changed("signals.tsv", "\t2", "\t3"),
                "signals.tsv",
            ),
            (
                "sequences.tsv",
                changed("sequences.tsv", "GATA", "GATT"),
                "sequences.tsv",
            ),
            (
                "motifs.meme",
                changed("motifs.meme", "0.91", "0.905"),
                "motifs.meme",
            ),
        ]
    }

    const LONGER: &'static str = "--number-of-epochs 4 --threads 1";
}

/// Small AI-TAC: batch norm over the whole batch, and dropout.
fn aitac(data: &Data) -> &'static str {
    let shown = data.run("tisfm architectures --show aitac").ok().out;
    let small = shown
        .replace("filters = 300", "filters = 5")
        .replace("filters = 200", "filters = 4")
        .replace("size = 1000", "size = 8")
        .replace("p = 0.03", "p = 0.3");
    assert_ne!(shown, small);
    data.write("aitac.toml", small);
    "--architecture aitac.toml"
}

#[test]
fn dropout_and_batch_norm_go_on_as_they_were() {
    let data = Data::new(60, 300);
    let flags = format!("{} --number-of-epochs 12 --batch-size 8", aitac(&data));
    data.train("whole", &flags).ok();
    let arguments = data.train_arguments("killed", &flags);
    let mut child = spawn(data.folder(), &arguments);
    wait_for(&data.path("killed/state.safetensors"), &mut child);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    kill_until_done(data.folder(), &arguments, &mut Random(3));
    assert_same_end(&data.path("whole"), &data.path("killed"));
}

#[test]
fn a_penalty_path_killed_in_the_middle_ends_as_the_undisturbed_one() {
    let data = Data::new(150, 60);
    let flags = "--penalty-param 0.001 0.01 0.1 --number-of-epochs 10 --batch-size 16";
    data.train("whole", flags).ok();
    let arguments = data.train_arguments("killed", flags);
    kill_after(
        data.folder(),
        &arguments,
        &data.path("killed/path_1/state.safetensors"),
    );
    let rows = Table::read(data.path("killed/path.tsv")).rows.len();
    assert!((1..3).contains(&rows), "of the steps that are done: {rows}");
    kill_until_done(data.folder(), &arguments, &mut Random(5));
    assert_same_end(&data.path("whole"), &data.path("killed"));
}

/// The split's numbers, not its folder's name, are what a run depends on.
#[test]
fn another_split_under_the_same_name_is_refused() {
    let data = Data::small();
    let flags = "--number-of-epochs 2";
    data.train("model", flags).ok();
    let (a, b) = (
        text(data.path("split/validation_split.txt")),
        text(data.path("split/test_split.txt")),
    );
    data.write("split/validation_split.txt", b);
    data.write("split/test_split.txt", &a);
    data.train("model", "--number-of-epochs 4 --resume")
        .fails(1, &["--resume", "model/validation_split.txt"]);
    assert_eq!(text(data.path("model/validation_split.txt")), a);
}

/// What a flag was not given before, or is not given now, is said in words.
#[test]
fn a_flag_that_is_new_or_gone_is_named_and_nothing_is_called_null() {
    let data = Data::small();
    data.train("first", "--number-of-epochs 1").ok();
    data.train("plain", "--number-of-epochs 1").ok();
    let start = "--number-of-epochs 1 --model first --calibrate-motifs";
    data.train("started", start).ok();
    for (out, flags, message) in [
        (
            "plain",
            "--model first",
            "plain was started without --model, this run has --model ",
        ),
        (
            "plain",
            "--drop-last",
            "plain was started without --drop-last, this run has --drop-last; leave it out",
        ),
        (
            "started",
            "--calibrate-motifs",
            ", this run has no --model; give the same",
        ),
        (
            "started",
            "--model first",
            "started was started with --calibrate-motifs, this run has no --calibrate-motifs",
        ),
        (
            "plain",
            "--seed 3",
            "was started with --seed 0, this run has 3",
        ),
        (
            "plain",
            "--penalty-param 0.1 0.2",
            "without --penalty-param, this run has --penalty-param 0.1 0.2",
        ),
    ] {
        let run = data
            .train(out, &format!("--number-of-epochs 2 --resume {flags}"))
            .fails(1, &[message]);
        let words = ["null", "true", "false", "\""];
        assert!(
            !words.iter().any(|word| run.err.contains(word)),
            "{}",
            run.err
        );
    }
}
