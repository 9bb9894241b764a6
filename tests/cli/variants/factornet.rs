//! FactorNet's: probabilities and logits; tracks stay.

use super::{chromosome, other, vcf};
use crate::common::factornet::{Cells, values};
use crate::common::kinds::Kind;
use crate::common::process::{signal, spawn, wait_until};
use crate::common::{Table, bytes, text};

#[test]
fn differences_are_those_of_edited_genomes() {
    let cells = Cells::new();
    cells.train("model", "-e 3 --precision f64").ok();
    let genome = text(cells.path("genome.fa"));
    let bases = chromosome(&genome, "chr2");
    let at = 9_100;
    let own = &bases[at..at + 1];
    let new = other(own.chars().next().unwrap());
    cells.write("v.vcf", vcf(&[("chr2", at + 1, "rs1", own, new)]));
    let said = cells
        .run("variants --model model --vcf v.vcf -i A --genome genome.fa --out v.tsv --precision f64")
        .ok();
    assert!(
        said.err.contains("the same for both alleles"),
        "{}",
        said.err
    );
    let written = text(cells.path("v.tsv"));
    assert!(written.starts_with("# "), "{written}");
    let table = Table::parse(&written);
    // The window's middle is the base: an interval of two bases around it has the same.
    cells.write("w.bed", format!("chr2\t{}\t{}\n", at, at + 1));
    let (head, tail) = genome.split_once(">chr2").unwrap();
    let mut lines: Vec<String> = tail.split_inclusive('\n').map(String::from).collect();
    lines[1 + at / 60].replace_range(at % 60..=at % 60, new);
    cells.write("edited.fa", format!("{head}>chr2{}", lines.concat()));
    let predict = |genome: &str| {
        cells
            .run(&format!(
                "factornet predict -m model -b w.bed -i A -o s.bed.gz --bigwig s.bw --genome {genome} --precision f64"
            ))
            .ok();
        f64::from(values(&cells.path("s.bw"), "chr2", at as u32, at as u32 + 1)[0])
    };
    let (reference, alternative) = (predict("genome.fa"), predict("edited.fa"));
    let number = |name: &str| table.numbers(name)[0];
    assert!((number("ref_pred") - reference).abs() < 1e-6);
    assert!((number("alt_pred") - alternative).abs() < 1e-6);
    assert!((number("diff") - (alternative - reference)).abs() < 1e-6);
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let expected = logit(alternative) - logit(reference);
    assert!((number("logit_diff") - expected).abs() < 2e-6, "{expected}");
    assert!(expected.abs() > 1e-6, "nothing changes");
    // Of a mean over windows the logit is that of the mean.
    cells
        .run("variants --model model --vcf v.vcf -i A --genome genome.fa --out w.tsv --precision f64 --shifts 0,-5,5")
        .ok();
    let table = Table::read(cells.path("w.tsv"));
    let number = |name: &str| table.numbers(name)[0];
    let expected = logit(number("alt_pred")) - logit(number("ref_pred"));
    assert!((number("logit_diff") - expected).abs() < 2e-6, "{expected}");
    // What it reads of the cell line is not written over.
    for (out, flags) in [("A/bigwig.txt", ""), ("w.bed", "--regions w.bed")] {
        let before = bytes(cells.path(out));
        cells
            .run(&format!(
                "variants --model model --vcf v.vcf -i A --genome genome.fa --out {out} {flags}"
            ))
            .fails(2, &[out, "is a file that this run reads"]);
        assert!(bytes(cells.path(out)) == before);
    }
}

#[test]
fn a_run_goes_on_with_the_same_cell_line_alone() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let genome = text(cells.path("genome.fa"));
    let bases = chromosome(&genome, "chr2");
    let snv = |at: usize| {
        let own = &bases[at..at + 1];
        (own != "N").then(|| ("chr2", at + 1, ".", own, other(own.chars().next().unwrap())))
    };
    let lines: Vec<_> = (8_000..12_000).filter_map(snv).collect();
    cells.write("v.vcf", vcf(&lines));
    let run = |cell: &str| {
        format!(
            "variants --model model --vcf v.vcf -i {cell} --genome genome.fa --out o.tsv --threads 1"
        )
    };
    let mut child = spawn(cells.folder(), &run("A"));
    wait_until(&mut child, "a block", || {
        std::fs::metadata(cells.path("o.tsv.partial/scores")).is_ok_and(|found| found.len() > 0)
    });
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    cells
        .run(&format!("{} --resume", run("B")))
        .refused(&["other flags than this run's"]);
    cells.run(&format!("{} --resume", run("A"))).ok();
    assert_eq!(Table::read(cells.path("o.tsv")).rows.len(), lines.len());
}

#[test]
fn features_come_from_the_annotation_that_a_flag_names() {
    let cells = Cells::new();
    cells
        .train("model", "-e 1 -g --annotations annotations")
        .ok();
    let genome = text(cells.path("genome.fa"));
    let bases = chromosome(&genome, "chr2");
    let own = &bases[9_100..9_101];
    let new = other(own.chars().next().unwrap());
    cells.write("v.vcf", vcf(&[("chr2", 9_101, ".", own, new)]));
    let run = |out: &str, flags: &str| {
        cells.run(&format!(
            "variants --model model --vcf v.vcf -i A --genome genome.fa --out {out} {flags}"
        ))
    };
    run("a.tsv", "").ok();
    std::fs::rename(cells.path("annotations"), cells.path("moved")).unwrap();
    run("b.tsv", "").refused(&["--annotations DIR"]);
    run("b.tsv", "--annotations moved").ok();
    assert!(bytes(cells.path("a.tsv")) == bytes(cells.path("b.tsv")));
    run("c.tsv", "--annotations moved --track-scale none").ok();
}
