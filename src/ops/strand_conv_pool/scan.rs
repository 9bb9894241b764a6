//! The convolution of a few positions, both strands: bias, lines of the pair table, tracks times their lines.

use super::pack::PAIRS;
use crate::engine::Real;
use crate::engine::lanes::{add, add_scaled};
use crate::engine::simd::{Kernel, dispatch};

/// Positions `start..start + n` of a row.
pub struct Scan<'a, T> {
    /// By position the codes of its base and the next as one number.
    pub pairs: &'a [u8],
    /// By track, `length` numbers each.
    pub tracks: &'a [T],
    pub length: usize,
    pub width: usize,
    pub table: &'a [T],
    pub lines: &'a [T],
    pub bias: &'a [T],
    pub start: usize,
    /// n x columns.
    pub out: &'a mut [T],
}

/// Fills `out`.
pub fn scan<T: Real>(scan: Scan<'_, T>) {
    let Scan {
        pairs,
        tracks,
        length,
        width,
        table,
        lines,
        bias,
        start,
        out,
    } = scan;
    if let (Some(tracks), Some(table), Some(lines)) =
        (T::as_f32(tracks), T::as_f32(table), T::as_f32(lines))
        && let (Some(bias), Some(out)) = (T::as_f32(bias), T::as_f32_mut(out))
    {
        return dispatch(Scan {
            pairs,
            tracks,
            length,
            width,
            table,
            lines,
            bias,
            start,
            out,
        });
    }
    let columns = bias.len();
    let n = tracks.len() / length;
    for (i, out) in out.chunks_exact_mut(columns).enumerate() {
        let p = start + i;
        out.copy_from_slice(bias);
        for group in 0..width.div_ceil(2) {
            let line = group * PAIRS + usize::from(pairs[p + 2 * group]);
            for (out, &w) in out.iter_mut().zip(&table[line * columns..]) {
                *out += w;
            }
        }
        for (index, line) in lines.chunks_exact(columns).enumerate() {
            let x = tracks[index % n * length + p + index / n];
            for (out, &w) in out.iter_mut().zip(line) {
                *out += x * w;
            }
        }
    }
}

/// Vectors of a block of columns.
const VECTORS: usize = 4;

impl Scan<'_, f32> {
    /// `POSITIONS` positions from `start + at` on, `VECTORS * LANES` columns from `from` on, in registers.
    #[inline(always)]
    fn block<const POSITIONS: usize, const LANES: usize, const FMA: bool>(
        &mut self,
        at: usize,
        from: usize,
    ) {
        let columns = self.bias.len();
        let vectors = |line: &[f32]| -> [[f32; LANES]; VECTORS] {
            let (line, _) = line[from..from + VECTORS * LANES].as_chunks::<LANES>();
            [line[0], line[1], line[2], line[3]]
        };
        let mut sums = [vectors(self.bias); POSITIONS];
        let p = self.start + at;
        let n = self.tracks.len() / self.length;
        for group in 0..self.width.div_ceil(2) {
            let codes = &self.pairs[p + 2 * group..][..POSITIONS];
            for (sums, &pair) in sums.iter_mut().zip(codes) {
                let line = (group * PAIRS + usize::from(pair)) * columns + from;
                let (line, _) = self.table[line..line + VECTORS * LANES].as_chunks::<LANES>();
                for v in 0..VECTORS {
                    // SAFETY: called from Kernel::run alone, with its LANES and FMA.
                    unsafe { add::<LANES, FMA>(&mut sums[v], &line[v]) };
                }
            }
        }
        let mut lines = self.lines.chunks_exact(columns);
        for tap in 0..self.width {
            for track in 0..n {
                let Some(line) = lines.next() else { break };
                let line = vectors(line);
                let x = &self.tracks[track * self.length + p + tap..][..POSITIONS];
                for (sums, &x) in sums.iter_mut().zip(x) {
                    for v in 0..VECTORS {
                        // SAFETY: as above.
                        unsafe { add_scaled::<LANES, FMA>(&mut sums[v], &line[v], x) };
                    }
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let out = (at + i) * columns + from;
            let (out, _) = self.out[out..out + VECTORS * LANES].as_chunks_mut::<LANES>();
            out.copy_from_slice(sums);
        }
    }

    #[inline(always)]
    fn blocks<const POSITIONS: usize, const LANES: usize, const FMA: bool>(&mut self) {
        let columns = self.bias.len();
        let n = self.out.len() / columns;
        for from in (0..columns).step_by(VECTORS * LANES) {
            let mut at = 0;
            while n - at >= POSITIONS {
                self.block::<POSITIONS, LANES, FMA>(at, from);
                at += POSITIONS;
            }
            while at < n {
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
        // As many sums as there are registers, less those of a line and of x.
        if LANES == 16 {
            self.blocks::<6, LANES, FMA>();
        } else {
            self.blocks::<2, LANES, FMA>();
        }
    }
}
