//! `variants`: differences are those of predictions of edited sequences.

mod factornet;
mod pages;
mod tisfm;

use std::fmt::Write as _;

/// A VCF of these lines: chromosome, 1-based position, id, REF, ALT.
pub fn vcf(lines: &[(&str, usize, &str, &str, &str)]) -> String {
    let mut text =
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n".to_string();
    for (chromosome, position, id, reference, alternative) in lines {
        let _ = writeln!(
            text,
            "{chromosome}\t{position}\t{id}\t{reference}\t{alternative}\t.\tPASS\t."
        );
    }
    text
}

/// The bases of a chromosome of a FASTA, upper case.
pub fn chromosome(fasta: &str, name: &str) -> String {
    let (_, after) = fasta.split_once(&format!(">{name}")).unwrap();
    let lines = after
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('>'));
    lines.collect::<String>().to_uppercase()
}

/// Another base.
pub fn other(base: char) -> &'static str {
    match base {
        'A' => "C",
        'C' => "G",
        'G' => "T",
        _ => "A",
    }
}
