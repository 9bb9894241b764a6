//! Two sequences that are alike but for a stretch, as a variant's REF and ALT: the windows of a motif that do not reach the stretch are
//! computed once. Every term is added where it is computed, so that a stretch may be as long as the sequence.

use super::lanes::{BLOCK, Kmers, Strand, TILE, Tile, Vector};
use super::reached;
use crate::engine::simd::Kernel;
use std::ops::Range;

/// Two sequences of one length.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    codes: [&'a [u8]; 2],
    /// The first and the last place where they differ.
    changed: Option<(usize, usize)>,
}

impl<'a> Pair<'a> {
    pub fn new(codes: [&'a [u8]; 2]) -> Self {
        let [a, b] = codes;
        let differs = |at: &usize| a[*at] != b[*at];
        let places = 0..a.len().min(b.len());
        let last = places.clone().rev().find(differs);
        let first = places.clone().find(differs);
        Pair {
            codes,
            changed: first.zip(last),
        }
    }

    /// The windows of a strand that reach what differs.
    fn reach(&self, strand: &Strand) -> Range<usize> {
        let windows = strand.windows();
        let columns = strand.columns();
        match self.changed {
            None => windows..windows,
            Some((first, last)) => {
                reached(windows, strand.start(), columns, first).start
                    ..reached(windows, strand.start(), columns, last).end
            }
        }
    }
}

/// `sum e` and `sum e g` of a tile's features.
type Sums = [[f64; TILE]; 2];

/// Pooled activities of pairs: two rows for each.
pub struct Pairs<'a> {
    pub tiles: &'a [Tile],
    pub pairs: &'a [Pair<'a>],
    /// Rows of `columns` numbers, of which the tiles' are the first.
    pub pooled: &'a mut [f32],
    pub columns: usize,
}

impl Kernel for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let all = self.pairs.iter().flat_map(|pair| pair.codes);
        let length = all.clone().next().map_or(0, <[u8]>::len);
        let kmers = Kmers::new(length, all);
        for (tile, column) in self.tiles.iter().zip((0..).step_by(TILE)) {
            let rows = self.pooled.chunks_exact_mut(2 * self.columns);
            for ((i, pair), rows) in self.pairs.iter().enumerate().zip(rows) {
                let [first, second] = [kmers.row(2 * i), kmers.row(2 * i + 1)];
                let mut both: Sums = [[0.0; TILE]; 2];
                let mut own = [both; 2];
                for strand in tile.strands() {
                    let reach = pair.reach(strand);
                    for window in (0..strand.windows()).step_by(BLOCK) {
                        let odds = strand.odds::<FMA>(first, window);
                        let end = strand.windows().min(window + BLOCK);
                        let [from, to] = [reach.start, reach.end].map(|at| at.clamp(window, end));
                        add::<FMA>(tile, &odds[..from - window], &mut both);
                        add::<FMA>(tile, &odds[from - window..to - window], &mut own[0]);
                        add::<FMA>(tile, &odds[to - window..end - window], &mut both);
                    }
                    for window in reach.clone().step_by(BLOCK) {
                        let odds = strand.odds::<FMA>(second, window);
                        let count = reach.end.min(window + BLOCK) - window;
                        add::<FMA>(tile, &odds[..count], &mut own[1]);
                    }
                }
                for (row, own) in rows.chunks_exact_mut(self.columns).zip(&own) {
                    let row = &mut row[column..column + TILE];
                    for i in 0..TILE {
                        let (z, sum) = (both[0][i] + own[0][i], both[1][i] + own[1][i]);
                        row[i] = (sum / z) as f32;
                    }
                }
            }
        }
    }
}

/// Adds the terms of some windows, first in f32, then their sums in f64.
#[inline(always)]
fn add<const FMA: bool>(tile: &Tile, odds: &[Vector], sums: &mut Sums) {
    if odds.is_empty() {
        return;
    }
    let mut block = [[0.0_f32; TILE]; 2];
    for odds in odds {
        let terms = tile.terms::<FMA>(odds);
        for (block, terms) in block.iter_mut().zip(&terms) {
            for i in 0..TILE {
                block[i] += terms[i];
            }
        }
    }
    for (sums, block) in sums.iter_mut().zip(&block) {
        for i in 0..TILE {
            sums[i] += f64::from(block[i]);
        }
    }
}
