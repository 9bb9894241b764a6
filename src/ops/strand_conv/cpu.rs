//! Plain form: windows of x are rows of a matrix that overlaps itself, so the convolution is one matrix product.

use super::{BASES, StrandConv};
use crate::engine::real::axpy;
use crate::engine::{Backward, Codes, Context, Forward, Mat, MatMut, Operand, Real, matmul};
use crate::ops::shared::cpu::add_columns;

/// The kernel as it lies under a window: row `(j, c)` is `W[w-1-j, 0, c]`.
pub fn flipped<T: Real>(op: &StrandConv, weight: &[T]) -> Vec<T> {
    let tap = op.channels() * op.kernels;
    weight.rchunks_exact(tap).flatten().copied().collect()
}

/// Both strands' x of one row.
fn fill<T: Real>(
    op: &StrandConv,
    row: usize,
    context: &Context<'_>,
    tracks: Option<&Operand<'_, T>>,
    x: &mut [T],
) {
    let (length, channels) = (op.length, op.channels());
    x.fill(T::ZERO);
    let (fwd, rev) = x.split_at_mut(length * channels);
    for (t, &code) in context.codes(Codes::Row, row, length).iter().enumerate() {
        if usize::from(code) < BASES {
            fwd[t * channels + usize::from(code)] = T::ONE;
            rev[(length - 1 - t) * channels + BASES - 1 - usize::from(code)] = T::ONE;
        }
    }
    let Some(tracks) = tracks else { return };
    let tracks = tracks.row(row);
    for (i, &from) in op.order.iter().enumerate() {
        for t in 0..length {
            fwd[t * channels + BASES + i] = tracks[i * length + t];
            rev[(length - 1 - t) * channels + BASES + i] = tracks[from * length + t];
        }
    }
}

pub fn forward<T: Real>(op: &StrandConv, io: Forward<'_, T>) {
    let kernel: &Vec<T> = io.context.prepared();
    let (positions, channels, window) = (op.positions(), op.channels(), op.window());
    let x = &mut io.scratch[..op.strands()];
    let strand = positions * op.kernels;
    for (row, y) in io.output.chunks_exact_mut(2 * strand).enumerate() {
        fill(op, row, &io.context, io.inputs.get(2), x);
        for (x, y) in x
            .chunks_exact(op.length * channels)
            .zip(y.chunks_exact_mut(strand))
        {
            for y in y.chunks_exact_mut(op.kernels) {
                y.copy_from_slice(io.inputs[1].data);
            }
            matmul(
                MatMut::new(y, positions, op.kernels),
                true,
                Mat::strided(x, positions, window, channels, 1),
                Mat::new(kernel, window, op.kernels),
                io.context.parallel,
            );
            for y in y.iter_mut() {
                *y = y.max(T::ZERO);
            }
        }
    }
}

pub fn backward<T: Real>(op: &StrandConv, io: Backward<'_, '_, T>) {
    let kernel: &Vec<T> = io.context.prepared();
    let (positions, channels, window) = (op.positions(), op.channels(), op.window());
    let strand = positions * op.kernels;
    let (x, rest) = io.scratch.split_at_mut(op.strands());
    let (dz, rest) = rest.split_at_mut(strand);
    let (dk, rest) = rest.split_at_mut(window * op.kernels);
    let dx = &mut rest[..positions * window];
    let [dw, db, others @ ..] = io.grads else {
        return;
    };
    dk.fill(T::ZERO);
    for row in 0..io.rows {
        fill(op, row, &io.context, io.inputs.get(2), x);
        for (s, x) in x.chunks_exact(op.length * channels).enumerate() {
            let at = (2 * row + s) * strand;
            let outputs = &io.output[at..at + strand];
            let dy = &io.grad_output[at..at + strand];
            for ((dz, &dy), &y) in dz.iter_mut().zip(dy).zip(outputs) {
                *dz = if y > T::ZERO { dy } else { T::ZERO };
            }
            let dz_view = Mat::new(dz, positions, op.kernels);
            if dw.is_some() {
                let x = Mat::strided(x, positions, window, channels, 1);
                matmul(
                    MatMut::new(dk, window, op.kernels),
                    true,
                    x.t(),
                    dz_view,
                    io.context.parallel,
                );
            }
            if let Some(db) = db {
                add_columns(db.data, dz);
            }
            if let Some(Some(tracks)) = others.first_mut() {
                matmul(
                    MatMut::new(dx, positions, window),
                    false,
                    dz_view,
                    Mat::new(kernel, window, op.kernels).t(),
                    io.context.parallel,
                );
                spread(op, s, dx, tracks.row(row));
            }
        }
    }
    if let Some(dw) = dw {
        let tap = channels * op.kernels;
        for (dw, dk) in dw.data.rchunks_exact_mut(tap).zip(dk.chunks_exact(tap)) {
            axpy(dw, T::ONE, dk);
        }
    }
}

/// Adds the windows' gradients of strand `s` to the tracks'.
fn spread<T: Real>(op: &StrandConv, s: usize, dx: &[T], tracks: &mut [T]) {
    let (length, channels) = (op.length, op.channels());
    for (t, dx) in dx.chunks_exact(op.window()).enumerate() {
        for (j, dx) in dx.chunks_exact(channels).enumerate() {
            for (i, &dx) in dx[BASES..].iter().enumerate() {
                let at = match s {
                    0 => i * length + t + j,
                    _ => op.order[i] * length + length - 1 - t - j,
                };
                tracks[at] += dx;
            }
        }
    }
}
