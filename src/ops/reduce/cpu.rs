use super::Reduce;
use crate::engine::real::sum;
use crate::engine::{Backward, Forward, Real};
use crate::ops::shared::cpu::max;

pub fn forward<T: Real>(kind: Reduce, channels: usize, length: usize, io: Forward<'_, T>) {
    for (row, y) in io.output.chunks_exact_mut(channels).enumerate() {
        let x = io.inputs[0].row(row).chunks_exact(length);
        for (y, x) in y.iter_mut().zip(x) {
            *y = match kind {
                Reduce::Sum => sum(x),
                Reduce::Mean => sum(x) / T::of(length as f64),
                Reduce::Max => max(x),
            };
        }
    }
}

pub fn backward<T: Real>(kind: Reduce, channels: usize, length: usize, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    for (row, dy) in io.grad_output.chunks_exact(channels).enumerate() {
        let dx = grad.row(row).chunks_exact_mut(length);
        for (c, (dx, &dy)) in dx.zip(dy).enumerate() {
            if kind == Reduce::Max {
                let x = &io.inputs[0].row(row)[c * length..(c + 1) * length];
                let largest = io.output[row * channels + c];
                if let Some(at) = x.iter().position(|&x| x == largest) {
                    dx[at] += dy;
                }
            } else {
                let share = if kind == Reduce::Sum {
                    dy
                } else {
                    dy / T::of(length as f64)
                };
                dx.iter_mut().for_each(|dx| *dx += share);
            }
        }
    }
}
