//! The commands of docs/variants.md.

use super::{chromosome, other, vcf};
use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::tisfm::Data;
use crate::common::{Table, text};
use crate::scripts::{block, shell};
use std::path::Path;

/// Ten SNVs on a chromosome of a genome.
fn snvs(genome: &Path, name: &str) -> String {
    let bases = chromosome(&text(genome), name);
    let known = (200..bases.len() - 200).filter(|&at| &bases[at..at + 1] != "N");
    let lines: Vec<(usize, String, &str)> = known
        .step_by(23)
        .take(10)
        .map(|at| {
            let own = bases[at..at + 1].to_string();
            let new = other(own.chars().next().unwrap());
            (at + 1, own, new)
        })
        .collect();
    let lines: Vec<(&str, usize, &str, &str, &str)> = lines
        .iter()
        .map(|(at, own, new)| (name, *at, ".", own.as_str(), *new))
        .collect();
    vcf(&lines)
}

#[test]
fn every_command_of_the_page_works() {
    let page = include_str!("../../../docs/variants.md");
    let script = block(page, "<!-- variants", &["variants"; 3]);
    let (of_factornet, of_tisfm): (Vec<&str>, Vec<&str>) =
        script.lines().partition(|line| line.contains("ctcf"));
    let data = Data::new(120, 40);
    std::fs::rename(data.path("genome.fa"), data.path("hg38.fa")).unwrap();
    data.train("my_model", "").ok();
    data.write("variants.vcf", snvs(&data.path("hg38.fa"), "chr1"));
    shell(data.folder(), &of_tisfm.join("\n")).ok();
    let table = Table::read(data.path("effects.tsv"));
    assert_eq!(table.rows.len(), 20);
    let quantiles = table.numbers("active_allele_quantile");
    assert!(quantiles.iter().all(|q| *q > 0.0 && *q <= 1.0));
    assert!(data.path("effects.tsv.gz").is_file());
    let cells = Cells::new();
    std::fs::rename(cells.path("genome.fa"), cells.path("hg38.fa")).unwrap();
    std::fs::rename(cells.path("A"), cells.path("K562")).unwrap();
    cells.train("ctcf", "-i K562 --genome hg38.fa -e 1").ok();
    cells.write("variants.vcf", snvs(&cells.path("hg38.fa"), "chr2"));
    shell(cells.folder(), &of_factornet.join("\n")).ok();
    let written = text(cells.path("effects.vcf"));
    assert_eq!(written.matches("CG_CTCF_LOGIT_DIFF=").count(), 10);
    assert_eq!(written.matches("CG_CTCF_QUANTILE=").count(), 10);
    // What training kept is not there any more.
    std::fs::remove_file(data.path("my_model/quantiles.tsv")).unwrap();
    let said = data
        .run("variants --model my_model --vcf variants.vcf --genome hg38.fa --out without.tsv")
        .ok();
    assert!(
        said.err.contains("active_allele_quantile is empty"),
        "{}",
        said.err
    );
    let text = text(data.path("without.tsv"));
    assert!(text.starts_with("# "), "{text}");
}
