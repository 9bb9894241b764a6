//! The form for two numbers a key and two a value, in f32: a loop over keys i with all queries j
//! in vectors, a few keys at a time, their weights in a buffer that stays in the first cache.

use crate::engine::simd::{self, Kernel, Level, dispatch_at};

/// Lines are a whole number of the widest vectors.
pub const LINE: usize = 16;
/// Lines of working space: the weights of some keys, and a mask.
pub const WORK_LINES: usize = KEYS + 1;

/// Keys at a time, which share the loads and stores of o or dq.
const KEYS: usize = 4;

const SCALE: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// Added to the scores beyond the sequence's end: their weights vanish.
const OUTSIDE: f32 = -1e30;

/// `o` of one head from k, q, v (two lines each); `weights` gets each key's largest score and the
/// reciprocal of its softmax's sum.
pub fn attend(
    level: Level,
    length: usize,
    [k, q, v]: [&[f32]; 3],
    o: &mut [f32],
    weights: &mut [f32],
    work: &mut [f32],
) {
    let stride = q.len() / 2;
    let (mask, p) = work.split_at_mut(stride);
    mask[..length].fill(0.0);
    mask[length..].fill(OUTSIDE);
    o.fill(0.0);
    let (top, sums) = weights.split_at_mut(length);
    dispatch_at(
        level,
        Attend {
            k: pairs(k, length),
            q: q.split_at(stride),
            v: pairs(v, length),
            mask,
            p: &mut p[..KEYS * stride],
            o: o.split_at_mut(stride),
            top,
            sums,
        },
    );
}

/// dk, dq and dv of one head; dq must come as zeros.
pub fn attend_back(
    level: Level,
    length: usize,
    [k, q, v, d_out]: [&[f32]; 4],
    [dk, dq, dv]: [&mut [f32]; 3],
    weights: &[f32],
    work: &mut [f32],
) {
    let stride = q.len() / 2;
    let (mask, p) = work.split_at_mut(stride);
    mask[..length].fill(0.0);
    mask[length..].fill(OUTSIDE);
    let (top, sums) = weights.split_at(length);
    dispatch_at(
        level,
        AttendBack {
            k: pairs(k, length),
            q: q.split_at(stride),
            v: pairs(v, length),
            d_out: d_out.split_at(stride),
            mask,
            p: &mut p[..KEYS * stride],
            top,
            sums,
            dk: dk.split_at_mut(stride),
            dq: dq.split_at_mut(stride),
            dv: dv.split_at_mut(stride),
        },
    );
}

type Pair<'a> = (&'a [f32], &'a [f32]);
type PairMut<'a> = (&'a mut [f32], &'a mut [f32]);

/// Two lines without their padding.
fn pairs(lines: &[f32], length: usize) -> Pair<'_> {
    let (a, b) = lines.split_at(lines.len() / 2);
    (&a[..length], &b[..length])
}

// Plain loops over whole lines, one thing each: what compilers turn into vectors without fail.

/// `p = k0 q0 + k1 q1 + mask`; the largest of them.
#[inline(always)]
fn scores<const LANES: usize, const FMA: bool>(
    p: &mut [f32],
    k: [f32; 2],
    q: Pair<'_>,
    mask: &[f32],
) -> f32 {
    for (((p, q0), q1), mask) in p.iter_mut().zip(q.0).zip(q.1).zip(mask) {
        *p = simd::fma::<FMA>(k[0], *q0, simd::fma::<FMA>(k[1], *q1, *mask));
    }
    let mut tops = [OUTSIDE; LANES];
    for p in p.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            tops[i] = if p[i] > tops[i] { p[i] } else { tops[i] };
        }
    }
    tops.into_iter()
        .fold(OUTSIDE, |a, b| if b > a { b } else { a })
}

/// `p = e^(p - top)`; their sum.
#[inline(always)]
fn weigh<const LANES: usize, const FMA: bool>(p: &mut [f32], top: f32) -> f32 {
    for p in p.iter_mut() {
        *p = simd::exp::<FMA>(*p - top);
    }
    let mut sums = [0.0; LANES];
    for p in p.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            sums[i] += p[i];
        }
    }
    sums.into_iter().sum()
}

/// `out0 += sum_b c[b][0] p_b`, `out1` likewise, for the N lines of p.
#[inline(always)]
fn spread<const N: usize, const FMA: bool>(out: &mut PairMut<'_>, p: &[f32], c: [[f32; 2]; N]) {
    let n = out.0.len();
    let (out0, out1) = (&mut out.0[..n], &mut out.1[..n]);
    let lines: [&[f32]; N] = std::array::from_fn(|b| &p[b * n..(b + 1) * n]);
    for j in 0..n {
        let (mut sum0, mut sum1) = (out0[j], out1[j]);
        for b in 0..N {
            sum0 = simd::fma::<FMA>(c[b][0], lines[b][j], sum0);
            sum1 = simd::fma::<FMA>(c[b][1], lines[b][j], sum1);
        }
        out0[j] = sum0;
        out1[j] = sum1;
    }
}

/// `sum_j p a0` and `sum_j p a1`.
#[inline(always)]
fn inner<const LANES: usize, const FMA: bool>(p: &[f32], a: Pair<'_>) -> [f32; 2] {
    let (mut sums0, mut sums1) = ([0.0; LANES], [0.0; LANES]);
    let a =
        a.0.as_chunks::<LANES>()
            .0
            .iter()
            .zip(a.1.as_chunks::<LANES>().0);
    for (p, (a0, a1)) in p.as_chunks::<LANES>().0.iter().zip(a) {
        for i in 0..LANES {
            sums0[i] = simd::fma::<FMA>(p[i], a0[i], sums0[i]);
        }
        for i in 0..LANES {
            sums1[i] = simd::fma::<FMA>(p[i], a1[i], sums1[i]);
        }
    }
    [sums0.into_iter().sum(), sums1.into_iter().sum()]
}

struct Attend<'a> {
    k: Pair<'a>,
    q: Pair<'a>,
    v: Pair<'a>,
    mask: &'a [f32],
    p: &'a mut [f32],
    o: PairMut<'a>,
    top: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Attend<'_> {
    #[inline(always)]
    fn keys<const N: usize, const LANES: usize, const FMA: bool>(&mut self, first: usize) {
        let mut c = [[0.0; 2]; N];
        let lines = self.p.chunks_exact_mut(self.mask.len());
        for ((b, c), p) in c.iter_mut().enumerate().zip(lines) {
            let i = first + b;
            let k = [self.k.0[i] * SCALE, self.k.1[i] * SCALE];
            let top = scores::<LANES, FMA>(p, k, self.q, self.mask);
            let scale = 1.0 / weigh::<LANES, FMA>(p, top);
            self.top[i] = top;
            self.sums[i] = scale;
            *c = [self.v.0[i] * scale, self.v.1[i] * scale];
        }
        spread::<N, FMA>(&mut self.o, self.p, c);
    }
}

impl Kernel for Attend<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let n = self.top.len();
        let whole = n - n % KEYS;
        for first in (0..whole).step_by(KEYS) {
            self.keys::<KEYS, LANES, FMA>(first);
        }
        for first in whole..n {
            self.keys::<1, LANES, FMA>(first);
        }
    }
}

struct AttendBack<'a> {
    k: Pair<'a>,
    q: Pair<'a>,
    v: Pair<'a>,
    d_out: Pair<'a>,
    mask: &'a [f32],
    p: &'a mut [f32],
    top: &'a [f32],
    sums: &'a [f32],
    dk: PairMut<'a>,
    dq: PairMut<'a>,
    dv: PairMut<'a>,
}

impl AttendBack<'_> {
    #[inline(always)]
    fn keys<const N: usize, const LANES: usize, const FMA: bool>(&mut self, first: usize) {
        let mut c = [[0.0; 2]; N];
        let lines = self.p.chunks_exact_mut(self.mask.len());
        for ((b, c), p) in c.iter_mut().enumerate().zip(lines) {
            let i = first + b;
            let (v0, v1) = (self.v.0[i], self.v.1[i]);
            let (top, scale) = (self.top[i], self.sums[i]);
            *c = [self.k.0[i] * SCALE, self.k.1[i] * SCALE];
            let inputs = p.iter_mut().zip(self.q.0).zip(self.q.1).zip(self.mask);
            for (((p, q0), q1), mask) in inputs {
                let s = simd::fma::<FMA>(c[0], *q0, simd::fma::<FMA>(c[1], *q1, *mask));
                *p = simd::exp::<FMA>(s - top) * scale;
            }
            let [dv0, dv1] = inner::<LANES, FMA>(p, self.d_out);
            self.dv.0[i] = dv0;
            self.dv.1[i] = dv1;
            let mean = v0 * dv0 + v1 * dv1;
            for ((p, d0), d1) in p.iter_mut().zip(self.d_out.0).zip(self.d_out.1) {
                *p *= simd::fma::<FMA>(v0, *d0, simd::fma::<FMA>(v1, *d1, -mean));
            }
            let [dk0, dk1] = inner::<LANES, FMA>(p, self.q);
            self.dk.0[i] = dk0 * SCALE;
            self.dk.1[i] = dk1 * SCALE;
        }
        spread::<N, FMA>(&mut self.dq, self.p, c);
    }
}

impl Kernel for AttendBack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let n = self.top.len();
        let whole = n - n % KEYS;
        for first in (0..whole).step_by(KEYS) {
            self.keys::<KEYS, LANES, FMA>(first);
        }
        for first in whole..n {
            self.keys::<1, LANES, FMA>(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One head on 21 positions, scores up to some tens: o, dk, dq and dv, by plain formulas.
    #[test]
    fn every_level_agrees_with_f64() {
        const N: usize = 21;
        const STRIDE: usize = 32;
        let line = |which: usize| -> Vec<f32> {
            let number = |i: usize| ((i * 37 + which * 53) % 101) as f32 * 0.08 - 4.0;
            let at = |i: usize| if i % STRIDE < N { number(i) } else { 0.0 };
            (0..2 * STRIDE).map(at).collect()
        };
        let [k, q, v, d_out] = [0, 1, 2, 3].map(line);
        let at = |lines: &[f32], e: usize, i: usize| f64::from(lines[e * STRIDE + i]);
        let pair = |a: &[f32], i: usize, b: &[f32], j: usize| -> f64 {
            (0..2).map(|e| at(a, e, i) * at(b, e, j)).sum()
        };
        let [mut o, mut dk, mut dq, mut dv] = [const { [[0.0; N]; 2] }; 4];
        for i in 0..N {
            let scores: Vec<f64> = (0..N)
                .map(|j| (pair(&k, i, &q, j) * 0.5f64.sqrt()).exp())
                .collect();
            let sum: f64 = scores.iter().sum();
            let w = |j: usize| scores[j] / sum;
            let mean: f64 = (0..N).map(|j| w(j) * pair(&v, i, &d_out, j)).sum();
            for j in 0..N {
                let ds = w(j) * (pair(&v, i, &d_out, j) - mean) * 0.5f64.sqrt();
                for e in 0..2 {
                    o[e][j] += at(&v, e, i) * w(j);
                    dv[e][i] += at(&d_out, e, j) * w(j);
                    dk[e][i] += ds * at(&q, e, j);
                    dq[e][j] += ds * at(&k, e, i);
                }
            }
        }
        for level in simd::levels() {
            let mut found = [const { [0.0f32; 2 * STRIDE] }; 4];
            let mut weights = [0.0; 2 * N];
            let mut work = [f32::NAN; WORK_LINES * STRIDE];
            let [fo, fk, fq, fv] = &mut found;
            attend(level, N, [&k, &q, &v], fo, &mut weights, &mut work);
            let lines = [&k[..], &q, &v, &d_out];
            attend_back(level, N, lines, [fk, fq, fv], &weights, &mut work);
            for (name, (found, truth)) in ["o", "dk", "dq", "dv"]
                .iter()
                .zip(found.iter().zip([o, dk, dq, dv]))
            {
                for (e, i) in (0..2).flat_map(|e| (0..N).map(move |i| (e, i))) {
                    let error = (at(found, e, i) - truth[e][i]).abs();
                    assert!(error < 2e-4, "{level:?} {name} {e} {i}: {error:e}");
                }
            }
        }
    }
}
