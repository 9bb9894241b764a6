use crate::engine::real::{axpy, dot};
use crate::engine::{Backward, Forward, Real};
use crate::ops::shared::cpu::{exp, softmax};

pub fn forward_rows<T: Real>(inner: usize, io: Forward<'_, T>) {
    io.output.copy_from_slice(io.inputs[0].data);
    io.output.chunks_exact_mut(inner).for_each(softmax);
}

pub fn backward_rows<T: Real>(outer: usize, inner: usize, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    let n = outer * inner;
    for (row, dy) in io.grad_output.chunks_exact(n).enumerate() {
        let y = &io.output[row * n..(row + 1) * n];
        let lines = dy.chunks_exact(inner).zip(y.chunks_exact(inner));
        for (dx, (dy, y)) in grad.row(row).chunks_exact_mut(inner).zip(lines) {
            let mean = dot(dy, y);
            for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
                *dx += y * (dy - mean);
            }
        }
    }
}

/// Whole lines at a time, so that the loops run along memory.
pub fn forward_columns<T: Real>(outer: usize, inner: usize, io: Forward<'_, T>) {
    io.output.copy_from_slice(io.inputs[0].data);
    let column = io.scratch;
    for y in io.output.chunks_exact_mut(outer * inner) {
        column.fill(T::NEG_INFINITY);
        for y in y.chunks_exact(inner) {
            for (m, &y) in column.iter_mut().zip(y) {
                *m = m.max(y);
            }
        }
        for y in y.chunks_exact_mut(inner) {
            for (y, &m) in y.iter_mut().zip(column.iter()) {
                *y -= m;
            }
        }
        exp(y);
        column.fill(T::ZERO);
        for y in y.chunks_exact(inner) {
            axpy(column, T::ONE, y);
        }
        for y in y.chunks_exact_mut(inner) {
            for (y, &sum) in y.iter_mut().zip(column.iter()) {
                *y = *y / sum;
            }
        }
    }
}

pub fn backward_columns<T: Real>(outer: usize, inner: usize, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    let (n, mean) = (outer * inner, io.scratch);
    for (row, dy) in io.grad_output.chunks_exact(n).enumerate() {
        let y = &io.output[row * n..(row + 1) * n];
        mean.fill(T::ZERO);
        for (dy, y) in dy.chunks_exact(inner).zip(y.chunks_exact(inner)) {
            for ((mean, &dy), &y) in mean.iter_mut().zip(dy).zip(y) {
                *mean += dy * y;
            }
        }
        let lines = dy.chunks_exact(inner).zip(y.chunks_exact(inner));
        for (dx, (dy, y)) in grad.row(row).chunks_exact_mut(inner).zip(lines) {
            for (((dx, &dy), &y), &mean) in dx.iter_mut().zip(dy).zip(y).zip(mean.iter()) {
                *dx += y * (dy - mean);
            }
        }
    }
}
