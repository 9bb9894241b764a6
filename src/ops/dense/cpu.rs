use super::Dense;
use crate::engine::{Backward, Forward, Mat, MatMut, Real, matmul};
use crate::ops::shared::cpu::add_columns;

pub fn forward<T: Real>(op: &Dense, io: Forward<'_, T>) {
    let n = io.rows * op.lines;
    for y in io.output.chunks_exact_mut(op.outputs) {
        y.copy_from_slice(io.inputs[2].data);
    }
    matmul(
        MatMut::new(io.output, n, op.outputs),
        true,
        Mat::new(io.inputs[0].data, n, op.inputs),
        Mat::new(io.inputs[1].data, op.inputs, op.outputs),
        io.context.parallel,
    );
}

pub fn backward<T: Real>(op: &Dense, io: Backward<'_, '_, T>) {
    let (n, parallel) = (io.rows * op.lines, io.context.parallel);
    let dy = Mat::new(io.grad_output, n, op.outputs);
    let [dx, dw, db] = io.grads else { return };
    if let Some(dx) = dx {
        let w = Mat::new(io.inputs[1].data, op.inputs, op.outputs);
        matmul(
            MatMut::new(dx.data, n, op.inputs),
            true,
            dy,
            w.t(),
            parallel,
        );
    }
    if let Some(dw) = dw {
        let x = Mat::new(io.inputs[0].data, n, op.inputs);
        matmul(
            MatMut::new(dw.data, op.inputs, op.outputs),
            true,
            x.t(),
            dy,
            parallel,
        );
    }
    if let Some(db) = db {
        add_columns(db.data, io.grad_output);
    }
}
