//! The LSTM's gates: from z = x W + h U + b to the next c and h.

use crate::engine::Real;
use crate::engine::simd::{self, Kernel, dispatch, fma};

/// From z to the next states of some lines.
pub struct Gates<'a, T> {
    /// (n, Z): by line the gates i, f, c, o side by side.
    pub z: &'a [T],
    /// (n, r)
    pub h: &'a mut [T],
    pub c: &'a mut [T],
    /// (r)
    pub old: &'a [T],
    /// (n, r): h - old.
    pub more: &'a mut [T],
}

pub fn gates<T: Real>(gates: Gates<'_, T>) {
    let Gates { z, h, c, old, more } = gates;
    if let (Some(z), Some(old)) = (T::as_f32(z), T::as_f32(old))
        && let (Some(h), Some(c)) = (T::as_f32_mut(h), T::as_f32_mut(c))
        && let Some(more) = T::as_f32_mut(more)
    {
        return dispatch(Gates { z, h, c, old, more });
    }
    let r = old.len();
    let hard = |z: T| {
        let y = T::of(0.2) * z + T::of(0.5);
        if y < T::ZERO {
            T::ZERO
        } else if y > T::ONE {
            T::ONE
        } else {
            y
        }
    };
    let stride = z.len() / (h.len() / r);
    for (line, z) in z.chunks_exact(stride).enumerate() {
        for j in 0..r {
            let at = line * r + j;
            c[at] = hard(z[r + j]) * c[at] + hard(z[j]) * z[2 * r + j].tanh();
            h[at] = hard(z[3 * r + j]) * c[at].tanh();
            more[at] = h[at] - old[j];
        }
    }
}

impl Gates<'_, f32> {
    /// `N` units of a line from `at` on.
    #[inline(always)]
    fn units<const N: usize, const FMA: bool>(&mut self, line: usize, at: usize) {
        let r = self.old.len();
        let stride = self.z.len() / (self.h.len() / r);
        let z = &self.z[line * stride..][..4 * r];
        let gate = |gate: usize| &z[gate * r + at..][..N];
        let (zi, zf, zg, zo) = (gate(0), gate(1), gate(2), gate(3));
        let own = line * r + at;
        let (h, c) = (&mut self.h[own..][..N], &mut self.c[own..][..N]);
        let (old, more) = (&self.old[at..][..N], &mut self.more[own..][..N]);
        let hard = |z: f32| fma::<FMA>(0.2, z, 0.5).clamp(0.0, 1.0);
        for i in 0..N {
            let g = simd::tanh::<FMA>(zg[i]);
            c[i] = fma::<FMA>(hard(zf[i]), c[i], hard(zi[i]) * g);
        }
        for i in 0..N {
            h[i] = hard(zo[i]) * simd::tanh::<FMA>(c[i]);
            more[i] = h[i] - old[i];
        }
    }
}

impl Kernel for Gates<'_, f32> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let r = self.old.len();
        for line in 0..self.h.len() / r {
            let mut at = 0;
            while r - at >= LANES {
                self.units::<LANES, FMA>(line, at);
                at += LANES;
            }
            while at < r {
                self.units::<1, FMA>(line, at);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::simd::{dispatch_at, levels};

    #[test]
    fn f32_agrees_with_f64_at_every_level() {
        let (n, r, stride) = (3, 21, 96);
        let number = |i: usize| (i * 37 % 101) as f64 / 12.0 - 4.0;
        let z: Vec<f64> = (0..n * stride).map(number).collect();
        let old: Vec<f64> = (0..r).map(number).collect();
        let mut c: Vec<f64> = (0..n * r).map(|i| number(i + 7)).collect();
        let narrow = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
        let start = narrow(&c);
        let (mut h, mut more) = (vec![f64::NAN; n * r], vec![f64::NAN; n * r]);
        gates(Gates {
            z: &z,
            h: &mut h,
            c: &mut c,
            old: &old,
            more: &mut more,
        });
        for level in levels() {
            let mut found = [vec![f32::NAN; n * r], start.clone(), vec![f32::NAN; n * r]];
            let [h32, c32, more32] = &mut found;
            dispatch_at(
                level,
                Gates {
                    z: &narrow(&z),
                    h: h32,
                    c: c32,
                    old: &narrow(&old),
                    more: more32,
                },
            );
            for (found, expected) in found.iter().zip([&h, &c, &more]) {
                for (&a, &b) in found.iter().zip(expected) {
                    assert!((f64::from(a) - b).abs() < 3e-6, "{level:?}: {a} for {b}");
                }
            }
        }
    }
}
