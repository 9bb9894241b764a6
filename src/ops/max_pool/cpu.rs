use super::MaxPool;
use crate::engine::{Backward, Forward, Real};
use crate::ops::shared::cpu::each_row;

pub fn forward<T: Real>(op: &MaxPool, io: Forward<'_, T>) {
    let (x, outputs) = (io.inputs[0], op.outputs());
    each_row(
        io.output,
        op.channels * outputs,
        io.context.parallel,
        |row, y| {
            let x = x.row(row).chunks_exact(op.length);
            for (y, x) in y.chunks_exact_mut(outputs).zip(x) {
                for (j, y) in y.iter_mut().enumerate() {
                    let window = x[op.inside(j)].iter().copied();
                    *y = window.fold(T::NEG_INFINITY, T::max);
                }
            }
        },
    );
}

pub fn backward<T: Real>(op: &MaxPool, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    let (x, dy, outputs) = (io.inputs[0], io.grad_output, op.outputs());
    let n = op.channels * outputs;
    let len = op.channels * op.length;
    each_row(grad.data, len, io.context.parallel, |row, dx| {
        let channels = dx
            .chunks_exact_mut(op.length)
            .zip(x.row(row).chunks_exact(op.length));
        let dy = dy[row * n..(row + 1) * n].chunks_exact(outputs);
        for ((dx, x), dy) in channels.zip(dy) {
            for (j, &dy) in dy.iter().enumerate() {
                let window = op.inside(j);
                let mut first = window.start;
                for at in window {
                    if x[at] > x[first] {
                        first = at;
                    }
                }
                dx[first] += dy;
            }
        }
    });
}
