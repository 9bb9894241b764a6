use crate::engine::real::axpy;
use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(channels: usize, index: &[u32], io: Forward<'_, T>) {
    let length = index.len();
    for (row, y) in io.output.chunks_exact_mut(channels * length).enumerate() {
        let (x, table) = (io.inputs[0].row(row), io.inputs[1].row(row));
        for (y, x) in y.chunks_exact_mut(length).zip(x.chunks_exact(length)) {
            for ((y, &x), &at) in y.iter_mut().zip(x).zip(index) {
                *y = x + table[at as usize];
            }
        }
    }
}

pub fn backward<T: Real>(channels: usize, index: &[u32], io: Backward<'_, '_, T>) {
    let length = index.len();
    let per_row = io.grad_output.chunks_exact(channels * length);
    for (row, dy) in per_row.enumerate() {
        if let Some(dx) = &mut io.grads[0] {
            axpy(dx.row(row), T::ONE, dy);
        }
        if let Some(dtable) = &mut io.grads[1] {
            let dtable = dtable.row(row);
            for dy in dy.chunks_exact(length) {
                for (&dy, &at) in dy.iter().zip(index) {
                    dtable[at as usize] += dy;
                }
            }
        }
    }
}
