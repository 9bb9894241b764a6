//! The form for any sizes and number types: products of whole matrices.

use crate::engine::real::dot;
use crate::engine::{Mat, MatMut, Real, matmul};
use crate::ops::self_attention::SelfAttention;
use crate::ops::shared::cpu::softmax;

/// `o` of one head from its k, q, v; `weights` (L, L) gets the softmax.
pub fn attend<T: Real>(op: &SelfAttention, [k, q, v]: [&[T]; 3], o: &mut [T], weights: &mut [T]) {
    let length = op.length;
    let (key, query) = (op.view(k, op.embedding), op.view(q, op.embedding));
    let w = MatMut::new(weights, length, length);
    matmul(w, false, key.t(), query, false);
    let scale = T::of(1.0 / (op.embedding as f64).sqrt());
    weights.iter_mut().for_each(|w| *w *= scale);
    weights.chunks_exact_mut(length).for_each(softmax);
    let w = Mat::new(weights, length, length);
    let value = op.view(v, op.inner);
    matmul(op.view_mut(o, op.inner), false, value, w, false);
}

/// dk, dq and dv of one head; `work` of L x L.
pub fn attend_back<T: Real>(
    op: &SelfAttention,
    [k, q, v, d_out]: [&[T]; 4],
    [dk, dq, dv]: [&mut [T]; 3],
    weights: &[T],
    work: &mut [T],
) {
    let length = op.length;
    let d_out = op.view(d_out, op.inner);
    let value = op.view(v, op.inner);
    let w = Mat::new(weights, length, length);
    matmul(op.view_mut(dv, op.inner), false, d_out, w.t(), false);
    let ds = MatMut::new(&mut *work, length, length);
    matmul(ds, false, value.t(), d_out, false);
    let scale = T::of(1.0 / (op.embedding as f64).sqrt());
    let lines = work.chunks_exact_mut(length);
    for (ds, w) in lines.zip(weights.chunks_exact(length)) {
        let mean = dot(ds, w);
        for (ds, &w) in ds.iter_mut().zip(w) {
            *ds = w * (*ds - mean) * scale;
        }
    }
    let ds = Mat::new(work, length, length);
    let (key, query) = (op.view(k, op.embedding), op.view(q, op.embedding));
    matmul(op.view_mut(dk, op.embedding), false, query, ds.t(), false);
    matmul(op.view_mut(dq, op.embedding), false, key, ds, false);
}
