use crate::engine::real::{axpy, dot};
use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(len: usize, repeat: usize, io: Forward<'_, T>) {
    for (row, y) in io.output.chunks_exact_mut(len).enumerate() {
        let (a, b) = (io.inputs[0].row(row), io.inputs[1].row(row));
        if repeat == 1 {
            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                *y = a * b;
            }
        } else {
            let channels = y.chunks_exact_mut(repeat).zip(a.chunks_exact(repeat));
            for ((y, a), &b) in channels.zip(b) {
                for (y, &a) in y.iter_mut().zip(a) {
                    *y = a * b;
                }
            }
        }
    }
}

pub fn backward<T: Real>(len: usize, repeat: usize, io: Backward<'_, '_, T>) {
    for (row, dy) in io.grad_output.chunks_exact(len).enumerate() {
        let (a, b) = (io.inputs[0].row(row), io.inputs[1].row(row));
        if let Some(da) = &mut io.grads[0] {
            let da = da.row(row);
            if repeat == 1 {
                multiply_add(da, dy, b);
            } else {
                let channels = da.chunks_exact_mut(repeat).zip(dy.chunks_exact(repeat));
                for ((da, dy), &b) in channels.zip(b) {
                    axpy(da, b, dy);
                }
            }
        }
        if let Some(db) = &mut io.grads[1] {
            let db = db.row(row);
            if repeat == 1 {
                multiply_add(db, dy, a);
            } else {
                let channels = dy.chunks_exact(repeat).zip(a.chunks_exact(repeat));
                for (db, (dy, a)) in db.iter_mut().zip(channels) {
                    *db += dot(dy, a);
                }
            }
        }
    }
}

fn multiply_add<T: Real>(out: &mut [T], a: &[T], b: &[T]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out += a * b;
    }
}
