use crate::engine::real::{axpy, dot};
use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(io: Forward<'_, T>) {
    for row in 0..io.rows {
        io.output[row] = dot(io.inputs[0].row(row), io.inputs[1].row(row));
    }
}

pub fn backward<T: Real>(io: Backward<'_, '_, T>) {
    for row in 0..io.rows {
        for (mine, other) in [(0, 1), (1, 0)] {
            if let Some(grad) = &mut io.grads[mine] {
                axpy(
                    grad.row(row),
                    io.grad_output[row],
                    io.inputs[other].row(row),
                );
            }
        }
    }
}
