use super::{Layout, Linear};
use crate::engine::real::axpy;
use crate::engine::{Backward, Forward, Mat, MatMut, Real, matmul};

impl Linear {
    /// The weight as (F, O), however it lies.
    fn by_input<'a, T>(&self, weight: &'a [T]) -> Mat<'a, T> {
        match self.layout {
            Layout::Torch => Mat::new(weight, self.outputs, self.inputs).t(),
            Layout::Keras => Mat::new(weight, self.inputs, self.outputs),
        }
    }
}

pub fn forward<T: Real>(op: &Linear, io: Forward<'_, T>) {
    let n = io.rows * op.lines;
    if let Some(bias) = io.inputs.get(2) {
        for y in io.output.chunks_exact_mut(op.outputs) {
            y.copy_from_slice(bias.data);
        }
    }
    matmul(
        MatMut::new(io.output, n, op.outputs),
        io.inputs.len() == 3,
        Mat::new(io.inputs[0].data, n, op.inputs),
        op.by_input(io.inputs[1].data),
        io.context.parallel,
    );
}

pub fn backward<T: Real>(op: &Linear, io: Backward<'_, '_, T>) {
    let (n, parallel) = (io.rows * op.lines, io.context.parallel);
    let x = Mat::new(io.inputs[0].data, n, op.inputs);
    let dy = Mat::new(io.grad_output, n, op.outputs);
    if let Some(dx) = &mut io.grads[0] {
        let w = op.by_input(io.inputs[1].data);
        matmul(
            MatMut::new(dx.data, n, op.inputs),
            true,
            dy,
            w.t(),
            parallel,
        );
    }
    if let Some(dw) = &mut io.grads[1] {
        // Each layout has its own product: what is added to lies row by row.
        let (lines, a, b) = match op.layout {
            Layout::Torch => (op.outputs, dy, x),
            Layout::Keras => (op.inputs, x, dy),
        };
        let columns = op.inputs * op.outputs / lines;
        let dw = MatMut::new(dw.data, lines, columns);
        matmul(dw, true, a.t(), b, parallel);
    }
    if let Some(Some(db)) = io.grads.get_mut(2) {
        for dy in io.grad_output.chunks_exact(op.outputs) {
            axpy(db.data, T::ONE, dy);
        }
    }
}
