use super::ProductMatrix;
use crate::engine::{Backward, Forward, Mat, MatMut, Real, matmul};

impl ProductMatrix {
    /// B as (K, N).
    fn b<'a, T>(&self, data: &'a [T]) -> Mat<'a, T> {
        if self.transpose_b {
            Mat::new(data, self.n, self.k).t()
        } else {
            Mat::new(data, self.k, self.n)
        }
    }
}

pub fn forward<T: Real>(op: &ProductMatrix, io: Forward<'_, T>) {
    for (row, y) in io.output.chunks_exact_mut(op.m * op.n).enumerate() {
        let a = Mat::new(io.inputs[0].row(row), op.m, op.k);
        let b = op.b(io.inputs[1].row(row));
        matmul(MatMut::new(y, op.m, op.n), false, a, b, io.context.parallel);
    }
}

pub fn backward<T: Real>(op: &ProductMatrix, io: Backward<'_, '_, T>) {
    let parallel = io.context.parallel;
    for (row, dy) in io.grad_output.chunks_exact(op.m * op.n).enumerate() {
        let dy = Mat::new(dy, op.m, op.n);
        if let Some(da) = &mut io.grads[0] {
            let b = op.b(io.inputs[1].row(row));
            let da = MatMut::new(da.row(row), op.m, op.k);
            matmul(da, true, dy, b.t(), parallel);
        }
        if let Some(db) = &mut io.grads[1] {
            let a = Mat::new(io.inputs[0].row(row), op.m, op.k);
            if op.transpose_b {
                let db = MatMut::new(db.row(row), op.n, op.k);
                matmul(db, true, dy.t(), a, parallel);
            } else {
                let db = MatMut::new(db.row(row), op.k, op.n);
                matmul(db, true, a.t(), dy, parallel);
            }
        }
    }
}
