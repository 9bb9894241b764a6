use super::DepthwiseTransposed;
use crate::engine::real::sum;
use crate::engine::{Backward, Forward, Real};
use crate::ops::shared::cpu::correlate;

pub fn forward<T: Real>(op: &DepthwiseTransposed, io: Forward<'_, T>) {
    let (out, edge) = (op.out_length, op.width - 1);
    let (padded, rest) = io.scratch.split_at_mut(op.length + 2 * edge);
    let reversed = &mut rest[..op.width];
    padded.fill(T::ZERO);
    for (row, y) in io.output.chunks_exact_mut(op.channels * out).enumerate() {
        let x = io.inputs[0].row(row).chunks_exact(op.length);
        let kernels = io.inputs[1].data.chunks_exact(op.width);
        for (c, ((y, x), kernel)) in y.chunks_exact_mut(out).zip(x).zip(kernels).enumerate() {
            padded[edge..edge + op.length].copy_from_slice(x);
            reversed.copy_from_slice(kernel);
            reversed.reverse();
            y.fill(io.inputs.get(2).map_or(T::ZERO, |b| b.data[c]));
            correlate(&padded[op.crop..], reversed, y);
        }
    }
}

pub fn backward<T: Real>(op: &DepthwiseTransposed, io: Backward<'_, '_, T>) {
    let out = op.out_length;
    let full = &mut io.scratch[..op.full()];
    full.fill(T::ZERO);
    let [mut dx_all, mut dw_all, mut db_all] = [const { None }; 3];
    let slots = [&mut dx_all, &mut dw_all, &mut db_all];
    for (grad, slot) in io.grads.iter_mut().zip(slots) {
        *slot = grad.as_mut();
    }
    let rows = io.grad_output.chunks_exact(op.channels * out).enumerate();
    for (row, dy) in rows {
        for (c, dy) in dy.chunks_exact(out).enumerate() {
            let at = c * op.length..(c + 1) * op.length;
            let taps = c * op.width..(c + 1) * op.width;
            full[op.crop..op.crop + out].copy_from_slice(dy);
            if let Some(dx) = &mut dx_all {
                let kernel = &io.inputs[1].data[taps.clone()];
                correlate(full, kernel, &mut dx.row(row)[at.clone()]);
            }
            if let Some(dw) = &mut dw_all {
                correlate(full, &io.inputs[0].row(row)[at], &mut dw.data[taps]);
            }
            if let Some(db) = &mut db_all {
                db.data[c] += sum(dy);
            }
        }
    }
}
