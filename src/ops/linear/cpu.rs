use crate::engine::real::axpy;
use crate::engine::{Backward, Forward, Mat, MatMut, Real, matmul};

pub fn forward<T: Real>(inputs: usize, outputs: usize, io: Forward<'_, T>) {
    let rows = io.rows;
    let x = Mat::new(io.inputs[0].data, rows, inputs);
    let w = Mat::new(io.inputs[1].data, outputs, inputs);
    if let Some(bias) = io.inputs.get(2) {
        for y in io.output.chunks_exact_mut(outputs) {
            y.copy_from_slice(bias.data);
        }
    }
    let add = io.inputs.len() == 3;
    matmul(
        MatMut::new(io.output, rows, outputs),
        add,
        x,
        w.t(),
        io.context.parallel,
    );
}

pub fn backward<T: Real>(inputs: usize, outputs: usize, io: Backward<'_, '_, T>) {
    let (rows, parallel) = (io.rows, io.context.parallel);
    let dy = Mat::new(io.grad_output, rows, outputs);
    if let Some(dx) = &mut io.grads[0] {
        let w = Mat::new(io.inputs[1].data, outputs, inputs);
        matmul(MatMut::new(dx.data, rows, inputs), true, dy, w, parallel);
    }
    if let Some(dw) = &mut io.grads[1] {
        let x = Mat::new(io.inputs[0].data, rows, inputs);
        matmul(
            MatMut::new(dw.data, outputs, inputs),
            true,
            dy.t(),
            x,
            parallel,
        );
    }
    if let Some(Some(db)) = io.grads.get_mut(2) {
        for dy in io.grad_output.chunks_exact(outputs) {
            axpy(db.data, T::ONE, dy);
        }
    }
}
