use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(len: usize, io: Forward<'_, T>) {
    for (row, y) in io.output.chunks_exact_mut(len).enumerate() {
        let [z, a, b] = [0, 1, 2].map(|i| io.inputs[i].row(row));
        for (((y, &z), &a), &b) in y.iter_mut().zip(z).zip(a).zip(b) {
            *y = z * a + (T::ONE - z) * b;
        }
    }
}

pub fn backward<T: Real>(len: usize, io: Backward<'_, '_, T>) {
    for (row, dy) in io.grad_output.chunks_exact(len).enumerate() {
        let [z, a, b] = [0, 1, 2].map(|i| io.inputs[i].row(row));
        if let Some(dz) = &mut io.grads[0] {
            for (((dz, &dy), &a), &b) in dz.row(row).iter_mut().zip(dy).zip(a).zip(b) {
                *dz += dy * (a - b);
            }
        }
        if let Some(da) = &mut io.grads[1] {
            for ((da, &dy), &z) in da.row(row).iter_mut().zip(dy).zip(z) {
                *da += dy * z;
            }
        }
        if let Some(db) = &mut io.grads[2] {
            for ((db, &dy), &z) in db.row(row).iter_mut().zip(dy).zip(z) {
                *db += dy * (T::ONE - z);
            }
        }
    }
}
