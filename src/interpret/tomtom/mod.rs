//! Tomtom: how probable it is that a motif resembles another one as well by chance.
//!
//! Gupta, Stamatoyannopoulos, Bailey and Noble, Genome Biology 8:R24 (2007), with the complete scores of Tanaka, Bailey, Grant and
//! Noble, Bioinformatics 27:1603 (2011). A column of the query has a score against every column of the targets, less the median of
//! these scores, as an integer; an alignment's score is the sum over the columns that overlap, so a column without partner counts
//! as the median does. The null model draws target columns at random. A target of width w has the best of all alignments, and
//! P(best <= s) is the product of P(score <= s) over all spans of query columns that a target of that width can meet; both strands:
//! 1 - (1 - p)^2.

mod align;
mod null;
mod scores;

use align::Padded;
use null::Null;
use scores::{Columns, Scored};

use crate::engine::simd::{Kernel, dispatch};
use std::collections::BTreeSet;

/// Below so many targets p-values depend on which ones are there.
pub const FEW_TARGETS: usize = 50;

/// How alike two columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// The score is minus the Euclidean distance of the probabilities.
    Euclidean,
    /// The score is Pearson's correlation of the probabilities; 0 where a column is uniform.
    Pearson,
}

/// The best alignment of a query with a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Its place among the targets.
    pub target: usize,
    /// Of a score as good or better on either strand.
    pub p_value: f64,
    /// The target's position under the first position of the query, on the target's strand; negative: the query begins before.
    pub offset: isize,
    /// Positions that overlap.
    pub overlap: usize,
    /// The target lies on the other strand.
    pub reverse: bool,
    /// Sum of the integer scores of the columns that overlap.
    score: i32,
}

/// A collection of motifs, both strands, ready to be compared with queries.
pub struct Targets {
    columns: Columns,
    /// Widths of all motifs; in `columns` their forward strands come first, one after the other, then their reverse strands.
    widths: Vec<usize>,
    /// The different widths.
    needed: BTreeSet<usize>,
    distance: Distance,
}

impl Targets {
    /// Motifs as rows of A, C, G, T.
    pub fn new<'a>(
        motifs: impl Iterator<Item = &'a [[f64; 4]]> + Clone,
        distance: Distance,
    ) -> Self {
        let widths: Vec<usize> = motifs.clone().map(<[_]>::len).collect();
        let forward = motifs.clone().flatten().copied();
        let reverse = motifs.flat_map(|rows| rows.iter().rev().map(|&[a, c, g, t]| [t, g, c, a]));
        Targets {
            columns: Columns::new(forward.chain(reverse), distance),
            needed: widths.iter().copied().filter(|&width| width > 0).collect(),
            widths,
            distance,
        }
    }

    pub fn len(&self) -> usize {
        self.widths.len()
    }

    pub fn is_empty(&self) -> bool {
        self.widths.is_empty()
    }

    /// The best alignment of a query with each target, in the targets' order. A motif without rows has no alignment and p = 1.
    pub fn compare(&self, query: &[[f64; 4]], scratch: &mut Scratch) -> Vec<Match> {
        dispatch(Compare {
            targets: self,
            query,
            scratch,
        })
    }
}

/// What a comparison computes in; one for each thread.
#[derive(Default)]
pub struct Scratch {
    scored: Scored,
    padded: Padded,
}

struct Compare<'a> {
    targets: &'a Targets,
    query: &'a [[f64; 4]],
    scratch: &'a mut Scratch,
}

impl Kernel for Compare<'_> {
    type Output = Vec<Match>;

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) -> Vec<Match> {
        let Compare {
            targets,
            query,
            scratch: Scratch { scored, padded },
        } = self;
        let nothing = |target| Match {
            target,
            p_value: 1.0,
            offset: 0,
            overlap: 0,
            reverse: false,
            score: 0,
        };
        if query.is_empty() || targets.needed.is_empty() {
            return (0..targets.len()).map(nothing).collect();
        }
        scored.set(query, &targets.columns, targets.distance);
        let null = Null::of::<FMA>(scored, &targets.needed);
        padded.set(scored, &targets.widths);
        let mut matches = Vec::with_capacity(targets.len());
        for (target, &width) in targets.widths.iter().enumerate() {
            if width == 0 {
                matches.push(nothing(target));
                continue;
            }
            let forward = padded.most(target, width, false);
            let backward = padded.most(target, width, true);
            let reverse = backward > forward;
            let score = forward.max(backward);
            let place = padded.place(target, width, reverse, score);
            // 1 - (1 - p)^2, without the loss of a small p.
            let p = null.p_value(width, score);
            matches.push(Match {
                target,
                p_value: p * (2.0 - p),
                offset: place.offset,
                overlap: place.overlap,
                reverse,
                score,
            });
        }
        matches
    }
}

#[cfg(test)]
#[path = "tomtom_tests.rs"]
mod tests;
