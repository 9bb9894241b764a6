use super::SharedConv;
use crate::engine::real::sum;
use crate::engine::{Backward, Forward, Real};
use crate::ops::shared::cpu::correlate;

pub fn forward<T: Real>(op: &SharedConv, io: Forward<'_, T>) {
    let (out, n) = (op.out_length(), op.filters * op.out_length());
    let (weight, bias) = (io.inputs[1].data, io.inputs[2].data);
    for (row, y) in io.output.chunks_exact_mut(op.channels * n).enumerate() {
        let x = io.inputs[0].row(row).chunks_exact(op.length);
        for (y, x) in y.chunks_exact_mut(n).zip(x) {
            let kernels = weight.chunks_exact(op.width);
            for ((y, kernel), &bias) in y.chunks_exact_mut(out).zip(kernels).zip(bias) {
                y.fill(bias);
                correlate(x, kernel, y);
            }
        }
    }
}

pub fn backward<T: Real>(op: &SharedConv, io: Backward<'_, '_, T>) {
    let (out, edge) = (op.out_length(), op.width - 1);
    let n = op.filters * out;
    let (padded, rest) = io.scratch.split_at_mut(out + 2 * edge);
    let reversed = &mut rest[..op.filters * op.width];
    padded.fill(T::ZERO);
    reversed.copy_from_slice(io.inputs[1].data);
    reversed.chunks_exact_mut(op.width).for_each(<[T]>::reverse);
    for (row, dy) in io.grad_output.chunks_exact(op.channels * n).enumerate() {
        if let Some(dx) = &mut io.grads[0] {
            let channels = dx.row(row).chunks_exact_mut(op.length);
            for (dx, dy) in channels.zip(dy.chunks_exact(n)) {
                for (dy, kernel) in dy.chunks_exact(out).zip(reversed.chunks_exact(op.width)) {
                    padded[edge..edge + out].copy_from_slice(dy);
                    correlate(padded, kernel, dx);
                }
            }
        }
        if let Some(dw) = &mut io.grads[1] {
            let x = io.inputs[0].row(row).chunks_exact(op.length);
            for (x, dy) in x.zip(dy.chunks_exact(n)) {
                let kernels = dw.data.chunks_exact_mut(op.width);
                for (dw, dy) in kernels.zip(dy.chunks_exact(out)) {
                    correlate(x, dy, dw);
                }
            }
        }
        if let Some(db) = &mut io.grads[2] {
            for dy in dy.chunks_exact(n) {
                for (db, dy) in db.data.iter_mut().zip(dy.chunks_exact(out)) {
                    *db += sum(dy);
                }
            }
        }
    }
}
