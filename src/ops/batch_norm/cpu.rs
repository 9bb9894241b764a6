use super::{BatchNorm, EPSILON};
use crate::engine::real::sum;
use crate::engine::{Backward, Forward, Operand, Real};
use crate::ops::shared::cpu::each_row;

/// A channel of each row.
fn channel<'a, T: Real>(
    op: &BatchNorm,
    rows: usize,
    data: &'a [T],
    c: usize,
) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
    let (length, whole) = (op.length, op.channels * op.length);
    (0..rows).map(move |row| &data[row * whole + c * length..row * whole + (c + 1) * length])
}

/// Mean, 1 / sqrt(v + eps) and unbiased variance of a channel over the batch; sums in f64, as
/// there are many terms.
fn statistics<T: Real>(op: &BatchNorm, rows: usize, x: &[T], c: usize) -> [T; 3] {
    let n = (rows * op.length) as f64;
    let total: f64 = channel(op, rows, x, c).map(|x| sum(x).f64()).sum();
    let mean = T::of(total / n);
    let squares: f64 = channel(op, rows, x, c)
        .map(|x| {
            let squares: T = x.iter().map(|&x| (x - mean) * (x - mean)).sum();
            squares.f64()
        })
        .sum();
    let scale = 1.0 / (squares / n + EPSILON).sqrt();
    [mean, T::of(scale), T::of(squares / (n - 1.0).max(1.0))]
}

pub fn forward<T: Real>(op: &BatchNorm, io: Forward<'_, T>) {
    let (rows, parallel, x) = (io.rows, io.context.parallel, io.inputs[0]);
    let [weight, bias, mean, var] = [1, 2, 3, 4].map(|i| io.inputs[i].data);
    each_row(io.saved, 3, parallel, |c, saved| {
        saved.copy_from_slice(&if op.training {
            statistics(op, rows, x.data, c)
        } else {
            [mean[c], T::ONE / (var[c] + T::of(EPSILON)).sqrt(), T::ZERO]
        });
    });
    let saved = io.saved.as_chunks::<3>().0;
    each_row(io.output, op.channels * op.length, parallel, |row, y| {
        let channels = y.chunks_exact_mut(op.length);
        let x = x.row(row).chunks_exact(op.length);
        for (c, (y, x)) in channels.zip(x).enumerate() {
            let [mean, scale, _] = saved[c];
            let scale = scale * weight[c];
            for (y, &x) in y.iter_mut().zip(x) {
                *y = (x - mean) * scale + bias[c];
            }
        }
    });
}

pub fn backward<T: Real>(op: &BatchNorm, io: Backward<'_, '_, T>) {
    let (rows, parallel) = (io.rows, io.context.parallel);
    let x: Operand<'_, T> = io.inputs[0];
    let (dy, weight) = (io.grad_output, io.inputs[1].data);
    let saved = io.saved.as_chunks::<3>().0;
    // Of each channel: sum dy, sum dy h.
    let mut sums = vec![T::ZERO; 2 * op.channels];
    each_row(&mut sums, 2, parallel, |c, sums| {
        let [mean, scale, _] = saved[c];
        let (mut plain, mut normal) = (0.0, 0.0);
        for (dy, x) in channel(op, rows, dy, c).zip(channel(op, rows, x.data, c)) {
            plain += sum(dy).f64();
            let products: T = dy.iter().zip(x).map(|(&dy, &x)| dy * (x - mean)).sum();
            normal += (products * scale).f64();
        }
        sums.copy_from_slice(&[T::of(plain), T::of(normal)]);
    });
    let sums = sums.as_chunks::<2>().0;
    for (input, part) in [(2, 0), (1, 1)] {
        if let Some(grad) = &mut io.grads[input] {
            for (grad, sums) in grad.data.iter_mut().zip(sums) {
                *grad += sums[part];
            }
        }
    }
    let Some(grad) = &mut io.grads[0] else { return };
    let whole = op.channels * op.length;
    let share = T::of(1.0 / (rows * op.length) as f64);
    each_row(grad.data, whole, parallel, |row, dx| {
        let x = x.row(row).chunks_exact(op.length);
        let dy = dy[row * whole..(row + 1) * whole].chunks_exact(op.length);
        for (c, (dx, (x, dy))) in dx.chunks_exact_mut(op.length).zip(x.zip(dy)).enumerate() {
            let [mean, scale, _] = saved[c];
            let slope = scale * weight[c];
            let [plain, normal] = if op.training {
                [sums[c][0] * share, sums[c][1] * share * scale]
            } else {
                [T::ZERO; 2]
            };
            for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                *dx += slope * (dy - plain - (x - mean) * normal);
            }
        }
    });
}
