//! The scan in f32 vectors, sums of some positions in registers.

use super::pack::PAIRS;
use super::scan::{SCANNED, Scan};
use crate::engine::lanes::{add, add_scaled};
use crate::engine::simd::{Kernel, dispatch};

pub fn scan(scan: Scan<'_, f32>) {
    dispatch(scan);
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
