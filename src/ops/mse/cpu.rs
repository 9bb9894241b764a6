use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(io: Forward<'_, T>) {
    for (row, y) in io.output.iter_mut().enumerate() {
        let (p, t) = (io.inputs[0].row(row), io.inputs[1].row(row));
        let squares: T = p.iter().zip(t).map(|(&p, &t)| (p - t) * (p - t)).sum();
        *y = squares / T::of(p.len() as f64);
    }
}

pub fn backward<T: Real>(io: Backward<'_, '_, T>) {
    for (row, &dy) in io.grad_output.iter().enumerate() {
        let (p, t) = (io.inputs[0].row(row), io.inputs[1].row(row));
        let scale = T::of(2.0 / p.len() as f64) * dy;
        for (grad, scale) in io.grads.iter_mut().zip([scale, -scale]) {
            if let Some(grad) = grad {
                for ((grad, &p), &t) in grad.row(row).iter_mut().zip(p).zip(t) {
                    *grad += scale * (p - t);
                }
            }
        }
    }
}

pub fn weighted_forward<T: Real>(io: Forward<'_, T>) {
    for (row, y) in io.output.iter_mut().enumerate() {
        let (p, target) = (io.inputs[0].row(row), io.inputs[1].row(row));
        let (t, w) = target.split_at(p.len());
        let errors = p.iter().zip(t).map(|(&p, &t)| (p - t) * (p - t));
        let squares: T = errors.zip(w).map(|(square, &w)| w * square).sum();
        *y = squares / T::of(p.len() as f64);
    }
}

pub fn weighted_backward<T: Real>(io: Backward<'_, '_, T>) {
    let Some(dp) = &mut io.grads[0] else { return };
    for (row, &dy) in io.grad_output.iter().enumerate() {
        let (p, target) = (io.inputs[0].row(row), io.inputs[1].row(row));
        let (t, w) = target.split_at(p.len());
        let scale = T::of(2.0 / p.len() as f64) * dy;
        let numbers = p.iter().zip(t).zip(w);
        for (dp, ((&p, &t), &w)) in dp.row(row).iter_mut().zip(numbers) {
            *dp += scale * (w * (p - t));
        }
    }
}
