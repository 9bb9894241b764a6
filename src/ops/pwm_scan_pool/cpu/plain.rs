//! The plain form, one row after the other with all scores written down: the reference.

use super::super::{BIAS, Dims, Input, POOL, PwmScanPool, SCALE, SOURCE, WEIGHT};
use crate::engine::{Backward, Context, Forward, Mat, MatMut, Operand, Real, matmul};

/// Scores, products of the transposed scan, x and its gradient.
pub fn scratch(op: &PwmScanPool) -> usize {
    let d = op.dims;
    (d.channels + 4 * d.width) * d.positions() + 8 * d.length
}

/// Row `row` of x (4, L).
fn read_row<T: Real>(
    op: &PwmScanPool,
    inputs: &[Operand<'_, T>],
    context: &Context<'_>,
    row: usize,
    x: &mut [T],
) {
    let length = op.dims.length;
    match &op.input {
        Input::Dense => x.copy_from_slice(inputs[SOURCE].row(row)),
        Input::Codes { which, index } => {
            let codes = context.codes(*which, row, length);
            for (base, x) in x.chunks_exact_mut(length).enumerate() {
                for (l, (x, &code)) in x.iter_mut().zip(codes).enumerate() {
                    let hot = T::of(f64::from(usize::from(code) == base));
                    *x = match index {
                        Some(index) => hot + inputs[SOURCE].data[index[l] as usize],
                        None => hot,
                    };
                }
            }
        }
    }
}

/// x of one base under the motif's columns: (K, L').
fn windows<T>(d: Dims, x: &[T], base: usize) -> Mat<'_, T> {
    let x = &x[base * d.length..(base + 1) * d.length];
    Mat::strided(x, d.width, d.positions(), 1, 1)
}

/// All scores (C, L') of x.
fn scan<T: Real>(d: Dims, weight: &[T], x: &[T], scores: &mut [T], parallel: bool) {
    for base in 0..4 {
        let weight = &weight[base * d.width..];
        matmul(
            MatMut::new(scores, d.channels, d.positions()),
            base > 0,
            Mat::strided(weight, d.channels, d.width, 4 * d.width, 1),
            windows(d, x, base),
            parallel,
        );
    }
}

/// The largest `w g`, the sum of `e = exp(w g - largest)`, and that of `e g`, over a feature's
/// scores.
fn pool<T: Real>(op: &PwmScanPool, inputs: &[Operand<'_, T>], scores: &[T], m: usize) -> [T; 3] {
    let d = op.dims;
    let w = inputs[POOL].data[m];
    let (scale, bias) = (inputs[SCALE].data, inputs[BIAS].data);
    let g = |i: usize, s: T| {
        let c = m * d.strands + i / d.positions();
        (scale[c] * s + bias[c]).sigmoid()
    };
    let of_feature = d.strands * d.positions();
    let scores = &scores[m * of_feature..(m + 1) * of_feature];
    let mut largest = T::NEG_INFINITY;
    for (i, &s) in scores.iter().enumerate() {
        largest = largest.max(w * g(i, s));
    }
    let (mut z, mut sum) = (T::ZERO, T::ZERO);
    for (i, &s) in scores.iter().enumerate() {
        let g = g(i, s);
        let e = (w * g - largest).exp();
        z += e;
        sum += e * g;
    }
    [largest, z, sum]
}

pub fn forward<T: Real>(op: &PwmScanPool, io: Forward<'_, T>) {
    let d = op.dims;
    let (scores, rest) = io.scratch.split_at_mut(d.channels * d.positions());
    let x = &mut rest[..4 * d.length];
    for (row, out) in io.output.chunks_exact_mut(d.features()).enumerate() {
        read_row(op, io.inputs, &io.context, row, x);
        scan(d, io.inputs[WEIGHT].data, x, scores, io.context.parallel);
        for (m, out) in out.iter_mut().enumerate() {
            let [_, z, sum] = pool(op, io.inputs, scores, m);
            *out = sum / z;
        }
    }
}

pub fn backward<T: Real>(op: &PwmScanPool, io: Backward<'_, '_, T>) {
    let d = op.dims;
    let positions = d.positions();
    let (scores, rest) = io.scratch.split_at_mut(d.channels * positions);
    let (products, rest) = rest.split_at_mut(4 * d.width * positions);
    let (x, rest) = rest.split_at_mut(4 * d.length);
    let dx = &mut rest[..4 * d.length];
    let weight = io.inputs[WEIGHT].data;
    let parallel = io.context.parallel;
    for (row, grad_output) in io.grad_output.chunks_exact(d.features()).enumerate() {
        read_row(op, io.inputs, &io.context, row, x);
        scan(d, weight, x, scores, parallel);
        for (m, &grad) in grad_output.iter().enumerate() {
            let [largest, z, sum] = pool(op, io.inputs, scores, m);
            let (w, out) = (io.inputs[POOL].data[m], sum / z);
            let mut dw = T::ZERO;
            for c in m * d.strands..(m + 1) * d.strands {
                let (scale, bias) = (io.inputs[SCALE].data[c], io.inputs[BIAS].data[c]);
                let (mut dscale, mut dbias) = (T::ZERO, T::ZERO);
                for s in &mut scores[c * positions..(c + 1) * positions] {
                    let g = (scale * *s + bias).sigmoid();
                    let a = grad * (w * g - largest).exp() / z;
                    dw += a * (g - out) * (g - out);
                    let u = a * (T::ONE + w * (g - out)) * g * (T::ONE - g);
                    dbias += u;
                    dscale += u * *s;
                    *s = scale * u;
                }
                if let Some(grad) = &mut io.grads[SCALE] {
                    grad.data[c] += dscale;
                }
                if let Some(grad) = &mut io.grads[BIAS] {
                    grad.data[c] += dbias;
                }
            }
            if let Some(grad) = &mut io.grads[POOL] {
                grad.data[m] += dw;
            }
        }
        let scores = Mat::new(scores, d.channels, positions);
        if let Some(grad) = &mut io.grads[WEIGHT] {
            for base in 0..4 {
                let out = &mut grad.data[base * d.width..];
                matmul(
                    MatMut::strided(out, d.channels, d.width, 4 * d.width),
                    true,
                    scores,
                    windows(d, x, base).t(),
                    parallel,
                );
            }
        }
        let Some(Some(grad)) = io.grads.get_mut(SOURCE) else {
            continue;
        };
        matmul(
            MatMut::new(products, 4 * d.width, positions),
            false,
            Mat::new(weight, d.channels, 4 * d.width).t(),
            scores,
            parallel,
        );
        dx.fill(T::ZERO);
        for (i, products) in products.chunks_exact(positions).enumerate() {
            let (base, k) = (i / d.width, i % d.width);
            for (dx, &p) in dx[base * d.length + k..].iter_mut().zip(products) {
                *dx += p;
            }
        }
        let out = grad.row(row);
        match &op.input {
            Input::Codes { index, .. } => {
                let index = index.iter().flat_map(|i| i.iter());
                for (l, &i) in index.enumerate() {
                    out[i as usize] += (0..4).map(|base| dx[base * d.length + l]).sum();
                }
            }
            Input::Dense => {
                for (out, &dx) in out.iter_mut().zip(dx.iter()) {
                    *out += dx;
                }
            }
        }
    }
}
