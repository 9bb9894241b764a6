//! FactorNet: what is explained is the logit of the mean probability.

use super::{array, attributions, projected, scores};
use crate::common::factornet::{Cells, values as values_of};
use crate::common::kinds::Kind;
use crate::common::{Table, text};

/// Windows on chromosome 2, the first with the motif in its middle; one that is too near to the start, one on no chromosome.
fn windows(cells: &Cells) -> Vec<(u32, u32)> {
    let peaks = text(cells.path("A/CTCF.bed"));
    let fields = peaks
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let own: Vec<(u32, u32)> = fields
        .filter(|fields| fields[0] == "chr2")
        .map(|fields| (fields[1].parse().unwrap(), fields[2].parse().unwrap()))
        .take(2)
        .collect();
    let lines = own
        .iter()
        .map(|(start, end)| format!("chr2\t{start}\t{end}\n"));
    let bed: String = lines.collect::<String>() + "chr2\t10\t60\nchrQ\t5\t9\n";
    cells.write("few.bed", bed);
    own
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

#[test]
fn saturation_mutagenesis_is_the_predictions_of_edited_genomes() {
    for (more, network) in [("", "lstm"), ("-r 0", "flat"), ("-r -1", "max")] {
        let cells = Cells::new();
        let train = format!("{more} --precision f64 -e 3");
        cells.train("model", &train).ok();
        let own = windows(&cells);
        let said = cells
            .run("explain --model model --bed few.bed --out out -i A --genome genome.fa --precision f64")
            .ok();
        assert!(
            said.err.contains("chrQ") && said.err.contains("line 3"),
            "{}",
            said.err
        );
        let values = attributions(&cells.path("out"), "CTCF");
        assert_eq!(values.len(), 2 * 4 * 200);
        let regions = text(cells.path("out/regions.bed"));
        let start: usize = regions.split('\t').nth(1).unwrap().parse().unwrap();
        let genome = text(cells.path("genome.fa"));
        let (head, tail) = genome.split_once(">chr2").unwrap();
        let lines: Vec<&str> = tail.split_inclusive('\n').collect();
        cells.write("one.bed", format!("chr2\t{}\t{}\n", own[0].0, own[0].1));
        let score = |file: &str| {
            let run = "factornet predict -m model -b one.bed -i A -o scored.bed.gz --precision f64";
            cells
                .run(&format!("{run} --bigwig scored.bw --genome {file}"))
                .ok();
            let (start, end) = own[0];
            let score = values_of(&cells.path("scored.bw"), "chr2", start, end)[0];
            logit(f64::from(score))
        };
        let reference = score("genome.fa");
        let found = scores(&cells.path("out")).numbers("CTCF (logit)");
        assert!(
            (found[0] - reference).abs() < 1e-6,
            "{network}: {} {reference}",
            found[0]
        );
        for l in [0, 57, 100, 199] {
            let at = start + l;
            let mut edited: Vec<String> = lines.iter().map(ToString::to_string).collect();
            let line = &mut edited[1 + at / 60];
            let old = line.as_bytes()[at % 60] as char;
            let new = if old == 'C' { 'A' } else { 'C' };
            line.replace_range(at % 60..=at % 60, &new.to_string());
            cells.write("edited.fa", format!("{head}>chr2{}", edited.concat()));
            let change = score("edited.fa") - reference;
            let base = |letter: char| "ACGT".find(letter).unwrap();
            let of = |letter: char| f64::from(values[base(letter) * 200 + l]);
            // Scored probabilities have as many digits as f32 has.
            assert!(
                (of(new) - of(old) - change).abs() < 4e-6,
                "{network}, {l}: {} {change}",
                of(new) - of(old)
            );
        }
    }
}

#[test]
fn integrated_gradients_of_sequence_and_tracks_come_near_the_difference() {
    let cells = Cells::new();
    cells.train("model", "-e 3 --precision f64").ok();
    windows(&cells);
    let run = |steps: u32, out: &str| {
        let flags = "-i A --genome genome.fa --precision f64 --plot 1";
        cells
            .run(&format!(
                "explain --model model --bed few.bed --method integrated --steps {steps} --out {out} {flags}"
            ))
            .ok();
    };
    run(400, "fine");
    run(10, "coarse");
    let fine = cells.path("fine");
    let (shape, tracks) = array::<f32>(&fine.join("attr_tracks.npz"), "arr_0");
    assert_eq!(shape, [2, 1, 200]);
    assert!(tracks.iter().any(|x| x.abs() > 1e-6));
    let table = scores(&fine);
    let (above, below) = (
        table.numbers("CTCF (logit)"),
        table.numbers("CTCF.baseline"),
    );
    let missing = table.numbers("CTCF.missing");
    for (row, sum) in projected(&fine, "CTCF").into_iter().enumerate() {
        let of_tracks: f64 = tracks[row * 200..(row + 1) * 200]
            .iter()
            .map(|&x| f64::from(x))
            .sum();
        let difference = above[row] - below[row];
        assert!((difference - sum - of_tracks - missing[row]).abs() < 1e-5);
        assert!(
            missing[row].abs() < 0.02 * difference.abs(),
            "{difference} {}",
            missing[row]
        );
    }
    let sum = |folder: &str| -> f64 {
        let table = scores(&cells.path(folder));
        table.numbers("CTCF.missing").iter().map(|x| x.abs()).sum()
    };
    assert!(
        sum("fine") < sum("coarse"),
        "{} {}",
        sum("fine"),
        sum("coarse")
    );
    let picture = text(fine.join("plot.1.CTCF.svg"));
    assert!(picture.contains("DGF") && picture.contains("peaks"));
}

#[test]
fn several_factors_and_models_and_sequences_alone() {
    let cells = Cells::new();
    std::fs::write(cells.path("A/bigwig.txt"), "").unwrap();
    cells.train_all("model", "--seeds 2 -e 1").ok();
    let genome = text(cells.path("genome.fa"));
    let bases: String = genome.lines().skip(100).take(10).collect();
    cells.write("few.tsv", format!("a\t{}\n", &bases[..200]));
    cells
        .run("explain --model model --sequences few.tsv --out out --method gradient")
        .ok();
    for factor in ["CTCF", "MAX"] {
        assert!(
            attributions(&cells.path("out"), factor)
                .iter()
                .any(|x| *x != 0.0)
        );
    }
    let table = Table::read(cells.path("out/scores.tsv"));
    assert_eq!(table.header, ["name", "CTCF (logit)", "MAX (logit)"]);
    cells
        .run("explain --model model --sequences few.tsv --out never --method motifs")
        .fails(2, &["--method motifs", "tiSFM"]);
}
