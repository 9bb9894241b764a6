//! `cisgrad factornet train --calibrate`, and models that keep nothing of their validation regions.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{bytes, text};

/// Enough to tell bound windows from others.
pub const LEARNS: &str = "-e 12 -lr 0.02 -p 0.1 -k 8 -d 16 -n 2";

/// All windows of a chromosome, every 50 bases, as a BED; their starts.
pub fn windows(cells: &Cells, name: &str, chromosome: &str) -> Vec<usize> {
    // Where predict scores: off the chromosome's ends.
    let starts: Vec<usize> = (200..=59_600).step_by(50).collect();
    let bed = starts
        .iter()
        .map(|start| format!("{chromosome}\t{start}\t{}\n", start + 200));
    cells.write(name, bed.collect::<String>());
    starts
}

pub fn scores(cells: &Cells, model: &str, more: &str) -> Vec<f64> {
    let out = format!("{model}.scores.gz");
    cells
        .on("predict", &format!("-m {model} -b w.bed -o {out} {more}"))
        .ok();
    let scored = cells.scored(&out);
    scored.iter().map(|line| line[3].parse().unwrap()).collect()
}

fn json(cells: &Cells, name: &str) -> serde_json::Value {
    serde_json::from_str(&text(cells.path(name))).unwrap()
}

#[test]
fn probabilities_become_shares_of_all_windows_and_keep_their_order() {
    let cells = Cells::new();
    cells.train("plain", LEARNS).ok();
    cells
        .train("calibrated", &format!("{LEARNS} --calibrate"))
        .ok();
    let best = |model: &str| bytes(cells.path(&format!("{model}/model.best.safetensors")));
    assert!(best("plain") == best("calibrated"));
    windows(&cells, "w.bed", "chr2");
    let (plain, calibrated) = (
        scores(&cells, "plain", ""),
        scores(&cells, "calibrated", ""),
    );
    let sum = |scores: &[f64]| scores.iter().sum::<f64>();
    let kept = json(&cells, "calibrated/scores.json");
    let bound = kept["factors"][0]["bound"].as_f64().unwrap();
    assert!(bound > 50.0, "{bound}");
    // On the regions that it is of, as many as are bound; those covered by relaxed peaks alone are not counted there and scored here.
    let expected = sum(&calibrated) / bound;
    assert!((0.8..1.35).contains(&expected), "{expected}");
    assert!((expected - 1.0).abs() < (sum(&plain) / bound - 1.0).abs());
    let mut order: Vec<usize> = (0..plain.len()).collect();
    order.sort_by(|&a, &b| plain[a].total_cmp(&plain[b]));
    // Four digits of each.
    for two in order.windows(2) {
        let (low, high) = (calibrated[two[0]], calibrated[two[1]]);
        assert!(
            low <= high * 1.002 || plain[two[0]] == plain[two[1]],
            "{low} {high}"
        );
    }
    let table = |model: &str| {
        let run = cells.on("evaluate", &format!("-m {model} -f CTCF -t chr3"));
        run.ok().table()
    };
    let (before, after) = (table("plain"), table("calibrated"));
    for measure in ["auROC", "auPRC", "recall_at_50pct_FDR"] {
        assert_eq!(before.column(measure), after.column(measure), "{measure}");
    }
    assert_ne!(
        before.column("threshold_at_50pct_FDR"),
        after.column("threshold_at_50pct_FDR")
    );
    for command in [
        "predict -m calibrated -b w.bed -o never.gz",
        "evaluate -m calibrated -t chr3",
    ] {
        let (name, flags) = command.split_once(' ').unwrap();
        cells.on(name, &format!("{flags} --prior 0.01")).fails(
            2,
            &["--prior: calibrated is calibrated", "leave --prior out"],
        );
    }
    let mixed = cells
        .on("predict", "-m plain calibrated -b w.bed -o both.gz")
        .ok();
    assert!(
        mixed
            .err
            .contains("note: calibrated is calibrated and plain is not"),
        "{}",
        mixed.err
    );
}

#[test]
fn a_finished_run_is_calibrated_by_resume_and_stays_so() {
    let cells = Cells::new();
    cells.train("model", "").ok();
    cells.train("at_once", "--calibrate").ok();
    let before = bytes(cells.path("model/state.safetensors"));
    cells.train("model", "--resume --calibrate").ok();
    let kept = |model: &str| text(cells.path(&format!("{model}/scores.json")));
    assert_eq!(kept("model"), kept("at_once"));
    assert!(kept("model").contains("calibration"));
    assert_eq!(bytes(cells.path("model/state.safetensors")), before);
    cells.train("model", "--resume").ok();
    assert_eq!(kept("model"), kept("at_once"));
    assert_eq!(
        json(&cells, "model/config.json")["flags"]["calibrate"],
        true
    );
    // More epochs have other best weights.
    cells.train("model", "--resume -e 6 -lr 0.02").ok();
    assert!(kept("model") != kept("at_once") && kept("model").contains("calibration"));
    let plain = cells.train("plain", "").ok();
    assert!(!kept("plain").contains("calibration"));
    let flags = json(&cells, "plain/config.json")["flags"].clone();
    assert!(flags.get("calibrate").is_none());
    assert!(
        plain.err.contains("windows of the validation regions"),
        "{}",
        plain.err
    );
}

#[test]
fn regions_without_a_bound_window_are_refused_before_training() {
    let cells = Cells::new();
    let parts = [
        "--calibrate: CTCF: of 9 windows of 200 bases in the validation regions none is bound",
        "-v",
    ];
    cells.refuses("--calibrate -v chr2:0-600", 1, &parts);
    // All factors at once: one of them.
    let peaks = text(cells.path("A/MAX.bed"));
    let elsewhere = peaks.lines().filter(|line| !line.starts_with("chr2\t"));
    let elsewhere: String = elsewhere.map(|line| format!("{line}\n")).collect();
    cells.write("A/MAX.bed", elsewhere);
    cells
        .train_all("never", "--calibrate")
        .fails(1, &["--calibrate: MAX: of ", "none is bound"]);
    assert!(!cells.path("never").exists());
    let run = cells.train_all("model", "-e 1").ok();
    assert!(run.err.contains(", 0 bound: auPRC NaN"), "{}", run.err);
}

/// What older versions left, a run that is not at its end again, and damage.
#[test]
fn a_model_without_its_scores_says_so_where_it_matters_and_resume_adds_them() {
    let cells = Cells::new();
    cells.train("model", "--calibrate").ok();
    windows(&cells, "w.bed", "chr3");
    let file = cells.path("model/scores.json");
    let whole = bytes(&file);
    let calibrated = scores(&cells, "model", "");
    std::fs::remove_file(&file).unwrap();
    for command in ["predict -b w.bed -o never.gz", "evaluate -t chr3"] {
        let (command, more) = command.split_once(' ').unwrap();
        let run = cells.on(command, &format!("-m model {more}"));
        run.fails(1, &["model: a model with --calibrate", "--resume makes it"]);
    }
    // One that was not to be calibrated does without.
    cells.train("plain", "").ok();
    std::fs::remove_file(cells.path("plain/scores.json")).unwrap();
    assert_ne!(scores(&cells, "plain", ""), calibrated);
    let table = cells
        .on("evaluate", "-m plain -f CTCF -t chr3")
        .ok()
        .table();
    assert_eq!(table.header.last().unwrap(), "auPRC_GC");
    let resume = || cells.train("model", "--resume --calibrate").ok();
    assert!(resume().err.contains("finished already after epoch 2"));
    assert!(bytes(&file) == whole);
    // Of other weights.
    let mut other = json(&cells, "model/scores.json");
    other["weights"] = "0".repeat(64).into();
    cells.write("model/scores.json", other.to_string());
    let run = cells.on("predict", "-m model -b w.bed -o other.gz").ok();
    assert!(
        run.err.contains("warning: model: its training went on"),
        "{}",
        run.err
    );
    cells
        .on("predict", "-m model -b w.bed -o never.gz --calls never.bed")
        .fails(1, &["--calls: model keeps no thresholds", "--resume"]);
    let mut descending = json(&cells, "model/scores.json");
    descending["factors"][0]["calibration"]["centers"] =
        serde_json::json!([[0.5, 0.5], [0.4, 0.6]]);
    for (damage, part) in [
        ("{}".to_string(), "missing field"),
        ("junk".to_string(), "expected value"),
        (descending.to_string(), "do not ascend"),
    ] {
        cells.write("model/scores.json", damage);
        cells
            .on("evaluate", "-m model -t chr3")
            .fails(1, &["model/scores.json", part]);
    }
    resume();
    assert!(bytes(&file) == whole);
}

#[test]
fn a_calibration_that_is_not_there_is_not_passed_over() {
    let cells = Cells::new();
    cells.train("model", "-e 2 --calibrate").ok();
    windows(&cells, "w.bed", "chr2");
    let file = cells.path("model/scores.json");
    let kept = text(&file);
    let predict = |said: &str| {
        let run = cells.on("predict", "-m model -b w.bed -o never.gz");
        run.fails(1, &[said, "--resume makes it"]);
        assert!(!cells.path("never.gz").exists());
    };
    std::fs::remove_file(&file).unwrap();
    predict("model: a model with --calibrate whose calibration is not there");
    cells
        .on("evaluate", "-m model -t chr3")
        .fails(1, &["calibration is not there"]);
    std::fs::create_dir(&file).unwrap();
    let run = cells.on("predict", "-m model -b w.bed -o never.gz");
    run.fails(1, &["scores.json", "a folder"]);
    std::fs::remove_dir(&file).unwrap();
    let threshold = kept.replacen("\"points\":[[", "\"points\":[[-", 1);
    assert_ne!(threshold, kept);
    std::fs::write(&file, threshold).unwrap();
    predict("thresholds that are no probabilities");
    std::fs::write(&file, &kept[..kept.len() / 2]).unwrap();
    predict("scores.json");
    cells.train("model", "-e 2 --calibrate --resume").ok();
    assert_eq!(text(&file), kept);
}

#[test]
fn models_of_two_kinds_and_regions_without_a_bound_window_are_not_compared() {
    let cells = Cells::new();
    cells.train("a", "-e 1").ok();
    cells.train("b", "-e 1 -s 5").ok();
    let data = Data::new(60, 40);
    data.train("t", "").ok();
    let other = data.path("t");
    cells.run(&format!("compare a {}", other.display())).fails(
        2,
        &[
            "a is a FactorNet model",
            "a tiSFM model",
            "one kind at a time",
        ],
    );
    cells.write("none.bed", "chr2\t0\t400\n");
    let run = cells.run("compare a b -t none.bed");
    run.refused(&["bound"]);
}
