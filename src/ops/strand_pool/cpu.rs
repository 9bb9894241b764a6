use super::StrandPool;
use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(op: &StrandPool, io: Forward<'_, T>) {
    let k = op.channels;
    let x = io.inputs[0].data.chunks_exact(op.positions * k);
    for (y, x) in io.output.chunks_exact_mut(op.windows() * k).zip(x) {
        for (y, x) in y.chunks_exact_mut(k).zip(x.chunks_exact(op.window * k)) {
            y.copy_from_slice(&x[..k]);
            for x in x.chunks_exact(k).skip(1) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y = y.max(x);
                }
            }
        }
    }
}

pub fn backward<T: Real>(op: &StrandPool, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    let k = op.channels;
    let strands = grad
        .data
        .chunks_exact_mut(op.positions * k)
        .zip(io.inputs[0].data.chunks_exact(op.positions * k))
        .zip(io.grad_output.chunks_exact(op.windows() * k));
    for ((dx, x), dy) in strands {
        let windows = dx
            .chunks_exact_mut(op.window * k)
            .zip(x.chunks_exact(op.window * k))
            .zip(dy.chunks_exact(k));
        for ((dx, x), dy) in windows {
            for (f, &dy) in dy.iter().enumerate() {
                let mut first = f;
                for at in (f..x.len()).step_by(k) {
                    if x[at] > x[first] {
                        first = at;
                    }
                }
                dx[first] += dy;
            }
        }
    }
}
