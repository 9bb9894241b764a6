use crate::engine::real::{axpy, dot, sum};
use crate::engine::{Backward, Forward, Real};

pub fn forward<T: Real>(channels: usize, length: usize, io: Forward<'_, T>) {
    for (row, y) in io.output.chunks_exact_mut(channels * length).enumerate() {
        let (x, scale) = (io.inputs[0].row(row), io.inputs[1].row(row));
        let bias = io.inputs.get(2).map(|b| b.row(row));
        let per_channel = y.chunks_exact_mut(length).zip(x.chunks_exact(length));
        for (c, (y, x)) in per_channel.enumerate() {
            let (scale, bias) = (scale[c], bias.map_or(T::ZERO, |b| b[c]));
            for (y, &x) in y.iter_mut().zip(x) {
                *y = x * scale + bias;
            }
        }
    }
}

pub fn backward<T: Real>(channels: usize, length: usize, io: Backward<'_, '_, T>) {
    let per_row = io.grad_output.chunks_exact(channels * length);
    for (row, dy) in per_row.enumerate() {
        if let Some(dx) = &mut io.grads[0] {
            let scale = io.inputs[1].row(row);
            let per_channel = dx.row(row).chunks_exact_mut(length);
            for ((dx, dy), &scale) in per_channel.zip(dy.chunks_exact(length)).zip(scale) {
                axpy(dx, scale, dy);
            }
        }
        if let Some(dscale) = &mut io.grads[1] {
            let per_channel = io.inputs[0].row(row).chunks_exact(length);
            let pairs = per_channel.zip(dy.chunks_exact(length));
            for (dscale, (x, dy)) in dscale.row(row).iter_mut().zip(pairs) {
                *dscale += dot(dy, x);
            }
        }
        if let Some(Some(dbias)) = io.grads.get_mut(2) {
            for (dbias, dy) in dbias.row(row).iter_mut().zip(dy.chunks_exact(length)) {
                *dbias += sum(dy);
            }
        }
    }
}
