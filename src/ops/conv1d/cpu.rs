use super::Conv1d;
use crate::engine::real::{axpy, sum};
use crate::engine::{Backward, Forward, Mat, MatMut, Operand, Real, matmul};
use rayon::prelude::*;

/// Pieces of a batch-wide run, each with a weight gradient of its own: a fixed number, so that
/// the sum does not depend on the threads.
const LANES: usize = 8;

/// Where a tap's line of windows lies in x: (first output, first input, how many).
fn overlap(op: &Conv1d, tap: usize) -> (usize, usize, usize) {
    let to = op.padding.saturating_sub(tap).min(op.out_length());
    let from = tap.saturating_sub(op.padding).min(op.length);
    (to, from, (op.out_length() - to).min(op.length - from))
}

/// The windows of x, one line for each (channel, tap), zeros outside.
fn gather<T: Real>(op: &Conv1d, x: &[T], windows: &mut [T]) {
    let lines = windows.chunks_exact_mut(op.width * op.out_length());
    for (x, lines) in x.chunks_exact(op.length).zip(lines) {
        for (tap, line) in lines.chunks_exact_mut(op.out_length()).enumerate() {
            let (to, from, n) = overlap(op, tap);
            line[..to].fill(T::ZERO);
            line[to..to + n].copy_from_slice(&x[from..from + n]);
            line[to + n..].fill(T::ZERO);
        }
    }
}

/// The other way: each window's numbers added to where they came from.
fn scatter<T: Real>(op: &Conv1d, windows: &[T], dx: &mut [T]) {
    let lines = windows.chunks_exact(op.width * op.out_length());
    for (dx, lines) in dx.chunks_exact_mut(op.length).zip(lines) {
        for (tap, line) in lines.chunks_exact(op.out_length()).enumerate() {
            let (to, from, n) = overlap(op, tap);
            axpy(&mut dx[from..from + n], T::ONE, &line[to..to + n]);
        }
    }
}

fn forward_row<T: Real>(
    op: &Conv1d,
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    y: &mut [T],
    windows: &mut [T],
) {
    let (taps, length) = (op.inputs * op.width, op.out_length());
    if let Some(bias) = bias {
        for (y, &b) in y.chunks_exact_mut(length).zip(bias) {
            y.fill(b);
        }
    }
    let x = if op.pointwise() {
        x
    } else {
        gather(op, x, windows);
        &*windows
    };
    matmul(
        MatMut::new(y, op.outputs, length),
        bias.is_some(),
        Mat::new(weight, op.outputs, taps),
        Mat::new(x, taps, length),
        false,
    );
}

pub fn forward<T: Real>(op: &Conv1d, io: Forward<'_, T>) {
    let (x, weight) = (io.inputs[0], io.inputs[1].data);
    let bias = io.inputs.get(2).map(|b| b.data);
    let n = op.outputs * op.out_length();
    if io.context.parallel {
        io.output.par_chunks_exact_mut(n).enumerate().for_each_init(
            || vec![T::ZERO; op.windows()],
            |windows, (row, y)| forward_row(op, x.row(row), weight, bias, y, windows),
        );
    } else {
        for (row, y) in io.output.chunks_exact_mut(n).enumerate() {
            forward_row(op, x.row(row), weight, bias, y, io.scratch);
        }
    }
}

/// Gradients of some rows; each is wanted or not.
struct Grads<'a, T> {
    dx: Option<&'a mut [T]>,
    dw: Option<&'a mut [T]>,
    db: Option<&'a mut [T]>,
}

fn backward_rows<T: Real>(
    op: &Conv1d,
    first: usize,
    inputs: &[Operand<'_, T>],
    dy: &[T],
    grads: Grads<'_, T>,
    windows: &mut [T],
) {
    let Grads {
        mut dx,
        mut dw,
        mut db,
    } = grads;
    let (taps, length) = (op.inputs * op.width, op.out_length());
    let x_len = op.inputs * op.length;
    for (i, dy) in dy.chunks_exact(op.outputs * length).enumerate() {
        if let Some(db) = &mut db {
            for (db, dy) in db.iter_mut().zip(dy.chunks_exact(length)) {
                *db += sum(dy);
            }
        }
        let dy = Mat::new(dy, op.outputs, length);
        if let Some(dw) = &mut dw {
            let x = inputs[0].row(first + i);
            let x = if op.pointwise() {
                x
            } else {
                gather(op, x, windows);
                &*windows
            };
            let x = Mat::new(x, taps, length);
            matmul(MatMut::new(dw, op.outputs, taps), true, dy, x.t(), false);
        }
        if let Some(dx) = &mut dx {
            // Where x is one for all rows, there is but one row here.
            let dx = &mut dx[i * x_len..(i + 1) * x_len];
            let weight = Mat::new(inputs[1].data, op.outputs, taps);
            if op.pointwise() {
                matmul(MatMut::new(dx, taps, length), true, weight.t(), dy, false);
            } else {
                let out = MatMut::new(windows, taps, length);
                matmul(out, false, weight.t(), dy, false);
                scatter(op, windows, dx);
            }
        }
    }
}

pub fn backward<T: Real>(op: &Conv1d, io: Backward<'_, '_, T>) {
    let (inputs, rows) = (io.inputs, io.rows);
    let [mut dx, mut dw, mut db] = [const { None }; 3];
    for (grad, slot) in io.grads.iter_mut().zip([&mut dx, &mut dw, &mut db]) {
        *slot = grad.as_mut().map(|g| &mut *g.data);
    }
    if !io.context.parallel {
        let grads = Grads { dx, dw, db };
        return backward_rows(op, 0, inputs, io.grad_output, grads, io.scratch);
    }
    let n = rows.div_ceil(LANES);
    let lanes = rows.div_ceil(n);
    let mut dx_lanes: Vec<Option<&mut [T]>> = match dx {
        Some(dx) => dx.chunks_mut(n * op.inputs * op.length).map(Some).collect(),
        None => (0..lanes).map(|_| None).collect(),
    };
    let dy_lanes = io.grad_output.par_chunks(n * op.outputs * op.out_length());
    let partial: Vec<(Vec<T>, Vec<T>)> = dx_lanes
        .par_iter_mut()
        .zip(dy_lanes)
        .enumerate()
        .map(|(lane, (dx, dy))| {
            let zeros = |g: &Option<&mut [T]>| vec![T::ZERO; g.as_ref().map_or(0, |g| g.len())];
            let (mut lane_dw, mut lane_db) = (zeros(&dw), zeros(&db));
            let grads = Grads {
                dx: dx.as_deref_mut(),
                dw: dw.is_some().then_some(&mut lane_dw[..]),
                db: db.is_some().then_some(&mut lane_db[..]),
            };
            let mut windows = vec![T::ZERO; op.windows()];
            backward_rows(op, lane * n, inputs, dy, grads, &mut windows);
            (lane_dw, lane_db)
        })
        .collect();
    for (lane_dw, lane_db) in &partial {
        if let Some(dw) = &mut dw {
            axpy(dw, T::ONE, lane_dw);
        }
        if let Some(db) = &mut db {
            axpy(db, T::ONE, lane_db);
        }
    }
}
