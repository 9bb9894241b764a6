//! FIMO: where a motif is found in sequences, with p-values.
//!
//! Grant, Bailey and Noble, Bioinformatics 27:1017 (2011). A window's score is the sum of log2((p + 1e-4) / 0.25) over its bases; its
//! p-value is the probability that a window of independent bases, a quarter each, scores as much or more, by a dynamic program over
//! scores in steps of 0.1.

mod filter;
mod scores;

use filter::Filter;
use scores::Scores;

use crate::dna::bases::{N, Strand};
use crate::dna::motif::reverse_complement;

/// A motif on both strands, ready to be looked for.
pub struct Scanner {
    strands: [(Strand, Scores, Filter); 2],
    width: usize,
}

/// A window that scores well enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Place of its first base among the codes.
    pub start: usize,
    /// The strand that the motif lies on.
    pub strand: Strand,
    /// Bits.
    pub score: f64,
    pub p_value: f64,
}

impl Scanner {
    /// For windows whose p-value is below `threshold`.
    pub fn new(rows: &[[f64; 4]], threshold: f64) -> Self {
        let of = |strand, rows: &[[f64; 4]]| {
            let scores = Scores::new(rows, threshold);
            let filter = Filter::new(&scores);
            (strand, scores, filter)
        };
        Scanner {
            strands: [
                of(Strand::Forward, rows),
                of(Strand::Reverse, &reverse_complement(rows)),
            ],
            width: rows.len(),
        }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// No window can have such a p-value: the motif is too short, or has too little information.
    pub fn is_hopeless(&self) -> bool {
        self.strands
            .iter()
            .all(|(_, scores, _)| scores.least().is_none())
    }

    /// All hits among codes (0 to 3: A, C, G, T; else N), by their start, the forward strand first; windows with an N are skipped.
    pub fn hits(&self, codes: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (strand, scores, filter) in &self.strands {
            filter.candidates(codes, |start| {
                let window = &codes[start..start + self.width];
                if let Some((score, p_value)) = scores.of(window) {
                    hits.push(Hit {
                        start,
                        strand: *strand,
                        score,
                        p_value,
                    });
                }
            });
        }
        hits.sort_by_key(|hit| hit.start);
        hits
    }
}

/// How long the stretches without an N are among codes.
pub struct Runs(Vec<usize>);

impl Runs {
    pub fn of(codes: &[u8]) -> Self {
        let runs = codes.split(|&code| code >= N).map(<[u8]>::len);
        Runs(runs.filter(|&length| length > 0).collect())
    }

    /// 0 where there is no base but N.
    pub fn longest(&self) -> usize {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// Windows of so many bases on both strands.
    pub fn windows(&self, width: usize) -> u64 {
        let windows = |&length: &usize| (length + 1).saturating_sub(width.max(1)) as u64;
        2 * self.0.iter().map(windows).sum::<u64>()
    }
}

#[cfg(test)]
#[path = "fimo_tests.rs"]
mod tests;
