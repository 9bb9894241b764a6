use crate::engine::{Codes, Forward, Real};

pub fn forward<T: Real>(which: Codes, length: usize, io: Forward<'_, T>) {
    io.output.fill(T::ZERO);
    for (row, y) in io.output.chunks_exact_mut(4 * length).enumerate() {
        for (l, &code) in io.context.codes(which, row, length).iter().enumerate() {
            if code < 4 {
                y[usize::from(code) * length + l] = T::ONE;
            }
        }
    }
}
