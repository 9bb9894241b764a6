//! What both forms of the scan take. It is the convolution of a few positions, both strands: bias, lines of the pair table,
//! track terms times their lines, ReLU.

use super::pack::{Packed, Term};
use crate::engine::Real;
use crate::engine::simd::Kernel;

/// Positions scanned at once: their track terms stay in the first cache.
pub const SCANNED: usize = 48;

/// u + v and u - v of every term, `n` positions from `start` on; a term's are `stride` apart from the next one's.
pub struct Inputs<'a, T> {
    pub terms: &'a [Term],
    /// By track, `length` numbers each.
    pub tracks: &'a [T],
    pub length: usize,
    pub start: usize,
    pub n: usize,
    pub stride: usize,
    pub sums: &'a mut [T],
    pub differences: &'a mut [T],
}

impl<T: Real> Kernel for Inputs<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let lines = self
            .sums
            .chunks_mut(self.stride)
            .zip(self.differences.chunks_mut(self.stride));
        for (term, (sums, differences)) in self.terms.iter().zip(lines) {
            let of = |(track, first): (usize, usize)| {
                &self.tracks[track * self.length + self.start + first..][..self.n]
            };
            let values = of(term.u).iter().zip(of(term.v));
            for ((s, d), (&u, &v)) in sums.iter_mut().zip(differences).zip(values) {
                *s = u + v;
                *d = u - v;
            }
        }
    }
}

/// Positions `start..start + n` of a row.
pub struct Scan<'a, T> {
    pub packed: &'a Packed<T>,
    /// By position the codes of its base and the next as one number.
    pub pairs: &'a [u8],
    /// Tracks' inputs by term, `SCANNED` apart.
    pub sums: &'a [T],
    pub differences: &'a [T],
    pub width: usize,
    pub kernels: usize,
    pub start: usize,
    pub n: usize,
    /// (P, F): each strand's outputs in its own order.
    pub up: &'a mut [T],
    pub down: &'a mut [T],
    /// `2 half` numbers to work with, and no fewer than `LINE`.
    pub line: &'a mut [T],
}
