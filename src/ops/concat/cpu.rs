use crate::engine::real::axpy;
use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(outer: usize, widths: &[usize], io: Forward<'_, T>) {
    let whole: usize = widths.iter().sum();
    for (row, y) in io.output.chunks_exact_mut(outer * whole).enumerate() {
        let mut start = 0;
        for (part, &width) in io.inputs.iter().zip(widths) {
            let lines = part.row(row).chunks_exact(width);
            for (y, part) in y.chunks_exact_mut(whole).zip(lines) {
                y[start..start + width].copy_from_slice(part);
            }
            start += width;
        }
    }
}

pub fn backward<T: Real>(outer: usize, widths: &[usize], io: Backward<'_, '_, T>) {
    let whole: usize = widths.iter().sum();
    for (row, dy) in io.grad_output.chunks_exact(outer * whole).enumerate() {
        let mut start = 0;
        for (grad, &width) in io.grads.iter_mut().zip(widths) {
            if let Some(grad) = grad {
                let lines = grad.row(row).chunks_exact_mut(width);
                for (grad, dy) in lines.zip(dy.chunks_exact(whole)) {
                    axpy(grad, T::ONE, &dy[start..start + width]);
                }
            }
            start += width;
        }
    }
}
