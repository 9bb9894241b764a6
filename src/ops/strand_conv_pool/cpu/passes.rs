//! What runs around the matrix products, compiled for every instruction set: maxima of windows, their gradients' way
//! back, sums by pair of bases.

use super::pack::PAIRS;
use crate::engine::Real;
use crate::engine::lanes::axpy;
use crate::engine::simd::Kernel;

/// Maxima over windows of `pool` lines of `layer` (n, F), behind bias and ReLU; `FIRST` keeps the place of each maximum.
pub struct Maxima<'a, T, const FIRST: bool> {
    pub layer: &'a [T],
    pub pool: usize,
    pub bias: &'a [T],
    pub y: &'a mut [T],
    pub first: &'a mut [T],
}

impl<T: Real, const FIRST: bool> Maxima<'_, T, FIRST> {
    /// `N` columns of a window from `from` on.
    #[inline(always)]
    fn columns<const N: usize>(&mut self, window: usize, from: usize) {
        let k = self.bias.len();
        let layer = &self.layer[window * self.pool * k..(window + 1) * self.pool * k];
        let at = window * k + from;
        let (mut best, mut place) = ([T::NEG_INFINITY; N], [T::ZERO; N]);
        let mut now = T::ZERO;
        for line in layer.chunks_exact(k) {
            let x = &line[from..from + N];
            for i in 0..N {
                let greater = x[i] > best[i];
                if FIRST {
                    place[i] = if greater { now } else { place[i] };
                }
                best[i] = if greater { x[i] } else { best[i] };
            }
            now += T::ONE;
        }
        let (y, bias) = (&mut self.y[at..at + N], &self.bias[from..from + N]);
        for i in 0..N {
            let x = best[i] + bias[i];
            y[i] = if x > T::ZERO { x } else { T::ZERO };
        }
        if FIRST {
            self.first[at..at + N].copy_from_slice(&place);
        }
    }
}

impl<T: Real, const FIRST: bool> Kernel for Maxima<'_, T, FIRST> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let k = self.bias.len();
        for window in 0..self.y.len() / k {
            let mut from = 0;
            while k - from >= 32 {
                self.columns::<32>(window, from);
                from += 32;
            }
            while from < k {
                self.columns::<1>(window, from);
                from += 1;
            }
        }
    }
}

/// One strand's maxima send their gradients back: into `dz`, lines of 2F in the forward strand's order of positions of
/// which this strand has F from `strand * F` on, and into those of V transposed and of its bias.
pub struct Scatter<'a, T> {
    pub strand: usize,
    pub positions: usize,
    pub pool: usize,
    pub y: &'a [T],
    pub dy: &'a [T],
    pub first: &'a [T],
    /// (P, F), in the strand's own order.
    pub h: &'a [T],
    pub transposed: &'a [T],
    pub dz: &'a mut [T],
    pub dlayer: &'a mut [T],
    pub dbias: &'a mut [T],
}

impl<T: Real> Scatter<'_, T> {
    #[inline(always)]
    fn with<const LANES: usize, const FMA: bool>(self, k: usize) {
        let outputs = self.y.iter().zip(self.dy).zip(self.first).enumerate();
        for (i, ((&y, &g), &first)) in outputs {
            if y <= T::ZERO {
                continue;
            }
            let (window, o) = (i / k, i % k);
            let p = window * self.pool + first.f64() as usize;
            let line = if self.strand == 0 {
                p
            } else {
                self.positions - 1 - p
            };
            let dz = &mut self.dz[(2 * line + self.strand) * k..][..k];
            let v = &self.transposed[o * k..][..k];
            let dlayer = &mut self.dlayer[o * k..][..k];
            let h = &self.h[p * k..][..k];
            // SAFETY: called from Kernel::run alone, with its LANES and FMA.
            unsafe {
                axpy::<T, LANES, FMA>(dz, g, v);
                axpy::<T, LANES, FMA>(dlayer, g, h);
            }
            self.dbias[o] += g;
        }
    }
}

impl<T: Real> Kernel for Scatter<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        // Sizes known to the compiler have no loops over a line.
        match self.dbias.len() {
            32 => self.with::<LANES, FMA>(32),
            64 => self.with::<LANES, FMA>(64),
            128 => self.with::<LANES, FMA>(128),
            k => self.with::<LANES, FMA>(k),
        }
    }
}

/// Turns `dz`, f and r side by side, into their sum and difference r - f, behind dropout and the ReLU: what was negative
/// or dropped has no gradient, and h is 0 in both cases.
pub struct Combine<'a, T> {
    pub kernels: usize,
    pub scale: T,
    /// (P, F), each strand in its own order.
    pub up: &'a [T],
    pub down: &'a [T],
    pub dz: &'a mut [T],
}

/// What a gradient becomes behind h.
#[inline(always)]
fn behind<T: Real, const N: usize>(h: &[T], dz: &[T], scale: T) -> [T; N] {
    let mut out = [T::ZERO; N];
    for i in 0..N {
        let scaled = dz[i] * scale;
        out[i] = if h[i] > T::ZERO { scaled } else { T::ZERO };
    }
    out
}

/// `N` columns of a position.
#[inline(always)]
fn combine<T: Real, const N: usize>(h: [&[T]; 2], f: &mut [T], r: &mut [T], scale: T) {
    let (a, b) = (
        behind::<T, N>(h[0], f, scale),
        behind::<T, N>(h[1], r, scale),
    );
    let (f, r) = (&mut f[..N], &mut r[..N]);
    for i in 0..N {
        f[i] = a[i] + b[i];
    }
    for i in 0..N {
        r[i] = b[i] - a[i];
    }
}

impl<T: Real> Kernel for Combine<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let (k, scale) = (self.kernels, self.scale);
        let h = self.up.chunks_exact(k).zip(self.down.rchunks_exact(k));
        for ((up, down), dz) in h.zip(self.dz.chunks_exact_mut(2 * k)) {
            let (f, r) = dz.split_at_mut(k);
            let mut c = 0;
            while k - c >= 16 {
                let at = c..c + 16;
                let h = [&up[at.clone()], &down[at.clone()]];
                combine::<T, 16>(h, &mut f[at.clone()], &mut r[at], scale);
                c += 16;
            }
            while c < k {
                let h = [&up[c..], &down[c..]];
                combine::<T, 1>(h, &mut f[c..], &mut r[c..], scale);
                c += 1;
            }
        }
    }
}

/// Adds each position's line of `dz` to the lines of the pairs under its taps.
pub struct AddPairs<'a, T> {
    pub width: usize,
    /// Numbers of a line.
    pub len: usize,
    pub pairs: &'a [u8],
    pub dz: &'a [T],
    pub into: &'a mut [T],
}

impl<T: Real> AddPairs<'_, T> {
    /// `N` columns of a position from `from` on.
    #[inline(always)]
    fn columns<const N: usize>(&mut self, p: usize, from: usize) {
        let mut line = [T::ZERO; N];
        line.copy_from_slice(&self.dz[p * self.len + from..][..N]);
        for group in 0..self.width.div_ceil(2) {
            let at = (group * PAIRS + usize::from(self.pairs[p + 2 * group])) * self.len + from;
            let into = &mut self.into[at..at + N];
            for i in 0..N {
                into[i] += line[i];
            }
        }
    }
}

impl<T: Real> Kernel for AddPairs<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        for p in 0..self.dz.len() / self.len {
            let mut from = 0;
            while self.len - from >= 64 {
                self.columns::<64>(p, from);
                from += 64;
            }
            while from < self.len {
                self.columns::<1>(p, from);
                from += 1;
            }
        }
    }
}
