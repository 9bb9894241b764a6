//! What stands beside FactorNet's figures: simple rules with intervals, and which regions they are of.

use super::calibrate::LEARNS;
use crate::common::factornet::Cells;
use crate::common::kinds::Kind;

#[test]
fn rules_stand_beside_figures_of_validation_and_of_evaluate() {
    let cells = Cells::new();
    let trained = cells.train("model", LEARNS).ok();
    let line = trained
        .err
        .lines()
        .find(|l| l.contains("of the validation regions"));
    let line = line.unwrap_or_else(|| panic!("{}", trained.err));
    for part in [
        "CTCF: ",
        " bound: auPRC 0.",
        "of rules: DGF 0.",
        ", GC 0.",
        ", DGF+GC 0.",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    // Two chromosomes are two blocks, too few for intervals.
    let run = cells.on("evaluate", "-m model -f CTCF -t chr2 chr3").ok();
    let said: Vec<&str> = run.err.lines().filter(|l| l.contains("beaten")).collect();
    let all = said.join("\n");
    assert!(
        all.contains("CTCF: beaten: ")
            && all.contains("the share of G and C (auPRC 0.")
            && all.contains("no interval, of fewer than 5 blocks of 1 Mb"),
        "{all}"
    );
    assert!(!all.contains("note:"), "{all}");
    let table = run.table();
    let [both, track, gc] =
        ["auPRC_DGF+GC", "auPRC_DGF", "auPRC_GC"].map(|name| table.numbers(name)[0]);
    // High tracks are most of what makes a peak here.
    assert!(both > 0.8 * track && both > gc, "{both} {track} {gc}");
    let again = cells
        .on("evaluate", "-m model -f CTCF -t chr2 chr3 --threads 1")
        .ok();
    assert_eq!(again.out, run.out);
    assert!(again.err.trim_end().ends_with(&all), "{}", again.err);
    let other = cells
        .on("evaluate", "-m model -f CTCF -t chr2 chr3 --seed 3")
        .ok();
    assert_eq!(other.out, run.out);
    let bare = cells
        .on("evaluate", "-m model -f CTCF -t chr2 chr3 --no-baselines")
        .ok();
    assert!(!bare.out.contains("GC") && !bare.err.contains("beaten"));
    // Without tracks GC is all there is.
    cells.write("A/bigwig.txt", "");
    cells.train("dna", "-e 1").ok();
    let dna = cells.on("evaluate", "-m dna -f CTCF -t chr3").ok().table();
    assert_eq!(dna.header.last().unwrap(), "auPRC_GC");
}

#[test]
fn evaluate_says_which_regions_the_model_knows() {
    let cells = Cells::new();
    cells.write("v.bed", "chr2\t0\t60000\n");
    cells.train("model", "-e 1 -v v.bed").ok();
    let said = |more: &str| {
        let run = cells
            .on("evaluate", &format!("-m model -f CTCF {more}"))
            .ok();
        let know = |l: &&str| {
            l.contains("in regions that the model was trained on")
                || l.contains("in the model's validation regions")
        };
        run.err
            .lines()
            .filter(know)
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let trained = said("-t chr1");
    let [line] = &trained[..] else {
        panic!("{trained:?}")
    };
    let (count, rest) = line.split_once(" of ").unwrap();
    assert!(
        rest.starts_with(&format!(
            "{count} windows are in regions that the model was trained on"
        )),
        "{line}"
    );
    let held = said("-t chr2 chr3");
    assert!(
        matches!(&held[..], [line] if line.contains("validation regions, which chose its best epoch")),
        "{held:?}"
    );
    assert!(said("-t chr3").is_empty());
    assert_eq!(said("-t chr1 chr2").len(), 2);
    // Another cell line was not learned.
    assert!(said("-i B -t chr1").is_empty());
    // The regions are not those of training any more.
    cells.write("v.bed", "chr2\t0\t50000\n");
    assert!(said("-t chr1").is_empty());
}
