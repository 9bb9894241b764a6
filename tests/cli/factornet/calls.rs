//! `cisgrad factornet predict --calls`.

use super::calibrate::{LEARNS, scores, windows};
use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::{bytes, names, text};

fn peaks(cells: &Cells, name: &str) -> Vec<Vec<String>> {
    let fields = |line: &str| line.split('\t').map(String::from).collect();
    text(cells.path(name)).lines().map(fields).collect()
}

#[test]
fn windows_at_the_models_threshold_are_merged_into_narrow_peaks() {
    let cells = Cells::new();
    cells.train("model", LEARNS).ok();
    let starts = windows(&cells, "w.bed", "chr3");
    let run = cells.on(
        "predict",
        "-m model -b w.bed -o p.gz --calls peaks.narrowPeak --fdr 0.5",
    );
    let run = run.ok();
    let probabilities = scores(&cells, "model", "");
    // The lowest threshold of the validation regions that holds the rate.
    let kept: serde_json::Value =
        serde_json::from_str(&text(cells.path("model/scores.json"))).unwrap();
    let points = kept["factors"][0]["thresholds"]["points"]
        .as_array()
        .unwrap();
    let held = points.iter().find(|point| {
        let [found, wrong] = [1, 2].map(|i| point[i].as_f64().unwrap());
        wrong <= 0.5 * (found + wrong)
    });
    let threshold = held.unwrap()[0].as_f64().unwrap();
    let peaks = peaks(&cells, "peaks.narrowPeak");
    assert!(peaks.len() > 5, "{peaks:?}");
    let number = |peak: &[String], column: usize| peak[column].parse::<f64>().unwrap();
    let mut inside = vec![false; 60_000];
    let mut before = 0.0;
    for (i, peak) in peaks.iter().enumerate() {
        assert_eq!(peak.len(), 10);
        assert_eq!(
            (peak[0].as_str(), peak[5].as_str(), peak[7].as_str()),
            ("chr3", ".", "-1")
        );
        assert_eq!(peak[3], format!("CTCF_{}", i + 1));
        let (start, end) = (number(peak, 1), number(peak, 2));
        // What touches is one peak.
        assert!(start > before, "{peak:?}");
        before = end;
        inside[start as usize..end as usize].fill(true);
        let signal = number(peak, 6);
        assert_eq!(number(peak, 4), (1000.0 * signal).round());
        assert!(number(peak, 8) >= -(0.5_f64.log10()) - 1e-4);
        // The middle of its best window.
        let summit = start + number(peak, 9);
        let window = starts
            .iter()
            .position(|&s| s as f64 + 100.0 == summit)
            .unwrap();
        let of_peak = starts.iter().zip(&probabilities);
        let of_peak = of_peak.filter(|(s, _)| **s as f64 >= start && **s as f64 + 200.0 <= end);
        let best = of_peak.map(|(_, p)| *p).fold(0.0, f64::max);
        assert!((probabilities[window] - best).abs() <= 1e-3 * best);
        assert!((signal - best).abs() <= 1e-3 * best);
        assert!(signal >= threshold * 0.999999);
    }
    for (&start, &p) in starts.iter().zip(&probabilities) {
        let within = inside[start..start + 200].iter().all(|&base| base);
        // Four digits of a probability.
        if p > threshold * 1.001 {
            assert!(within, "{start} {p}");
        }
    }
    let count = format!("CTCF: {} peaks of ", peaks.len());
    assert!(run.err.contains(&count), "{}", run.err);
    assert!(!run.err.contains("estimate"), "{}", run.err);
    // The order of the BED makes no difference, nor does a file that is packed.
    let reversed: Vec<String> = text(cells.path("w.bed"))
        .lines()
        .rev()
        .map(String::from)
        .collect();
    cells.write("w.bed", reversed.join("\n") + "\n");
    cells
        .on(
            "predict",
            "-m model -b w.bed -o p.gz --calls packed.gz --fdr 0.5",
        )
        .ok();
    let mut unpacked = String::new();
    let packed = bytes(cells.path("packed.gz"));
    let mut decoder = flate2::read::MultiGzDecoder::new(&packed[..]);
    std::io::Read::read_to_string(&mut decoder, &mut unpacked).unwrap();
    assert_eq!(unpacked, text(cells.path("peaks.narrowPeak")));
    // A stricter rate calls no more; another cell line has its own.
    cells
        .on(
            "predict",
            "-m model -b w.bed -o p.gz --calls strict.bed --fdr 0.05",
        )
        .ok();
    let lines = |name: &str| text(cells.path(name)).lines().count();
    assert!(lines("strict.bed") <= lines("peaks.narrowPeak"));
    let other = cells.on("predict", "-i B -m model -b w.bed -o p.gz --calls b.bed");
    let other = other.ok();
    assert!(
        other.err.contains("A; in B it is an estimate"),
        "{}",
        other.err
    );
    // Wider intervals than those of the thresholds.
    cells.write("wide.bed", "chr3\t5000\t5300\nchr3\t9000\t9200\n");
    let wide = cells
        .on("predict", "-m model -b wide.bed -o p.gz --calls b.bed")
        .ok();
    assert!(
        wide.err
            .contains("warning: 1 interval is not 200 bases wide"),
        "{}",
        wide.err
    );
}

/// Probabilities change with a calibration, calls do not.
#[test]
fn a_calibrated_model_calls_the_same() {
    let cells = Cells::new();
    cells.train("plain", LEARNS).ok();
    cells
        .train("calibrated", &format!("{LEARNS} --calibrate"))
        .ok();
    windows(&cells, "w.bed", "chr3");
    let called = |model: &str, more: &str| {
        cells
            .on(
                "predict",
                &format!("-m {model} -b w.bed -o p.gz --calls c.bed --fdr 0.4 {more}"),
            )
            .ok();
        peaks(&cells, "c.bed")
    };
    let (plain, calibrated) = (called("plain", ""), called("calibrated", ""));
    let prior = called("plain", "--prior 0.01");
    assert!(!plain.is_empty());
    for other in [&calibrated, &prior] {
        assert_eq!(plain.len(), other.len());
        for (a, b) in plain.iter().zip(other) {
            assert_eq!(a[..4], b[..4]);
            assert_eq!(a[8..], b[8..]);
        }
        assert!(plain.iter().zip(other).any(|(a, b)| a[6] != b[6]));
    }
}

#[test]
fn several_factors_have_a_file_each() {
    let cells = Cells::new();
    cells.train_all("model", "-e 1").ok();
    windows(&cells, "w.bed", "chr3");
    cells
        .on(
            "predict",
            "-m model -b w.bed -o p.gz --calls c.narrowPeak.gz --fdr 0.99",
        )
        .ok();
    for name in ["c.CTCF.narrowPeak.gz", "c.MAX.narrowPeak.gz"] {
        assert!(bytes(cells.path(name)).starts_with(&[0x1f, 0x8b]), "{name}");
    }
    assert!(!cells.path("c.narrowPeak.gz").exists());
}

#[test]
fn what_cannot_be_called_is_refused_or_said() {
    let cells = Cells::new();
    cells.train("model", "").ok();
    windows(&cells, "w.bed", "chr3");
    let before = names(cells.folder());
    for (flags, code, parts) in [
        (
            "--calls c.bed --fdr 0",
            2,
            &["--fdr 0: expected a number between 0 and 1"][..],
        ),
        (
            "--calls c.bed --fdr 1.5",
            2,
            &["--fdr 1.5: expected a number between 0 and 1"],
        ),
        ("--calls c.bed --fdr x", 2, &["--fdr x: expected a number"]),
        ("--fdr 0.1", 2, &["--calls"]),
        (
            "-m model model --calls c.bed",
            2,
            &["--calls goes with one model"],
        ),
        (
            "--calls model/scores.json",
            2,
            &["--calls model/scores.json is a file that this run reads"],
        ),
        (
            "--calls model/config.json",
            2,
            &["a file that this run reads"],
        ),
        ("--calls w.bed", 2, &["a file that this run reads"]),
        (
            "--calls never.gz",
            2,
            &["--calls never.gz is the file of -o"],
        ),
        ("--calls no/c.bed", 1, &["no"]),
    ] {
        let model = if flags.contains("-m ") {
            ""
        } else {
            "-m model"
        };
        cells
            .on("predict", &format!("{model} -b w.bed -o never.gz {flags}"))
            .fails(code, parts);
        assert_eq!(names(cells.folder()), before, "{flags}");
    }
    let kept = text(cells.path("model/scores.json"));
    // No threshold holds the rate.
    let mut kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    kept["factors"][0]["thresholds"]["points"] = serde_json::json!([[0.01, 5, 20]]);
    cells.write("model/scores.json", kept.to_string());
    cells.write("c.bed", "old\n");
    let run = cells
        .on("predict", "-m model -b w.bed -o p.gz --calls c.bed")
        .ok();
    assert_eq!(text(cells.path("c.bed")), "");
    assert!(
        run.err.contains(
            "CTCF: nothing is called: no threshold has a false discovery rate of 10 % or less"
        ),
        "{}",
        run.err
    );
    // Models without thresholds: of an older version, and not trained here.
    std::fs::remove_file(cells.path("model/scores.json")).unwrap();
    let call = || cells.on("predict", "-m model -b w.bed -o never.gz --calls c.bed");
    call().fails(
        1,
        &[
            "--calls: model keeps no thresholds",
            "train command with --resume adds them",
        ],
    );
    std::fs::remove_file(cells.path("model/state.safetensors")).unwrap();
    call().fails(
        1,
        &["--calls: model keeps no thresholds", "not trained here"],
    );
    assert!(!cells.path("never.gz").exists());
}
