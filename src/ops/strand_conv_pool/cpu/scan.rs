//! The convolution of a few positions, both strands: bias, lines of the pair table, track terms times their lines, ReLU.

use super::pack::{PAIRS, Packed, Term};
use crate::engine::Real;
use crate::engine::lanes::{add, add_scaled};
use crate::engine::simd::{Kernel, dispatch};
use std::any::Any;

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

/// Fills the positions of both strands.
pub fn scan<T: Real>(scan: Scan<'_, T>) {
    let Scan {
        packed,
        pairs,
        sums,
        differences,
        width,
        kernels,
        start,
        n,
        up,
        down,
        line,
    } = scan;
    if let Some(packed) = (packed as &dyn Any).downcast_ref::<Packed<f32>>()
        && let (Some(sums), Some(differences)) = (T::as_f32(sums), T::as_f32(differences))
        && let (Some(up), Some(down)) = (T::as_f32_mut(up), T::as_f32_mut(down))
        && let Some(line) = T::as_f32_mut(line)
    {
        return dispatch(Scan {
            packed,
            pairs,
            sums,
            differences,
            width,
            kernels,
            start,
            n,
            up,
            down,
            line,
        });
    }
    let half = packed.half;
    let last = up.len() / kernels - 1;
    for i in 0..n {
        let p = start + i;
        let (s, d) = line[..2 * half].split_at_mut(half);
        s.copy_from_slice(&packed.bias);
        d.fill(T::ZERO);
        for group in 0..width.div_ceil(2) {
            let at = (group * PAIRS + usize::from(pairs[p + 2 * group])) * 2 * half;
            let lines = packed.pairs[at..at + 2 * half].split_at(half);
            for c in 0..half {
                s[c] += lines.0[c];
                d[c] += lines.1[c];
            }
        }
        let lines = packed.sums.chunks_exact(half);
        for (term, (a, b)) in lines.zip(packed.differences.chunks_exact(half)).enumerate() {
            let at = term * SCANNED + i;
            for c in 0..half {
                s[c] += sums[at] * a[c];
                d[c] += differences[at] * b[c];
            }
        }
        for c in 0..kernels {
            up[p * kernels + c] = (s[c] - d[c]).max(T::ZERO);
            down[(last - p) * kernels + c] = (s[c] + d[c]).max(T::ZERO);
        }
    }
}

/// Numbers of a block of sums.
pub const LINE: usize = 6 * 2 * VECTORS * 16;
/// Vectors of a block of columns of one half.
const VECTORS: usize = 2;

#[inline(always)]
fn vectors<const LANES: usize>(line: &[f32], at: usize) -> &[[f32; LANES]; VECTORS] {
    let (line, _) = line[at..at + VECTORS * LANES].as_chunks::<LANES>();
    &line.as_chunks().0[0]
}

impl Scan<'_, f32> {
    /// `POSITIONS` positions from `start + at` on, `VECTORS * LANES` columns of either half from `from` on, in registers.
    #[inline(always)]
    fn block<const POSITIONS: usize, const LANES: usize, const FMA: bool>(
        &mut self,
        at: usize,
        from: usize,
    ) {
        let half = self.packed.half;
        let mut s = [*vectors::<LANES>(&self.packed.bias, from); POSITIONS];
        let mut d = [[[0.0f32; LANES]; VECTORS]; POSITIONS];
        let first = self.start + at;
        for group in 0..self.width.div_ceil(2) {
            let codes = &self.pairs[first + 2 * group..][..POSITIONS];
            for i in 0..POSITIONS {
                let line = (group * PAIRS + usize::from(codes[i])) * 2 * half + from;
                let a = vectors::<LANES>(&self.packed.pairs, line);
                let b = vectors::<LANES>(&self.packed.pairs, line + half);
                for v in 0..VECTORS {
                    // SAFETY: called from Kernel::run alone, with its LANES and FMA.
                    unsafe {
                        add::<LANES, FMA>(&mut s[i][v], &a[v]);
                        add::<LANES, FMA>(&mut d[i][v], &b[v]);
                    }
                }
            }
        }
        let lines = self.packed.sums.chunks_exact(half);
        let lines = lines.zip(self.packed.differences.chunks_exact(half));
        let inputs = self.sums.chunks_exact(SCANNED);
        let inputs = inputs.zip(self.differences.chunks_exact(SCANNED));
        for ((a, b), (sums, differences)) in lines.zip(inputs) {
            let (a, b) = (vectors::<LANES>(a, from), vectors::<LANES>(b, from));
            let (sums, differences) = (&sums[at..][..POSITIONS], &differences[at..][..POSITIONS]);
            for i in 0..POSITIONS {
                for v in 0..VECTORS {
                    // SAFETY: as above.
                    unsafe {
                        add_scaled::<LANES, FMA>(&mut s[i][v], &a[v], sums[i]);
                        add_scaled::<LANES, FMA>(&mut d[i][v], &b[v], differences[i]);
                    }
                }
            }
        }
        // Written out first: sums that a loop's counter picks from would live in memory from the start.
        let lines = &mut self.line.as_chunks_mut::<LANES>().0[..POSITIONS * 2 * VECTORS];
        for i in 0..POSITIONS {
            for v in 0..VECTORS {
                lines[(i * VECTORS + v) * 2] = s[i][v];
                lines[(i * VECTORS + v) * 2 + 1] = d[i][v];
            }
        }
        self.strands::<LANES>(first, from, POSITIONS);
    }

    /// Writes what `line` holds, positions from `first` on, columns from `from` on, to both strands.
    #[inline(always)]
    fn strands<const LANES: usize>(&mut self, first: usize, from: usize, positions: usize) {
        let k = self.kernels;
        let last = self.up.len() / k - 1;
        let (lines, _) = self.line.as_chunks::<LANES>();
        for (index, lines) in lines[..positions * 2 * VECTORS].chunks_exact(2).enumerate() {
            let (p, from) = (first + index / VECTORS, from + index % VECTORS * LANES);
            let (s, d) = (&lines[0], &lines[1]);
            let (mut f, mut r) = ([0.0f32; LANES], [0.0f32; LANES]);
            for i in 0..LANES {
                let x = s[i] - d[i];
                f[i] = if x > 0.0 { x } else { 0.0 };
            }
            for i in 0..LANES {
                let x = s[i] + d[i];
                r[i] = if x > 0.0 { x } else { 0.0 };
            }
            let columns = k.saturating_sub(from).min(LANES);
            if columns == LANES {
                self.up[p * k + from..][..LANES].copy_from_slice(&f);
                self.down[(last - p) * k + from..][..LANES].copy_from_slice(&r);
            } else if columns > 0 {
                self.up[p * k + from..][..columns].copy_from_slice(&f[..columns]);
                self.down[(last - p) * k + from..][..columns].copy_from_slice(&r[..columns]);
            }
        }
    }

    #[inline(always)]
    fn blocks<const POSITIONS: usize, const LANES: usize, const FMA: bool>(&mut self) {
        for from in (0..self.kernels).step_by(VECTORS * LANES) {
            let mut at = 0;
            while self.n - at >= POSITIONS {
                self.block::<POSITIONS, LANES, FMA>(at, from);
                at += POSITIONS;
            }
            while at < self.n {
                self.block::<1, LANES, FMA>(at, from);
                at += 1;
            }
        }
    }
}

impl Kernel for Scan<'_, f32> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        // As many sums as there are registers, less those of the lines and of the inputs.
        if LANES == 16 {
            self.blocks::<6, LANES, FMA>();
        } else {
            self.blocks::<2, LANES, FMA>();
        }
    }
}
