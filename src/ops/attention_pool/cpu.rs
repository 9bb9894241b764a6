use super::AttentionPool;
use crate::engine::real::{axpy, dot, sum};
use crate::engine::{Backward, Forward, Real};
use crate::ops::shared::cpu::{exp, max};

/// The softmax of each window, of a channel's R lines of x; zeros count beyond their end.
fn masks<T: Real>(op: &AttentionPool, x: &[T], weight: &[T], mask: &mut [T]) {
    mask.fill(T::ZERO);
    for (x, &w) in x.chunks_exact(op.length).zip(weight) {
        axpy(mask, w, x);
    }
    for mask in mask.chunks_exact_mut(op.window) {
        let largest = max(mask);
        mask.iter_mut().for_each(|m| *m -= largest);
    }
    exp(mask);
    for mask in mask.chunks_exact_mut(op.window) {
        let scale = T::ONE / sum(mask);
        mask.iter_mut().for_each(|m| *m *= scale);
    }
}

/// `y[r, j] = sum of a window's mask times x`.
fn pool<T: Real>(op: &AttentionPool, x: &[T], mask: &[T], y: &mut [T]) {
    let lines = y.chunks_exact_mut(op.windows());
    for (y, x) in lines.zip(x.chunks_exact(op.length)) {
        let windows = x.chunks(op.window).zip(mask.chunks_exact(op.window));
        for (y, (x, mask)) in y.iter_mut().zip(windows) {
            *y = dot(x, &mask[..x.len()]);
        }
    }
}

pub fn forward<T: Real>(op: &AttentionPool, io: Forward<'_, T>) {
    let (of_channel, out) = (op.depth * op.length, op.depth * op.out_length());
    let (mask, rest) = io.scratch.split_at_mut(op.windows() * op.window);
    let pooled = &mut rest[..op.depth * op.windows()];
    for (row, y) in io.output.chunks_exact_mut(op.channels * out).enumerate() {
        let x = io.inputs[0].row(row).chunks_exact(of_channel);
        let weights = io.inputs[1].data.chunks_exact(op.depth);
        for ((y, x), weight) in y.chunks_exact_mut(out).zip(x).zip(weights) {
            masks(op, x, weight, mask);
            if op.keep_shape {
                pool(op, x, mask, pooled);
                let lines = y.chunks_exact_mut(op.length);
                for (y, pooled) in lines.zip(pooled.chunks_exact(op.windows())) {
                    for (y, &pooled) in y.chunks_mut(op.window).zip(pooled) {
                        y.fill(pooled);
                    }
                }
            } else {
                pool(op, x, mask, y);
            }
        }
    }
}

pub fn backward<T: Real>(op: &AttentionPool, io: Backward<'_, '_, T>) {
    let (of_channel, out) = (op.depth * op.length, op.depth * op.out_length());
    let (mask, rest) = io.scratch.split_at_mut(op.windows() * op.window);
    let (slope, rest) = rest.split_at_mut(mask.len());
    let (pooled, of_window) = rest.split_at_mut(op.depth * op.windows());
    let (dx_all, dw_all) = io.grads.split_at_mut(1);
    let rows = io.grad_output.chunks_exact(op.channels * out).enumerate();
    for (row, dy) in rows {
        for (c, dy) in dy.chunks_exact(out).enumerate() {
            let at = c * of_channel..(c + 1) * of_channel;
            let x = &io.inputs[0].row(row)[at.clone()];
            let weight = &io.inputs[1].data[c * op.depth..(c + 1) * op.depth];
            masks(op, x, weight, mask);
            pool(op, x, mask, pooled);
            if op.keep_shape {
                let lines = of_window.chunks_exact_mut(op.windows());
                for (of_window, dy) in lines.zip(dy.chunks_exact(op.length)) {
                    for (of_window, dy) in of_window.iter_mut().zip(dy.chunks(op.window)) {
                        *of_window = sum(dy);
                    }
                }
            } else {
                of_window.copy_from_slice(dy);
            }
            score_gradient(op, x, mask, pooled, of_window, slope);
            if let Some(dx) = &mut dx_all[0] {
                let lines = dx.row(row)[at].chunks_exact_mut(op.length);
                let dy = of_window.chunks_exact(op.windows());
                for ((dx, dy), &weight) in lines.zip(dy).zip(weight) {
                    axpy(dx, weight, slope);
                    let windows = dx.chunks_mut(op.window).zip(mask.chunks_exact(op.window));
                    for ((dx, mask), &dy) in windows.zip(dy) {
                        axpy(dx, dy, mask);
                    }
                }
            }
            if let Some(dw) = &mut dw_all[0] {
                let dw = &mut dw.data[c * op.depth..(c + 1) * op.depth];
                for (dw, x) in dw.iter_mut().zip(x.chunks_exact(op.length)) {
                    *dw += dot(x, &slope[..op.length]);
                }
            }
        }
    }
}

/// `ds[l] = m[l] sum_r dy[r] (x[r, l] - y[r])`.
fn score_gradient<T: Real>(
    op: &AttentionPool,
    x: &[T],
    mask: &[T],
    pooled: &[T],
    dy: &[T],
    slope: &mut [T],
) {
    slope.fill(T::ZERO);
    for (r, x) in x.chunks_exact(op.length).enumerate() {
        let windows = slope.chunks_exact_mut(op.window).zip(x.chunks(op.window));
        for (j, (slope, x)) in windows.enumerate() {
            let (dy, y) = (dy[r * op.windows() + j], pooled[r * op.windows() + j]);
            for (slope, &x) in slope.iter_mut().zip(x) {
                *slope += dy * (x - y);
            }
        }
    }
    for (slope, &mask) in slope.iter_mut().zip(mask) {
        *slope *= mask;
    }
}
