//! What the kernels of several ops share: maps, softmax and sliding sums, each with a fast f32
//! form beside the plain one.

use crate::engine::Real;
use crate::engine::real::{axpy, dot, sum};
use crate::engine::simd::{self, Kernel, dispatch};
use rayon::prelude::*;

/// Runs `work` on every `len` elements of `data` and their number, over all threads with
/// `parallel`.
pub fn each_row<T: Real>(
    data: &mut [T],
    len: usize,
    parallel: bool,
    work: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    if parallel {
        data.par_chunks_exact_mut(len)
            .enumerate()
            .for_each(|(row, data)| work(row, data));
    } else {
        for (row, data) in data.chunks_exact_mut(len).enumerate() {
            work(row, data);
        }
    }
}

/// `into[j] += sum of lines[i, j]`, 64 lines at a time on their own: long sums in f32 keep their last digits.
pub fn add_columns<T: Real>(into: &mut [T], lines: &[T]) {
    const COLUMNS: usize = 16;
    let n = into.len();
    for (at, into) in into.chunks_mut(COLUMNS).enumerate() {
        for block in lines.chunks(64 * n) {
            let mut sums = [T::ZERO; COLUMNS];
            for line in block.chunks_exact(n) {
                for (sum, &x) in sums[..into.len()].iter_mut().zip(&line[at * COLUMNS..]) {
                    *sum += x;
                }
            }
            axpy(into, T::ONE, &sums);
        }
    }
}

struct Exp<'a>(&'a mut [f32]);

impl Kernel for Exp<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        for x in self.0 {
            *x = simd::exp::<FMA>(*x);
        }
    }
}

/// `x[i] = e^x[i]`.
pub fn exp<T: Real>(x: &mut [T]) {
    match T::as_f32_mut(x) {
        Some(x) => dispatch(Exp(x)),
        None => x.iter_mut().for_each(|x| *x = x.exp()),
    }
}

/// The largest element, in eight running maxima.
pub fn max<T: Real>(x: &[T]) -> T {
    let mut best = [T::NEG_INFINITY; 8];
    let (x8, rest) = x.as_chunks::<8>();
    for x in x8 {
        for i in 0..8 {
            best[i] = if x[i] > best[i] { x[i] } else { best[i] };
        }
    }
    best.into_iter()
        .chain(rest.iter().copied())
        .fold(T::NEG_INFINITY, T::max)
}

/// `x = softmax(x)`.
pub fn softmax<T: Real>(x: &mut [T]) {
    let largest = max(x);
    x.iter_mut().for_each(|x| *x -= largest);
    exp(x);
    let scale = T::ONE / sum(x);
    x.iter_mut().for_each(|x| *x *= scale);
}

struct Correlate<'a> {
    x: &'a [f32],
    taps: &'a [f32],
    y: &'a mut [f32],
}

impl Correlate<'_> {
    /// `VECTORS * LANES` outputs from `at` on, their sums in registers.
    #[inline(always)]
    fn block<const VECTORS: usize, const LANES: usize, const FMA: bool>(&mut self, at: usize) {
        let mut sums = [[0.0f32; LANES]; VECTORS];
        for (window, &tap) in self.x[at..].windows(VECTORS * LANES).zip(self.taps) {
            let (x, _) = window.as_chunks::<LANES>();
            for v in 0..VECTORS {
                for i in 0..LANES {
                    sums[v][i] = simd::fma::<FMA>(tap, x[v][i], sums[v][i]);
                }
            }
        }
        let (y, _) = self.y[at..].as_chunks_mut::<LANES>();
        for v in 0..VECTORS {
            for i in 0..LANES {
                y[v][i] += sums[v][i];
            }
        }
    }
}

impl Kernel for Correlate<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let mut at = 0;
        while self.y.len() - at >= 4 * LANES {
            self.block::<4, LANES, FMA>(at);
            at += 4 * LANES;
        }
        while self.y.len() - at >= LANES {
            self.block::<1, LANES, FMA>(at);
            at += LANES;
        }
        for l in at..self.y.len() {
            self.y[l] += dot(&self.x[l..l + self.taps.len()], self.taps);
        }
    }
}

/// `y[l] += sum_k taps[k] x[l + k]`: a convolution, and with other roles for the three its
/// gradients.
///
/// # Panics
/// When x is shorter than that reads.
pub fn correlate<T: Real>(x: &[T], taps: &[T], y: &mut [T]) {
    if taps.is_empty() || y.is_empty() {
        return;
    }
    assert!(x.len() + 1 >= y.len() + taps.len(), "sliding sum");
    match (T::as_f32(x), T::as_f32(taps), T::as_f32_mut(y)) {
        (Some(x), Some(taps), Some(y)) => dispatch(Correlate { x, taps, y }),
        _ => {
            for (k, &tap) in taps.iter().enumerate() {
                axpy(y, tap, &x[k..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliding_sums_agree_with_f64_at_every_level() {
        for (outputs, taps) in [(1, 1), (3, 70), (64, 5), (100, 23), (16, 150)] {
            let number = |i: usize| ((i * 37 % 101) as f32 - 50.0) * 0.01;
            let x: Vec<f32> = (0..outputs + taps - 1).map(number).collect();
            let w: Vec<f32> = (0..taps).map(|i| number(i + 7)).collect();
            let y: Vec<f32> = (0..outputs).map(number).collect();
            let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let mut truth = wide(&y);
            correlate(&wide(&x), &wide(&w), &mut truth);
            for level in simd::levels() {
                let mut y = y.clone();
                let kernel = Correlate {
                    x: &x,
                    taps: &w,
                    y: &mut y,
                };
                simd::dispatch_at(level, kernel);
                for (y, t) in y.iter().zip(&truth) {
                    assert!(
                        (f64::from(*y) - t).abs() < 1e-5,
                        "{level:?} {outputs} {taps}"
                    );
                }
            }
        }
    }

    #[test]
    fn softmax_of_large_numbers_is_finite() {
        let mut x = [1e30f32, 1e30, 0.0];
        softmax(&mut x);
        assert_eq!(x[..2], [0.5, 0.5]);
        assert!(x[2] < 1e-30);
    }
}
