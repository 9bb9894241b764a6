use crate::engine::params::STREAM_DROPOUT;
use crate::engine::{Backward, Forward, Noise, Philox, Real};

/// Which elements stay, by (row, element).
pub fn kept(noise: Noise, p: f64, site: u64, len: usize) -> impl Fn(usize, usize) -> bool {
    let philox = Philox::new(noise.seed);
    let stream = STREAM_DROPOUT + (site << 32) + (noise.step & 0xffff_ffff);
    move |row, i| {
        let index = (noise.first_row + row as u64) * len as u64 + i as u64;
        philox.uniform(stream, index) >= p
    }
}

pub fn forward<T: Real>(len: usize, p: f64, site: u64, io: Forward<'_, T>) {
    let kept = kept(io.context.noise, p, site, len);
    let scale = T::of(1.0 / (1.0 - p));
    for (row, y) in io.output.chunks_exact_mut(len).enumerate() {
        for (i, (y, &x)) in y.iter_mut().zip(io.inputs[0].row(row)).enumerate() {
            *y = if kept(row, i) { x * scale } else { T::ZERO };
        }
    }
}

pub fn backward<T: Real>(len: usize, p: f64, site: u64, io: Backward<'_, '_, T>) {
    let Some(grad) = &mut io.grads[0] else { return };
    let kept = kept(io.context.noise, p, site, len);
    let scale = T::of(1.0 / (1.0 - p));
    for (row, dy) in io.grad_output.chunks_exact(len).enumerate() {
        for (i, (dx, &dy)) in grad.row(row).iter_mut().zip(dy).enumerate() {
            if kept(row, i) {
                *dx += dy * scale;
            }
        }
    }
}
