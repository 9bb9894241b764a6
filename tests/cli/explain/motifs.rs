//! `--method motifs`: shares and the background's mean sum to the prediction, parts and the gate to a share.

use crate::common::kinds::Kind;
use crate::common::tisfm::{Data, MOTIFS};
use crate::common::{Table, text};
use std::collections::HashMap;

const TRAIN: &str = "--precision f64 --lr 0.02 --number-of-epochs 4";

/// Trains and explains, every window listed.
fn explained(data: &Data, architecture: &str, more: &str) {
    data.train(
        "model",
        &format!("--architecture {architecture} {TRAIN} {more}"),
    )
    .ok();
    data.run("explain --model model --sequences few.tsv --out out --method motifs --min-part 1e-300 --precision f64 --plot 1")
        .ok();
}

#[test]
fn shares_sum_to_the_prediction_and_parts_to_the_shares() {
    for architecture in [
        "model_pos_calib_sigmoid",
        "model_pos_calib_sigmoid_interaction",
        "model_pos_attention_calib_sigmoid_interaction",
        "model_pos_attention_calib_sigmoid_interaction_maxpooling",
        "model_pos_attention_calib_sigmoid_interaction_3_feature_per_motif",
        "model_pos_attention_calib_sigmoid_and_or",
        "model_pos_calib_sigmoid_interaction_w_amplification",
        "model_pos_calib_sigmoid_location_aware",
        "plain",
        "plain_gate",
        "parts3_gate",
    ] {
        let data = Data::new(60, 40);
        let lines = text(data.path("sequences.tsv"));
        let few: Vec<&str> = lines.lines().take(3).collect();
        data.write("few.tsv", few.join("\n") + "\n");
        explained(&data, architecture, "");
        check(&data, &["model"]);
    }
}

/// Of windows that only some of the models would list, too.
#[test]
fn an_ensembles_windows_are_the_means_of_its_models() {
    let data = Data::new(60, 40);
    let lines = text(data.path("sequences.tsv"));
    let few: Vec<&str> = lines.lines().take(3).collect();
    data.write("few.tsv", few.join("\n") + "\n");
    data.train("model", &format!("{TRAIN} --seeds 3")).ok();
    let run = "--sequences few.tsv --method motifs --precision f64";
    data.run(&format!(
        "explain --model model {run} --out out --min-part 0.03"
    ))
    .ok();
    let mut sums: HashMap<[String; 6], [f64; 2]> = HashMap::new();
    let key = |row: &[String]| [1, 2, 6, 7, 8, 11].map(|column| row[column].clone());
    for seed in 0..3 {
        let flags = format!("--model model/seed_{seed} {run} --out of.{seed} --min-part 1e-300");
        data.run(&format!("explain {flags}")).ok();
        for row in Table::read(data.path(&format!("of.{seed}/hits.tsv"))).rows {
            let number = |column: usize| row[column].parse::<f64>().unwrap();
            let sum = sums.entry(key(&row)).or_default();
            sum[0] += number(4) / 3.0;
            sum[1] += number(5) / 3.0;
        }
    }
    let hits = Table::read(data.path("out/hits.tsv"));
    assert!(hits.rows.len() > 20);
    for row in &hits.rows {
        let mean = sums[&key(row)];
        let number = |column: usize| row[column].parse::<f64>().unwrap();
        assert!((number(4) - mean[0]).abs() < 1e-12 && (number(5) - mean[1]).abs() < 1e-12);
    }
    // And no other is as large.
    let least = hits
        .rows
        .iter()
        .filter(|row| row[7] == hits.rows[0][7] && row[11] == "K562");
    let least = least
        .map(|row| row[5].parse::<f64>().unwrap().abs())
        .fold(f64::MAX, f64::min);
    let listed: Vec<[String; 6]> = hits.rows.iter().map(|row| key(row)).collect();
    let others = sums
        .iter()
        .filter(|(of, _)| of[3] == hits.rows[0][7] && of[5] == "K562");
    for (of, mean) in others {
        assert!(
            listed.contains(of) || mean[1].abs() <= least,
            "{of:?} {mean:?} {least}"
        );
    }
}

#[test]
fn of_an_ensemble_the_means() {
    let data = Data::new(60, 40);
    let lines = text(data.path("sequences.tsv"));
    let few: Vec<&str> = lines.lines().take(3).collect();
    data.write("few.tsv", few.join("\n") + "\n");
    explained(&data, "model_pos_calib_sigmoid_interaction", "--seeds 2");
    check(&data, &["model"]);
}

fn check(data: &Data, models: &[&str]) {
    let model = models[0];
    data.run(&format!(
        "tisfm predict --model {model} --sequences few.tsv --precision f64 --out predicted.tsv"
    ))
    .ok();
    data.run(&format!(
        "tisfm predict --model {model} --split test --precision f64 --out test.tsv"
    ))
    .ok();
    let (predicted, test) = (
        Table::read(data.path("predicted.tsv")),
        Table::read(data.path("test.tsv")),
    );
    let hits = Table::read(data.path("out/hits.tsv"));
    for output in ["K562", "MCF7"] {
        let shares = Table::read(data.path(&format!("out/shares.{output}.tsv")));
        let predictions = predicted.numbers(output);
        let over_test = test.numbers(output);
        let mean = over_test.iter().sum::<f64>() / over_test.len() as f64;
        for (row, prediction) in shares.rows.iter().zip(predictions) {
            let numbers: Vec<f64> = row[1..].iter().map(|x| x.parse().unwrap()).collect();
            assert!((numbers[0] - prediction).abs() < 1e-9);
            assert!((numbers[1] - mean).abs() < 1e-9, "{} {mean}", numbers[1]);
            let sum: f64 = numbers[1..].iter().sum();
            assert!((sum - prediction).abs() < 1e-9, "{sum} {prediction}");
        }
        // By sequence and feature: parts, gate and share.
        let mut sums: HashMap<(String, String), (f64, f64, f64)> = HashMap::new();
        for row in hits.rows.iter().filter(|row| row[11] == output) {
            let number = |column: usize| row[column].parse::<f64>().unwrap();
            let entry = sums.entry((row[7].clone(), row[8].clone())).or_default();
            entry.0 += number(5);
            (entry.1, entry.2) = (number(9), number(10));
            assert!((0.0..=1.0).contains(&number(4)), "an activity");
        }
        assert!(sums.len() > 3, "hardly a window: {}", sums.len());
        for ((name, id), (parts, gate, share)) in sums {
            assert!(
                (parts + gate - share).abs() < 1e-9,
                "{name} {id}: {parts} + {gate}, {share}"
            );
            let column = shares.header.iter().position(|own| *own == id).unwrap();
            let row = shares.rows.iter().find(|row| row[0] == name).unwrap();
            assert!((row[column].parse::<f64>().unwrap() - share).abs() < 1e-12);
        }
        assert!(shares.header.iter().any(|name| name.starts_with("pad ")));
        assert!(shares.header.iter().any(|name| name.starts_with(MOTIFS[0])));
    }
    assert!(
        text(data.path("out/plot.1.K562.svg")).contains("label"),
        "hits have names"
    );
}

#[test]
fn the_background_can_be_given() {
    let data = Data::new(60, 40);
    data.train("model", TRAIN).ok();
    let lines = text(data.path("sequences.tsv"));
    data.write("few.tsv", lines.lines().next().unwrap().to_string() + "\n");
    data.run("explain --model model --sequences few.tsv --background few.tsv --method motifs --out out --precision f64")
        .ok();
    // A sequence against itself.
    let shares = Table::read(data.path("out/shares.K562.tsv"));
    assert_eq!(shares.rows[0][1], shares.rows[0][2]);
    assert!(
        shares.rows[0][3..]
            .iter()
            .all(|share| share == "0" || share == "-0")
    );
}

#[test]
fn architectures_that_are_not_about_windows_of_motifs_are_refused_by_name() {
    let data = Data::new(60, 40);
    for architecture in [
        "model_pos_calib_sigmoid_attention",
        "model_pos_calib_sigmoid_focal",
        "model_effect_diffusion",
        "model_pos_calib_nystrom_sampling",
    ] {
        data.train(
            "model",
            &format!("--architecture {architecture} --number-of-epochs 1"),
        )
        .ok();
        data.run("explain --model model --sequences sequences.tsv --method motifs --out never")
            .fails(2, &["--method motifs", architecture, "ism"]);
        assert!(!data.path("never").exists());
        std::fs::remove_dir_all(data.path("model")).unwrap();
    }
}
