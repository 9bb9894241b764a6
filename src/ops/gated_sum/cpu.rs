use super::{Gate, GatedSum};
use crate::engine::real::{axpy, dot, sum};
use crate::engine::{Backward, Forward, Operand, Real};

/// `y += x` where the channel has a number for each position, or one for all.
fn add<T: Real>(y: &mut [T], scale: T, x: &[T]) {
    match x {
        [x] => {
            let x = *x * scale;
            y.iter_mut().for_each(|y| *y += x);
        }
        _ => axpy(y, scale, x),
    }
}

/// As [`add`], times a gate for each position.
fn add_gated<T: Real>(y: &mut [T], gate: &[T], x: &[T]) {
    match x {
        [x] => axpy(y, *x, gate),
        _ => {
            for ((y, &g), &x) in y.iter_mut().zip(gate).zip(x) {
                *y += g * x;
            }
        }
    }
}

/// A channel of a part: L numbers, or one.
fn channel<'a, T>(op: &GatedSum, part: &Operand<'a, T>, row: usize, c: usize) -> &'a [T] {
    let len = part.len / op.channels;
    &part.row(row)[c * len..(c + 1) * len]
}

pub fn forward<T: Real>(op: &GatedSum, io: Forward<'_, T>) {
    let (n, length) = (op.parts, op.length);
    io.output.fill(T::ZERO);
    for (row, y) in io.output.chunks_exact_mut(op.channels * length).enumerate() {
        let gate = io.inputs[n].row(row);
        for (c, y) in y.chunks_exact_mut(length).enumerate() {
            for (i, part) in io.inputs[..n].iter().enumerate() {
                let x = channel(op, part, row, c);
                match op.kind {
                    Gate::PerPosition => add_gated(y, &gate[i * length..(i + 1) * length], x),
                    Gate::PerPart => add(y, gate[i], x),
                    Gate::PerChannel => add(y, gate[c * n + i], x),
                }
            }
        }
    }
}

pub fn backward<T: Real>(op: &GatedSum, io: Backward<'_, '_, T>) {
    let (n, length) = (op.parts, op.length);
    let (part_grads, gate_grad) = io.grads.split_at_mut(n);
    let per_row = io.grad_output.chunks_exact(op.channels * length);
    for (row, dy) in per_row.enumerate() {
        let gate = io.inputs[n].row(row);
        for (i, part) in io.inputs[..n].iter().enumerate() {
            let gate_at = |c: usize| match op.kind {
                Gate::PerChannel => gate[c * n + i],
                _ => gate[i],
            };
            let at = i * length..(i + 1) * length;
            let width = part.len / op.channels;
            if let Some(grad) = &mut part_grads[i] {
                let channels = grad.row(row).chunks_exact_mut(width);
                for (c, (dx, dy)) in channels.zip(dy.chunks_exact(length)).enumerate() {
                    match (op.kind, width == length) {
                        (Gate::PerPosition, true) => add_gated(dx, &gate[at.clone()], dy),
                        (Gate::PerPosition, false) => dx[0] += dot(&gate[at.clone()], dy),
                        (_, true) => axpy(dx, gate_at(c), dy),
                        (_, false) => dx[0] += gate_at(c) * sum(dy),
                    }
                }
            }
            if let Some(grad) = &mut gate_grad[0] {
                let grad = grad.row(row);
                for (c, dy) in dy.chunks_exact(length).enumerate() {
                    let x = channel(op, part, row, c);
                    let inner = || match x {
                        [x] => *x * sum(dy),
                        _ => dot(x, dy),
                    };
                    match op.kind {
                        Gate::PerPosition => add_gated(&mut grad[at.clone()], dy, x),
                        Gate::PerPart => grad[i] += inner(),
                        Gate::PerChannel => grad[c * n + i] += inner(),
                    }
                }
            }
        }
    }
}
