pub mod fast;
mod plain;

use super::SelfAttention;
use crate::engine::real::sum;
use crate::engine::simd::best_level;
use crate::engine::{Backward, Forward, Mat, MatMut, Operand, Real, matmul};

/// k, q, v and o of all heads, or their gradients.
struct Lines<'a, T> {
    k: &'a mut [T],
    q: &'a mut [T],
    v: &'a mut [T],
    o: &'a mut [T],
}

impl<'a, T> Lines<'a, T> {
    fn of(op: &SelfAttention, data: &'a mut [T]) -> Self {
        let (keys, values) = (
            op.heads * op.embedding * op.stride(),
            op.heads * op.inner * op.stride(),
        );
        let (k, rest) = data.split_at_mut(keys);
        let (q, rest) = rest.split_at_mut(keys);
        let (v, o) = rest.split_at_mut(values);
        Lines { k, q, v, o }
    }

    fn head(&mut self, op: &SelfAttention, head: usize) -> Lines<'_, T> {
        let keys = op.embedding * op.stride();
        let values = op.inner * op.stride();
        Lines {
            k: &mut self.k[head * keys..(head + 1) * keys],
            q: &mut self.q[head * keys..(head + 1) * keys],
            v: &mut self.v[head * values..(head + 1) * values],
            o: &mut self.o[head * values..(head + 1) * values],
        }
    }
}

impl SelfAttention {
    fn view<'a, T>(&self, lines: &'a [T], n: usize) -> Mat<'a, T> {
        Mat::strided(lines, n, self.length, self.stride(), 1)
    }

    fn view_mut<'a, T>(&self, lines: &'a mut [T], n: usize) -> MatMut<'a, T> {
        MatMut::strided(lines, n, self.length, self.stride())
    }

    /// The unifying weights of a head, (C, T).
    fn unify<'a, T>(&self, inputs: &[Operand<'a, T>], head: usize) -> Mat<'a, T> {
        let n = self.channels * self.inner;
        let weight = &inputs[7].data[head * n..(head + 1) * n];
        Mat::new(weight, self.channels, self.inner)
    }

    /// `lines = weight x + bias`, and zeros up to the stride.
    fn project<T: Real>(&self, lines: &mut [T], inputs: &[Operand<'_, T>], at: usize, x: &[T]) {
        let (weight, bias) = (inputs[at].data, inputs[at + 1].data);
        for (line, &bias) in lines.chunks_exact_mut(self.stride()).zip(bias) {
            line[..self.length].fill(bias);
            line[self.length..].fill(T::ZERO);
        }
        let weight = Mat::new(weight, bias.len(), self.channels);
        let x = Mat::new(x, self.channels, self.length);
        matmul(self.view_mut(lines, bias.len()), true, weight, x, false);
    }
}

/// o of a head, and what its softmax leaves for the backward run.
fn attend<T: Real>(op: &SelfAttention, head: Lines<'_, T>, weights: &mut [T], work: &mut [T]) {
    let Lines { k, q, v, o } = head;
    if op.fast::<T>()
        && let (Some(k), Some(q), Some(v)) = (T::as_f32(k), T::as_f32(q), T::as_f32(v))
        && let Some(o) = T::as_f32_mut(o)
        && let (Some(weights), Some(work)) = (T::as_f32_mut(weights), T::as_f32_mut(work))
    {
        return fast::attend(best_level(), op.length, [k, q, v], o, weights, work);
    }
    plain::attend(op, [k, q, v], o, weights);
}

/// The gradients of a head's k, q and v from that of its o; `work` of L x L.
fn attend_back<T: Real>(
    op: &SelfAttention,
    head: Lines<'_, T>,
    grads: Lines<'_, T>,
    weights: &[T],
    work: &mut [T],
) {
    let Lines { k, q, v, .. } = head;
    let Lines {
        k: dk,
        q: dq,
        v: dv,
        o: d_out,
    } = grads;
    if op.fast::<T>()
        && let (Some(k), Some(q), Some(v)) = (T::as_f32(k), T::as_f32(q), T::as_f32(v))
        && let (Some(dk), Some(dq), Some(dv)) =
            (T::as_f32_mut(dk), T::as_f32_mut(dq), T::as_f32_mut(dv))
        && let (Some(d_out), Some(weights)) = (T::as_f32(d_out), T::as_f32(weights))
        && let Some(work) = T::as_f32_mut(work)
    {
        let lines = [k, q, v, d_out];
        return fast::attend_back(best_level(), op.length, lines, [dk, dq, dv], weights, work);
    }
    plain::attend_back(op, [k, q, v, d_out], [dk, dq, dv], weights, work);
}

pub fn forward<T: Real>(op: &SelfAttention, io: Forward<'_, T>) {
    let (channels, length) = (op.channels, op.length);
    let of_row = op.lines() + op.weights::<T>();
    let work = &mut io.scratch[op.lines()..];
    let rows = io.output.chunks_exact_mut(channels * length);
    for (row, (y, saved)) in rows.zip(io.saved.chunks_exact_mut(of_row)).enumerate() {
        let x = io.inputs[0].row(row);
        let (lines, weights) = saved.split_at_mut(op.lines());
        let mut lines = Lines::of(op, lines);
        op.project(lines.k, io.inputs, 1, x);
        op.project(lines.q, io.inputs, 3, x);
        op.project(lines.v, io.inputs, 5, x);
        for (y, &bias) in y.chunks_exact_mut(length).zip(io.inputs[8].data) {
            y.fill(bias);
        }
        let heads = weights.chunks_exact_mut(op.weights::<T>() / op.heads);
        for (h, weights) in heads.enumerate() {
            attend(op, lines.head(op, h), weights, work);
            let o = op.view(lines.head(op, h).o, op.inner);
            let out = MatMut::new(&mut *y, channels, length);
            matmul(out, true, op.unify(io.inputs, h), o, false);
        }
    }
}

pub fn backward<T: Real>(op: &SelfAttention, io: Backward<'_, '_, T>) {
    let (channels, length, stride) = (op.channels, op.length, op.stride());
    let of_row = op.lines() + op.weights::<T>();
    let (grad_lines, work) = io.scratch.split_at_mut(op.lines());
    let rows = io.grad_output.chunks_exact(channels * length);
    for (row, (dy, saved)) in rows.zip(io.saved.chunks_exact_mut(of_row)).enumerate() {
        let (lines, weights) = saved.split_at_mut(op.lines());
        let mut lines = Lines::of(op, lines);
        grad_lines.fill(T::ZERO);
        let mut grads = Lines::of(op, grad_lines);
        if let Some(d_bias) = &mut io.grads[8] {
            for (d_bias, dy) in d_bias.data.iter_mut().zip(dy.chunks_exact(length)) {
                *d_bias += sum(dy);
            }
        }
        let dy = Mat::new(dy, channels, length);
        let heads = weights.chunks_exact(op.weights::<T>() / op.heads);
        for (h, weights) in heads.enumerate() {
            if let Some(d_unify) = &mut io.grads[7] {
                let n = channels * op.inner;
                let out = &mut d_unify.data[h * n..(h + 1) * n];
                let o = op.view(lines.head(op, h).o, op.inner);
                matmul(MatMut::new(out, channels, op.inner), true, dy, o.t(), false);
            }
            let d_out = op.view_mut(grads.head(op, h).o, op.inner);
            matmul(d_out, false, op.unify(io.inputs, h).t(), dy, false);
            attend_back(op, lines.head(op, h), grads.head(op, h), weights, work);
        }
        let x = Mat::new(io.inputs[0].row(row), channels, length);
        // The query's bias is not among the biases: its gradient is 0.
        for (at, bias, d) in [(1, 2, &*grads.k), (3, 0, grads.q), (5, 6, grads.v)] {
            let n = d.len() / stride;
            let lines = op.view(d, n);
            if let Some(dw) = &mut io.grads[at] {
                matmul(MatMut::new(dw.data, n, channels), true, lines, x.t(), false);
            }
            if bias > 0
                && let Some(d_bias) = &mut io.grads[bias]
            {
                for (d_bias, d) in d_bias.data.iter_mut().zip(d.chunks_exact(stride)) {
                    *d_bias += sum(&d[..length]);
                }
            }
            if let Some(dx) = &mut io.grads[0] {
                let weight = Mat::new(io.inputs[at].data, n, channels);
                let dx = MatMut::new(dx.row(row), channels, length);
                matmul(dx, true, weight.t(), lines, false);
            }
        }
    }
}
