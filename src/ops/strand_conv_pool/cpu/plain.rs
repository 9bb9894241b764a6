//! The scan in plain loops.

use super::pack::PAIRS;
use super::scan::{SCANNED, Scan};
use crate::engine::Real;

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
