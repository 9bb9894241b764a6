//! FactorNet's: probabilities and logits; tracks stay.

use super::{chromosome, other, vcf};
use crate::common::factornet::{Cells, values};
use crate::common::kinds::Kind;
use crate::common::{Table, text};

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
    let table = written.lines().filter(|line| !line.starts_with('#'));
    let table = Table::parse(&(table.collect::<Vec<_>>().join("\n") + "\n"));
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
}
