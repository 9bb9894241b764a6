//! The form for two numbers a key and two a value, in f32: a loop over keys i with all queries j
//! in vectors, a few keys at a time, their weights in a buffer that stays in the first cache.

use crate::engine::simd::{self, Kernel, dispatch};

/// Lines are a whole number of the widest vectors.
pub const LINE: usize = 16;
/// Lines of working space: the weights of some keys, and a mask.
pub const WORK_LINES: usize = FORWARD_KEYS + 1;

/// Keys at a time, as registers allow.
const FORWARD_KEYS: usize = 4;
const BACKWARD_KEYS: usize = 2;

const SCALE: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// Added to the scores beyond the sequence's end: their weights vanish.
const OUTSIDE: f32 = -1e30;

/// `o` of one head from k, q, v (two lines each); `weights` gets each key's largest score and the
/// reciprocal of its softmax's sum.
pub fn attend(
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
    dispatch(Attend {
        k: pairs(k, length),
        q: q.split_at(stride),
        v: pairs(v, length),
        mask,
        p: &mut p[..FORWARD_KEYS * stride],
        o: o.split_at_mut(stride),
        top,
        sums,
    });
}

/// dk, dq and dv of one head; dq must come as zeros.
pub fn attend_back(
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
    dispatch(AttendBack {
        k: pairs(k, length),
        q: q.split_at(stride),
        v: pairs(v, length),
        d_out: d_out.split_at(stride),
        mask,
        p: &mut p[..BACKWARD_KEYS * stride],
        top,
        sums,
        dk: dk.split_at_mut(stride),
        dq: dq.split_at_mut(stride),
        dv: dv.split_at_mut(stride),
    });
}

type Pair<'a> = (&'a [f32], &'a [f32]);
type PairMut<'a> = (&'a mut [f32], &'a mut [f32]);

/// Two lines without their padding.
fn pairs(lines: &[f32], length: usize) -> Pair<'_> {
    let (a, b) = lines.split_at(lines.len() / 2);
    (&a[..length], &b[..length])
}

/// N numbers of each line from `i` on.
#[inline(always)]
fn some<const N: usize>(lines: Pair<'_>, i: usize, scale: f32) -> [[f32; 2]; N] {
    std::array::from_fn(|b| [lines.0[i + b] * scale, lines.1[i + b] * scale])
}

#[inline(always)]
fn vectors<const LANES: usize>(line: &[f32]) -> &[[f32; LANES]] {
    line.as_chunks().0
}

#[inline(always)]
fn vectors_mut<const LANES: usize>(line: &mut [f32]) -> &mut [[f32; LANES]] {
    line.as_chunks_mut().0
}

#[inline(always)]
fn sum<const LANES: usize>(v: [f32; LANES]) -> f32 {
    let mut v = v;
    let mut n = LANES / 2;
    while n > 0 {
        for i in 0..n {
            v[i] += v[i + n];
        }
        n /= 2;
    }
    v[0]
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
        let k: [[f32; 2]; N] = some(self.k, first, SCALE);
        let p: &mut [[[f32; LANES]; N]] = vectors_mut::<LANES>(self.p).as_chunks_mut().0;
        let mut tops = [[OUTSIDE; LANES]; N];
        let queries = vectors::<LANES>(self.q.0)
            .iter()
            .zip(vectors::<LANES>(self.q.1));
        for ((p, (q0, q1)), mask) in p.iter_mut().zip(queries).zip(vectors::<LANES>(self.mask)) {
            for b in 0..N {
                for i in 0..LANES {
                    let s = simd::fma::<FMA>(k[b][1], q1[i], mask[i]);
                    let s = simd::fma::<FMA>(k[b][0], q0[i], s);
                    p[b][i] = s;
                    tops[b][i] = if s > tops[b][i] { s } else { tops[b][i] };
                }
            }
        }
        let top = tops.map(|t| t.into_iter().fold(OUTSIDE, f32::max));
        let mut sums = [[0.0; LANES]; N];
        let lines = vectors::<LANES>(self.mask).len();
        for p in &mut p[..lines] {
            for b in 0..N {
                for i in 0..LANES {
                    let e = simd::exp::<FMA>(p[b][i] - top[b]);
                    p[b][i] = e;
                    sums[b][i] += e;
                }
            }
        }
        let mut v: [[f32; 2]; N] = some(self.v, first, 1.0);
        for b in 0..N {
            let scale = 1.0 / sum(sums[b]);
            self.top[first + b] = top[b];
            self.sums[first + b] = scale;
            v[b] = v[b].map(|v| v * scale);
        }
        let outs = vectors_mut::<LANES>(self.o.0)
            .iter_mut()
            .zip(vectors_mut::<LANES>(self.o.1));
        for (p, (o0, o1)) in p.iter().zip(outs) {
            for b in 0..N {
                for i in 0..LANES {
                    o0[i] = simd::fma::<FMA>(v[b][0], p[b][i], o0[i]);
                    o1[i] = simd::fma::<FMA>(v[b][1], p[b][i], o1[i]);
                }
            }
        }
    }
}

impl Kernel for Attend<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let n = self.top.len();
        let whole = n - n % FORWARD_KEYS;
        for first in (0..whole).step_by(FORWARD_KEYS) {
            self.keys::<FORWARD_KEYS, LANES, FMA>(first);
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
        let k: [[f32; 2]; N] = some(self.k, first, SCALE);
        let v: [[f32; 2]; N] = some(self.v, first, 1.0);
        let top: [f32; N] = std::array::from_fn(|b| self.top[first + b]);
        let scale: [f32; N] = std::array::from_fn(|b| self.sums[first + b]);
        let p: &mut [[[f32; LANES]; N]] = vectors_mut::<LANES>(self.p).as_chunks_mut().0;
        let queries = || {
            vectors::<LANES>(self.q.0)
                .iter()
                .zip(vectors::<LANES>(self.q.1))
        };
        let d_outs = || {
            let lines = vectors::<LANES>(self.d_out.0);
            lines.iter().zip(vectors::<LANES>(self.d_out.1))
        };
        let mut dv = [[[0.0; LANES]; 2]; N];
        let masks = vectors::<LANES>(self.mask);
        for (((p, (q0, q1)), (d0, d1)), mask) in
            p.iter_mut().zip(queries()).zip(d_outs()).zip(masks)
        {
            for b in 0..N {
                for i in 0..LANES {
                    let s = simd::fma::<FMA>(k[b][1], q1[i], mask[i]);
                    let s = simd::fma::<FMA>(k[b][0], q0[i], s);
                    let e = simd::exp::<FMA>(s - top[b]) * scale[b];
                    p[b][i] = e;
                    dv[b][0][i] = simd::fma::<FMA>(e, d0[i], dv[b][0][i]);
                    dv[b][1][i] = simd::fma::<FMA>(e, d1[i], dv[b][1][i]);
                }
            }
        }
        let mut mean = [0.0; N];
        for b in 0..N {
            let [dv0, dv1] = dv[b].map(sum);
            self.dv.0[first + b] = dv0;
            self.dv.1[first + b] = dv1;
            mean[b] = v[b][0] * dv0 + v[b][1] * dv1;
        }
        let mut dk = [[[0.0; LANES]; 2]; N];
        let d_queries = vectors_mut::<LANES>(self.dq.0)
            .iter_mut()
            .zip(vectors_mut::<LANES>(self.dq.1));
        for (((p, (q0, q1)), (d0, d1)), (dq0, dq1)) in
            p.iter().zip(queries()).zip(d_outs()).zip(d_queries)
        {
            for b in 0..N {
                for i in 0..LANES {
                    let g = simd::fma::<FMA>(v[b][0], d0[i], -mean[b]);
                    let g = simd::fma::<FMA>(v[b][1], d1[i], g);
                    let ds = p[b][i] * g;
                    dk[b][0][i] = simd::fma::<FMA>(ds, q0[i], dk[b][0][i]);
                    dk[b][1][i] = simd::fma::<FMA>(ds, q1[i], dk[b][1][i]);
                    dq0[i] = simd::fma::<FMA>(ds, k[b][0], dq0[i]);
                    dq1[i] = simd::fma::<FMA>(ds, k[b][1], dq1[i]);
                }
            }
        }
        for b in 0..N {
            let [dk0, dk1] = dk[b].map(sum);
            self.dk.0[first + b] = dk0 * SCALE;
            self.dk.1[first + b] = dk1 * SCALE;
        }
    }
}

impl Kernel for AttendBack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        let n = self.top.len();
        let whole = n - n % BACKWARD_KEYS;
        for first in (0..whole).step_by(BACKWARD_KEYS) {
            self.keys::<BACKWARD_KEYS, LANES, FMA>(first);
        }
        for first in whole..n {
            self.keys::<1, LANES, FMA>(first);
        }
    }
}
