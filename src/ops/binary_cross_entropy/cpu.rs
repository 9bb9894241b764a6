use crate::engine::{Backward, Forward, Real};

const CLIP: f64 = 1e-7;

/// p within the bounds, and whether it lay there.
fn clipped<T: Real>(p: T) -> (T, bool) {
    let (low, high) = (T::of(CLIP), T::of(1.0 - CLIP));
    if p < low {
        (low, false)
    } else if p > high {
        (high, false)
    } else {
        (p, true)
    }
}

pub fn forward<T: Real>(io: Forward<'_, T>) {
    for (row, y) in io.output.iter_mut().enumerate() {
        let (p, t) = (io.inputs[0].row(row), io.inputs[1].row(row));
        let each = p.iter().zip(t).map(|(&p, &t)| {
            let (q, _) = clipped(p);
            -(t * q.ln() + (T::ONE - t) * (T::ONE - q).ln())
        });
        *y = each.sum::<T>() / T::of(p.len() as f64);
    }
}

pub fn backward<T: Real>(io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    for (row, &dy) in io.grad_output.iter().enumerate() {
        let (p, t) = (io.inputs[0].row(row), io.inputs[1].row(row));
        let scale = dy / T::of(p.len() as f64);
        for ((dp, &p), &t) in grad.row(row).iter_mut().zip(p).zip(t) {
            let (q, inside) = clipped(p);
            if inside {
                *dp += scale * ((T::ONE - t) / (T::ONE - q) - t / q);
            }
        }
    }
}
