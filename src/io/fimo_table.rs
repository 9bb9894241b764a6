//! The table of motif occurrences as MEME's FIMO writes it, and the same as BED.

use super::tomtom_table::Probability;
use crate::dna::bases::Strand;
use crate::numbers::rounded;
use std::io::{self, Write};

/// A motif in a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub motif: &'a str,
    /// The factor's name, or empty.
    pub name: &'a str,
    pub sequence: &'a str,
    /// First base of the motif in the sequence, counted from 0.
    pub start: usize,
    pub strand: Strand,
    /// Bits.
    pub score: f64,
    pub p_value: f64,
    pub q_value: f64,
    /// Codes of the bases on the forward strand.
    pub bases: &'a [u8],
}

pub fn write_header(w: &mut dyn Write) -> io::Result<()> {
    writeln!(
        w,
        "motif_id\tmotif_alt_id\tsequence_name\tstart\tstop\tstrand\tscore\tp-value\tq-value\tmatched_sequence"
    )
}

impl Row<'_> {
    /// Start and stop are counted from 1 and belong to the motif both; the sequence is written on the motif's strand.
    pub fn write(&self, w: &mut dyn Write) -> io::Result<()> {
        write!(
            w,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t",
            self.motif,
            self.name,
            self.sequence,
            self.start + 1,
            self.start + self.bases.len(),
            self.strand,
            rounded(self.score),
            Probability(self.p_value),
            Probability(self.q_value),
        )?;
        let letter = |&code: &u8| b"ACGTN"[usize::from(code).min(4)];
        let complement = |code: &u8| b"TGCAN"[usize::from(*code).min(4)];
        let text: Vec<u8> = match self.strand {
            Strand::Forward => self.bases.iter().map(letter).collect(),
            Strand::Reverse => self.bases.iter().rev().map(complement).collect(),
        };
        w.write_all(&text)?;
        writeln!(w)
    }

    /// Six columns: the score is -10 log10 p, 1,000 at most. `origin`: where the sequence begins on its chromosome, counted from 0.
    pub fn write_bed(&self, w: &mut dyn Write, chromosome: &str, origin: u64) -> io::Result<()> {
        let start = origin + self.start as u64;
        writeln!(
            w,
            "{chromosome}\t{start}\t{}\t{}\t{}\t{}",
            start + self.bases.len() as u64,
            self.motif,
            (-10.0 * self.p_value.log10()).round().clamp(0.0, 1000.0),
            self.strand
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_fimos_and_those_of_bed() {
        let row = Row {
            motif: "MA1.1",
            name: "X",
            sequence: "peak",
            start: 9,
            strand: Strand::Reverse,
            score: 12.345_678,
            p_value: 1.25e-6,
            q_value: 0.5,
            bases: &[0, 1, 1, 3],
        };
        let mut text = Vec::new();
        row.write(&mut text).unwrap();
        row.write_bed(&mut text, "chr1", 100).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(
            text,
            "MA1.1\tX\tpeak\t10\t13\t-\t12.346\t1.2500e-6\t0.5\tAGGT\nchr1\t109\t113\tMA1.1\t59\t-\n"
        );
    }
}
