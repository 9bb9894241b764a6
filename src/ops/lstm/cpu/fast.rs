//! The recurrence of one strand in one direction, in f32 vectors.

use super::recurrence::{Back, Run};
use crate::engine::lanes::add_scaled;
use crate::engine::simd::{self, Kernel, dispatch, fma};

pub fn forward(run: Run<'_, f32>) {
    dispatch(run);
}

pub fn backward(run: Back<'_, f32>) {
    dispatch(run);
}

#[inline(always)]
fn hard<const FMA: bool>(z: f32) -> f32 {
    fma::<FMA>(0.2, z, 0.5).clamp(0.0, 1.0)
}

#[inline(always)]
fn through_hard(dy: f32, y: f32) -> f32 {
    let slope = if y > 0.0 && y < 1.0 { 0.2 } else { 0.0 };
    slope * dy
}

/// `y[at..] += b[at..] + sum_i x[i] m[i, at..]` for `VECTORS * LANES` columns, their sums in registers.
#[inline(always)]
fn columns<const VECTORS: usize, const LANES: usize, const FMA: bool>(
    y: &mut [f32],
    x: &[f32],
    m: &[f32],
    b: &[f32],
    at: usize,
) {
    let n = y.len();
    let mut sums = [[0.0f32; LANES]; VECTORS];
    sums.copy_from_slice(b[at..at + VECTORS * LANES].as_chunks().0);
    for (line, &x) in m.chunks_exact(n).zip(x) {
        let (line, _) = line[at..at + VECTORS * LANES].as_chunks::<LANES>();
        for v in 0..VECTORS {
            // SAFETY: called from Kernel::run alone, with its LANES and FMA.
            unsafe { add_scaled::<LANES, FMA>(&mut sums[v], &line[v], x) };
        }
    }
    let (y, _) = y[at..at + VECTORS * LANES].as_chunks_mut::<LANES>();
    for v in 0..VECTORS {
        for i in 0..LANES {
            y[v][i] += sums[v][i];
        }
    }
}

/// `y += x m + b`, m (x.len(), y.len()).
#[inline(always)]
fn add_product<const LANES: usize, const FMA: bool>(
    y: &mut [f32],
    x: &[f32],
    m: &[f32],
    b: &[f32],
) {
    let n = y.len();
    let mut at = 0;
    while n - at >= 8 * LANES {
        columns::<8, LANES, FMA>(y, x, m, b, at);
        at += 8 * LANES;
    }
    while n - at >= LANES {
        columns::<1, LANES, FMA>(y, x, m, b, at);
        at += LANES;
    }
    for j in at..n {
        y[j] += b[j];
        for (i, &x) in x.iter().enumerate() {
            y[j] = fma::<FMA>(x, m[i * n + j], y[j]);
        }
    }
}

/// `y[at..] = sum over gates and j of dz[gate, j] ut[j, gate, at..]` for `VECTORS * LANES` units: the gates' sums are
/// apart, so that the chains of additions are short.
#[inline(always)]
fn units<const VECTORS: usize, const LANES: usize, const FMA: bool>(
    y: &mut [f32],
    dz: &[f32],
    ut: &[f32],
    at: usize,
) {
    let r = y.len();
    let mut sums = [[[0.0f32; LANES]; VECTORS]; 4];
    for (j, line) in ut.chunks_exact(4 * r).enumerate() {
        for (gate, sums) in sums.iter_mut().enumerate() {
            let from = gate * r + at;
            let (line, _) = line[from..from + VECTORS * LANES].as_chunks::<LANES>();
            for v in 0..VECTORS {
                // SAFETY: called from Kernel::run alone, with its LANES and FMA.
                unsafe { add_scaled::<LANES, FMA>(&mut sums[v], &line[v], dz[gate * r + j]) };
            }
        }
    }
    let (y, _) = y[at..at + VECTORS * LANES].as_chunks_mut::<LANES>();
    for v in 0..VECTORS {
        for i in 0..LANES {
            y[v][i] = (sums[0][v][i] + sums[1][v][i]) + (sums[2][v][i] + sums[3][v][i]);
        }
    }
}

/// `y = dz U^T`, with `ut` (r, 4, r): by j and gate the column j of U_gate.
#[inline(always)]
fn product_transposed<const LANES: usize, const FMA: bool>(y: &mut [f32], dz: &[f32], ut: &[f32]) {
    let r = y.len();
    let mut at = 0;
    while r - at >= 2 * LANES {
        units::<2, LANES, FMA>(y, dz, ut, at);
        at += 2 * LANES;
    }
    while r - at >= LANES {
        units::<1, LANES, FMA>(y, dz, ut, at);
        at += LANES;
    }
    for i in at..r {
        y[i] = 0.0;
        for (j, line) in ut.chunks_exact(4 * r).enumerate() {
            for gate in 0..4 {
                y[i] = fma::<FMA>(dz[gate * r + j], line[gate * r + i], y[i]);
            }
        }
    }
}

impl Kernel for Run<'_, f32> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let r = self.units;
        let (h, c) = self.state.split_at_mut(r);
        h.fill(0.0);
        c.fill(0.0);
        for step in 0..self.steps {
            let s = self.order.position(step, self.steps);
            let z = &mut self.gates[s * 4 * r..(s + 1) * 4 * r];
            add_product::<LANES, FMA>(z, h, self.u, self.b);
            let (zi, rest) = z.split_at_mut(r);
            let (zf, rest) = rest.split_at_mut(r);
            let (zg, zo) = rest.split_at_mut(r);
            let gates = zi.iter_mut().zip(zf).zip(zg.iter_mut().zip(zo));
            for (((i, f), (g, o)), (h, c)) in gates.zip(h.iter_mut().zip(c.iter_mut())) {
                *i = hard::<FMA>(*i);
                *f = hard::<FMA>(*f);
                *g = simd::tanh::<FMA>(*g);
                *o = hard::<FMA>(*o);
                *c = fma::<FMA>(*f, *c, *i * *g);
                *h = *o * simd::tanh::<FMA>(*c);
            }
            self.cells[s * r..(s + 1) * r].copy_from_slice(c);
            self.out[s * 2 * r + self.offset..][..r].copy_from_slice(h);
        }
    }
}

impl Kernel for Back<'_, f32> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(self) {
        let r = self.units;
        let (dh, rest) = self.state.split_at_mut(r);
        let (dc, zero) = rest.split_at_mut(r);
        dh.fill(0.0);
        dc.fill(0.0);
        zero[..r].fill(0.0);
        for step in (0..self.steps).rev() {
            let s = self.order.position(step, self.steps);
            let gates = &self.gates[s * 4 * r..(s + 1) * 4 * r];
            let (i, rest) = gates.split_at(r);
            let (f, rest) = rest.split_at(r);
            let (g, o) = rest.split_at(r);
            let c = &self.cells[s * r..(s + 1) * r];
            let before = match step.checked_sub(1) {
                Some(step) => &self.cells[self.order.position(step, self.steps) * r..][..r],
                None => &zero[..r],
            };
            let dy = &self.dy[s * 2 * r + self.offset..][..r];
            let dz = &mut self.dz[s * 4 * r..(s + 1) * 4 * r];
            {
                let (di, rest) = dz.split_at_mut(r);
                let (df, rest) = rest.split_at_mut(r);
                let (dg, d_o) = rest.split_at_mut(r);
                let (i, f, g, o) = (&i[..r], &f[..r], &g[..r], &o[..r]);
                let (di, df, dg, d_o) = (&mut di[..r], &mut df[..r], &mut dg[..r], &mut d_o[..r]);
                let (dh, dc) = (&dh[..r], &mut dc[..r]);
                for j in 0..r {
                    let h = dh[j] + dy[j];
                    let t = simd::tanh::<FMA>(c[j]);
                    let d = fma::<FMA>(h * o[j], fma::<FMA>(-t, t, 1.0), dc[j]);
                    di[j] = through_hard(d * g[j], i[j]);
                    df[j] = through_hard(d * before[j], f[j]);
                    dg[j] = d * i[j] * fma::<FMA>(-g[j], g[j], 1.0);
                    d_o[j] = through_hard(h * t, o[j]);
                    dc[j] = d * f[j];
                }
            }
            if step > 0 {
                product_transposed::<LANES, FMA>(dh, dz, self.ut);
            }
        }
    }
}
