//! `--prior` of `cisgrad factornet predict` and `evaluate`.

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::text;

/// Training has as many negatives per positive as -n says, a genome has many more.
#[test]
fn a_prior_multiplies_the_odds() {
    let cells = Cells::new();
    cells.train("model", "-e 2 -n 3").ok();
    let bed: String = (0..40)
        .map(|i| format!("chr3\t{}\t{}\n", 1000 + 700 * i, 1200 + 700 * i))
        .collect();
    cells.write("w.bed", bed);
    let scores = |name: &str, more: &str| -> Vec<f64> {
        cells
            .on("predict", &format!("-m model -b w.bed -o {name} {more}"))
            .ok();
        let scored = cells.scored(name);
        scored.iter().map(|line| line[3].parse().unwrap()).collect()
    };
    let plain = scores("plain.gz", "");
    let prior = scores("prior.gz", "--prior 0.01");
    let share = {
        let config = text(cells.path("model/config.json"));
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        config["training_share"][0].as_f64().unwrap()
    };
    assert!((share - 0.25).abs() < 1e-12, "{share}");
    let times = (0.01 / 0.99) / (share / (1.0 - share));
    for (p, found) in plain.iter().zip(&prior) {
        let expected = p * times / (p * times + 1.0 - p);
        // Scores have few digits.
        assert!(
            (found - expected).abs() < 1e-3 * expected + 1e-4,
            "{p} {found} {expected}"
        );
    }
    assert!(prior.iter().zip(&plain).filter(|(a, b)| a < b).count() > 30);
    let same = scores("same.gz", &format!("--prior 0.01 --training-share {share}"));
    assert_eq!(same, prior);
    let table = |more: &str| {
        let run = cells.on("evaluate", &format!("-m model -f CTCF -t chr3 {more}"));
        run.ok().table()
    };
    let (plain, prior) = (table(""), table("--prior 0.01"));
    assert_eq!(plain.column("auPRC"), prior.column("auPRC"));
    for (flags, message) in [
        ("--prior 1", "--prior 1: expected a number between 0 and 1"),
        ("--prior x", "--prior x: expected a number"),
        ("--training-share 0.5", "--prior"),
    ] {
        cells
            .on("predict", &format!("-m model -b w.bed -o never.gz {flags}"))
            .fails(2, &[message]);
    }
    // A model that does not know it.
    let config = text(cells.path("model/config.json"));
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config.as_object_mut().unwrap().remove("training_share");
    cells.write("model/config.json", config.to_string());
    cells
        .on("predict", "-m model -b w.bed -o never.gz --prior 0.01")
        .fails(2, &["give --training-share"]);
}
