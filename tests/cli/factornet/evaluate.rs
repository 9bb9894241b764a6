//! `cisgrad factornet evaluate`.

use crate::common::factornet::{Cells, values};
use crate::common::kinds::Kind;
use crate::common::text;

const COLUMNS: &str =
    "factor auROC auPRC recall_at_10pct_FDR recall_at_50pct_FDR positives negatives";

/// By file: the intervals of a chromosome as a mask of its bases.
fn mask(cells: &Cells, bed: &str, chromosome: &str) -> Vec<bool> {
    let mut mask = vec![false; 60_000];
    for line in text(cells.path(bed)).lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        if columns[0] == chromosome {
            mask[columns[1].parse().unwrap()..columns[2].parse().unwrap()].fill(true);
        }
    }
    mask
}

/// Measures by their definition, from scores and labels.
fn measures(mut examples: Vec<(f64, bool)>) -> [f64; 4] {
    examples.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all = examples.iter().filter(|e| e.1).count() as f64;
    let none = examples.len() as f64 - all;
    let (mut tp, mut fp, mut auroc, mut auprc, mut at10, mut at50) =
        (0.0, 0.0, 0.0, 0.0, 0.0_f64, 0.0_f64);
    for step in examples.chunk_by(|a, b| a.0 == b.0) {
        let gain = step.iter().filter(|e| e.1).count() as f64;
        let loss = step.len() as f64 - gain;
        auroc += loss * (tp + gain / 2.0);
        tp += gain;
        fp += loss;
        auprc += gain / all * tp / (tp + fp);
        if fp / (tp + fp) <= 0.1 {
            at10 = at10.max(tp / all);
        }
        if fp / (tp + fp) <= 0.5 {
            at50 = at50.max(tp / all);
        }
    }
    [auroc / all / none, auprc, at10, at50]
}

#[test]
fn the_measures_are_those_of_the_predicted_scores_by_the_rules_of_the_bins() {
    let cells = Cells::new();
    // What the motif and the track say is learned.
    cells
        .train("model", "-e 12 -lr 0.02 -p 0.1 -k 8 -d 16 -n 2")
        .ok();
    let table = cells
        .on(
            "evaluate",
            "-m model -f CTCF -t chr3:1000-29000 chr3:31000-59000 --curves curves",
        )
        .ok()
        .table();
    assert_eq!(
        table.header.join(" "),
        format!(
            "{COLUMNS} threshold_at_10pct_FDR threshold_at_50pct_FDR auPRC_DGF auPRC_GC auPRC_DGF+GC"
        )
    );
    let (strict, relaxed) = (
        mask(&cells, "A/CTCF.bed", "chr3"),
        mask(&cells, "A/CTCF.relaxed.bed", "chr3"),
    );
    let covered =
        |mask: &[bool], start: usize| mask[start..start + 200].iter().filter(|&&b| b).count() > 100;
    let (mut bins, mut labels) = (String::new(), Vec::new());
    let starts = (1000..=29_000 - 200).chain(31_000..=59_000 - 200);
    let mut ambiguous = 0;
    for start in starts.filter(|start| start % 50 == 0) {
        if covered(&strict, start) || !covered(&relaxed, start) {
            bins += &format!("chr3\t{start}\t{}\n", start + 200);
            labels.push(covered(&strict, start));
        } else {
            ambiguous += 1;
        }
    }
    assert!(ambiguous > 20, "{ambiguous}");
    cells.write("bins.bed", bins);
    cells.write("empty.bed", "");
    cells
        .on(
            "predict",
            "-m model -b bins.bed -o p.gz --blacklist empty.bed",
        )
        .ok();
    let scores = cells.scored("p.gz");
    let examples = scores
        .iter()
        .map(|l| l[3].parse().unwrap())
        .zip(labels.clone());
    let expected = measures(examples.collect());
    let positives = labels.iter().filter(|&&l| l).count();
    assert_eq!(table.column("factor"), ["CTCF"]);
    assert_eq!(table.column("positives"), [positives.to_string()]);
    assert_eq!(
        table.column("negatives"),
        [(labels.len() - positives).to_string()]
    );
    for (name, (expected, off)) in COLUMNS
        .split(' ')
        .skip(1)
        .zip(expected.into_iter().zip([5e-4, 5e-3, 0.02, 0.02]))
    {
        let found = table.numbers(name)[0];
        // Four digits of a score make ties that its f32 does not have.
        assert!(
            (found - expected).abs() <= off,
            "{name}: {found} {expected}"
        );
    }
    assert!(table.numbers("auROC")[0] > 0.9, "{table:?}");
    // The track's mean over each bin as a score.
    let track = std::fs::read_dir(cells.path("A")).unwrap();
    let track = track.map(|entry| entry.unwrap().path());
    let track = track
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "bw" || e == "bigWig"));
    let values = values(&track.unwrap(), "chr3", 0, 60_000);
    let bins = text(cells.path("bins.bed"));
    let means = bins.lines().map(|line| {
        let start: usize = line.split('\t').nth(1).unwrap().parse().unwrap();
        let bin = values[start..start + 200].iter();
        bin.map(|x| if x.is_nan() { 0.0 } else { f64::from(*x) })
            .sum::<f64>()
            / 200.0
    });
    let expected = measures(means.zip(labels.clone()).collect())[1];
    let found = table.numbers("auPRC_DGF")[0];
    assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    // The curves are of the same scores.
    let thresholds = crate::common::Table::read(cells.path("curves/CTCF_thresholds.tsv"));
    let [recall, precision] = ["recall", "precision"].map(|name| thresholds.numbers(name));
    assert_eq!(recall.last(), Some(&1.0));
    let held = recall.iter().zip(&precision).filter(|(_, p)| **p >= 0.5);
    let most = held.map(|(r, _)| *r).fold(0.0, f64::max);
    assert!((most - table.numbers("recall_at_50pct_FDR")[0]).abs() < 0.02);
    let at = table.numbers("threshold_at_50pct_FDR")[0];
    let place = thresholds
        .numbers("threshold")
        .iter()
        .position(|t| (t - at).abs() < 1e-5);
    assert!((recall[place.unwrap()] - most).abs() < 0.02);
    let reliability = crate::common::Table::read(cells.path("curves/CTCF_reliability.tsv"));
    assert_eq!(
        reliability.numbers("windows").iter().sum::<f64>() as usize,
        labels.len()
    );
    for picture in ["precision_recall", "roc", "reliability"] {
        let picture = text(cells.path(&format!("curves/CTCF_{picture}.svg")));
        assert!(picture.contains("CTCF") && !picture.contains("NaN"));
    }
    let bare = cells
        .on("evaluate", "-m model -f CTCF -t chr3 --no-baselines")
        .ok();
    assert!(!bare.table().header.contains(&"auPRC_GC".to_string()));
}

/// ln(1 + x) of a track is the network's input wherever the model is used: as of a track that holds these values.
#[test]
fn a_transformed_track_is_one_that_holds_the_transformed_values() {
    let cells = Cells::new();
    cells.train("model", "-e 2 --track-transform log1p").ok();
    cells.train("plain", "-e 2").ok();
    let track = std::fs::read_dir(cells.path("A")).unwrap();
    let track = track.map(|entry| entry.unwrap().path());
    let track = track
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "bw" || e == "bigWig"));
    let track = track.unwrap();
    let all: Vec<Vec<f32>> = (1..=3)
        .map(|c| values(&track, &format!("chr{c}"), 0, 60_000))
        .collect();
    let name = format!("A/{}", track.file_name().unwrap().to_string_lossy());
    cells.track(&name, |chromosome, base| {
        let value = all[chromosome as usize][base as usize];
        if value.is_nan() {
            0.0
        } else {
            value.abs().ln_1p().copysign(value)
        }
    });
    cells.train("same", "-e 2").ok();
    let best =
        |model: &str| crate::common::bytes(cells.path(&format!("{model}/model.best.safetensors")));
    assert_eq!(best("same"), best("model"));
    assert_ne!(best("plain"), best("model"));
    cells.write("w.bed", "chr3\t5000\t5200\nchr3\t9000\t9200\n");
    cells.on("predict", "-m same -b w.bed -o same.gz").ok();
    let before = cells.scored("same.gz");
    cells.track(&name, |chromosome, base| {
        let value = all[chromosome as usize][base as usize];
        if value.is_nan() { 0.0 } else { value }
    });
    cells.on("predict", "-m model -b w.bed -o model.gz").ok();
    assert_eq!(cells.scored("model.gz"), before);
    cells.train("model", "-e 3 --resume").fails(
        1,
        &["--resume: model was started with --track-transform log1p"],
    );
}

#[test]
fn bins_on_the_blacklist_or_with_n_are_left_out() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let count = |regions: &str| {
        let table = cells
            .on("evaluate", &format!("-m model -f CTCF -t {regions}"))
            .ok()
            .table();
        let number = |name| table.numbers(name)[0] as usize;
        number("positives") + number("negatives")
    };
    let all = |from: usize, to: usize, chromosome: &str| {
        let (strict, relaxed) = (
            mask(&cells, "A/CTCF.bed", chromosome),
            mask(&cells, "A/CTCF.relaxed.bed", chromosome),
        );
        let covered =
            |mask: &[bool], s: usize| mask[s..s + 200].iter().filter(|&&b| b).count() > 100;
        let known = |s: &usize| covered(&strict, *s) || !covered(&relaxed, *s);
        (from..=to - 200)
            .step_by(50)
            .filter(known)
            .collect::<Vec<_>>()
    };
    let off = |starts: Vec<usize>, from: usize, to: usize| {
        starts
            .iter()
            .filter(|&&s| s + 200 <= from || s >= to)
            .count()
    };
    // The blacklist as it is, not grown.
    assert_eq!(
        count("chr3:25000-35000"),
        off(all(25_000, 35_000, "chr3"), 30_000, 30_500)
    );
    assert_eq!(
        count("chr1:19000-22000"),
        off(all(19_000, 22_000, "chr1"), 20_000, 20_100)
    );
    // To the very ends: N at the beginning of chr3.
    assert_eq!(count("chr3:0-2000"), off(all(0, 2000, "chr3"), 0, 50));
    cells
        .on("evaluate", "-m model -t chr3:30000-30500")
        .fails(1, &["-t chr3:30000-30500: no window of 200 bases there"]);
    cells
        .on("evaluate", "-m model -t chr9")
        .fails(2, &["-t chr9: neither a chromosome"]);
}

#[test]
fn every_factor_of_the_model_with_peaks_has_a_row() {
    let cells = Cells::new();
    cells.train_all("model", "-e 2 -lr 0.02").ok();
    let all = cells.on("evaluate", "-m model -t chr3").ok();
    assert_eq!(all.table().column("factor"), ["CTCF", "MAX"]);
    for (row, factor) in ["CTCF", "MAX"].iter().enumerate() {
        let one = cells
            .on("evaluate", &format!("-m model -f {factor} -t chr3"))
            .ok()
            .table();
        assert_eq!(one.rows[0], all.table().rows[row]);
    }
    let other = cells.on("evaluate", "-i B -m model -t chr3").ok();
    assert_eq!(other.table().column("factor"), ["CTCF"]);
    assert!(
        other.err.contains("note: B has no peaks of MAX"),
        "{}",
        other.err
    );
    cells
        .on("evaluate", "-i B -m model -f MAX -t chr3")
        .fails(1, &["B/chip.txt: no factor 'MAX'; there is CTCF"]);
    cells
        .on("evaluate", "-m model -f MYC -t chr3")
        .fails(2, &["-f MYC: the model predicts CTCF, MAX"]);
    // By default chr1, chr8 and chr21, of which one is there.
    let by_default = cells.on("evaluate", "-m model").ok();
    assert!(
        by_default.err.contains("'chr8', 'chr21', not in"),
        "{}",
        by_default.err
    );
    assert_eq!(
        by_default.out,
        cells.on("evaluate", "-m model -t chr1").ok().out
    );
}

#[test]
fn bootstrap_adds_intervals_that_depend_on_the_seed_alone() {
    let cells = Cells::new();
    cells.train("model", "-e 2 -lr 0.02").ok();
    let run = |more: &str| {
        cells
            .on("evaluate", &format!("-m model -f CTCF -t chr3 {more}"))
            .ok()
            .out
    };
    let (plain, wide) = (run(""), run("--bootstrap 100"));
    assert_eq!(wide, run("--bootstrap 100 --threads 1 --batch-size 13"));
    assert_ne!(wide, run("--bootstrap 100 --seed 3"));
    cells
        .on("evaluate", "-m model -t chr3 --bootstrap 0")
        .fails(2, &["--bootstrap 0"]);
    let none = cells.on("evaluate", "-m model -t chr3:0-600").ok();
    assert!(
        none.out
            .ends_with("CTCF\tNaN\tNaN\tNaN\tNaN\t0\t8\t\t\tNaN\tNaN\tNaN\n"),
        "{}",
        none.out
    );
    assert!(
        none.err.contains("warning: CTCF: no window is bound there"),
        "{}",
        none.err
    );
    let table = crate::common::Table::parse(&wide);
    let plain = crate::common::Table::parse(&plain);
    assert_eq!(table.rows[0][..7], plain.rows[0][..7]);
    for name in [
        "auROC",
        "auPRC",
        "recall_at_10pct_FDR",
        "recall_at_50pct_FDR",
    ] {
        let [low, value, high] = [
            format!("{name}_low"),
            name.to_string(),
            format!("{name}_high"),
        ]
        .map(|n| table.numbers(&n)[0]);
        assert!(
            low <= value && value <= high,
            "{name}: {low} {value} {high}"
        );
    }
    assert!(table.numbers("auROC_low")[0] < table.numbers("auROC_high")[0]);
}
