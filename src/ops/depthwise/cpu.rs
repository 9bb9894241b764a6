use super::Depthwise;
use crate::engine::real::axpy;
use crate::engine::{Backward, Forward, Real};
use crate::ops::shared::cpu::correlate;

pub fn forward<T: Real>(op: &Depthwise, io: Forward<'_, T>) {
    let out = op.out_length();
    let padded = &mut io.scratch[..op.length + 2 * op.padding];
    padded.fill(T::ZERO);
    io.output.fill(T::ZERO);
    for (row, y) in io.output.chunks_exact_mut(op.channels * out).enumerate() {
        let x = io.inputs[0].row(row).chunks_exact(op.length);
        let kernels = io.inputs[1].data.chunks_exact(op.width);
        for ((y, x), kernel) in y.chunks_exact_mut(out).zip(x).zip(kernels) {
            padded[op.padding..op.padding + op.length].copy_from_slice(x);
            correlate(padded, kernel, y);
        }
    }
}

pub fn backward<T: Real>(op: &Depthwise, io: Backward<'_, '_, T>) {
    let (out, edge) = (op.out_length(), op.width - 1);
    let inside = op.padding..op.padding + op.length;
    let (padded, rest) = io.scratch.split_at_mut(op.length + 2 * op.padding);
    let (dx_padded, rest) = rest.split_at_mut(padded.len());
    let (dy_padded, rest) = rest.split_at_mut(out + 2 * edge);
    let reversed = &mut rest[..op.width];
    padded.fill(T::ZERO);
    dy_padded.fill(T::ZERO);
    let (dx_all, dw_all) = io.grads.split_at_mut(1);
    let rows = io.grad_output.chunks_exact(op.channels * out).enumerate();
    for (row, dy) in rows {
        for (c, dy) in dy.chunks_exact(out).enumerate() {
            let at = c * op.length..(c + 1) * op.length;
            let taps = c * op.width..(c + 1) * op.width;
            if let Some(dx) = &mut dx_all[0] {
                dy_padded[edge..edge + out].copy_from_slice(dy);
                reversed.copy_from_slice(&io.inputs[1].data[taps.clone()]);
                reversed.reverse();
                dx_padded.fill(T::ZERO);
                correlate(dy_padded, reversed, dx_padded);
                axpy(
                    &mut dx.row(row)[at.clone()],
                    T::ONE,
                    &dx_padded[inside.clone()],
                );
            }
            if let Some(dw) = &mut dw_all[0] {
                padded[inside.clone()].copy_from_slice(&io.inputs[0].row(row)[at]);
                correlate(padded, dy, &mut dw.data[taps]);
            }
        }
    }
}
