//! Each strand in each direction is a sequence of its own: its multipliers go into a copy of the weights, so that the
//! inputs of all steps are one matrix product, and only the recurrence runs step by step.

mod fast;
mod plain;
mod recurrence;

use super::{Lstm, PARAMETERS, Source};
use crate::engine::real::axpy;
use crate::engine::{Backward, Forward, Mat, MatMut, Noise, Operand, Real, matmul};
use crate::ops::dropout::{Draw, drop_in_place};
use recurrence::{Back, Order, Run};

/// One direction's parameters, the gates i, f, c, o side by side.
pub struct Packed<T> {
    /// (k, 4r)
    w: Vec<T>,
    /// (r, 4r)
    u: Vec<T>,
    /// (r, 4, r): by j and gate the column j of U_gate.
    ut: Vec<T>,
    b: Vec<T>,
}

/// `parameters`: four each of W, U, b, forward then backward.
pub fn pack<T: Real>(op: &Lstm, parameters: &[&[T]]) -> [Packed<T>; 2] {
    let r = op.units;
    let beside = |gates: &[&[T]], lines: usize| -> Vec<T> {
        let line = |i: usize| gates.iter().flat_map(move |g| &g[i * r..(i + 1) * r]);
        (0..lines).flat_map(line).copied().collect()
    };
    [0, 1].map(|direction| {
        let own = &parameters[direction * PARAMETERS..(direction + 1) * PARAMETERS];
        let u = beside(&own[4..8], r);
        let mut ut = vec![T::ZERO; u.len()];
        for (i, line) in u.chunks_exact(4 * r).enumerate() {
            for (at, &value) in line.iter().enumerate() {
                let (gate, j) = (at / r, at % r);
                ut[(j * 4 + gate) * r + i] = value;
            }
        }
        Packed {
            w: beside(&own[..4], op.inputs),
            u,
            ut,
            b: beside(&own[8..], 1),
        }
    })
}

/// The multipliers of one sequence: inputs (4, k) and h (4, r).
type Multipliers<'a, T> = Option<(&'a [T], &'a [T])>;

/// `lines x 4r` numbers, gate by gate times the line's multiplier.
fn masked<T: Real>(from: &[T], mask: &[T], r: usize, to: &mut [T]) {
    let lines = from.len() / (4 * r);
    for (i, (from, to)) in from
        .chunks_exact(4 * r)
        .zip(to.chunks_exact_mut(4 * r))
        .enumerate()
    {
        for gate in 0..4 {
            let m = mask[gate * lines + i];
            let at = gate * r..(gate + 1) * r;
            for (to, &from) in to[at.clone()].iter_mut().zip(&from[at]) {
                *to = from * m;
            }
        }
    }
}

/// As [`masked`] for ut (r, 4, r): each gate's line times that gate's whole mask.
fn masked_transposed<T: Real>(from: &[T], mask: &[T], to: &mut [T]) {
    for (from, to) in from
        .chunks_exact(mask.len())
        .zip(to.chunks_exact_mut(mask.len()))
    {
        for ((to, &from), &m) in to.iter_mut().zip(from).zip(mask) {
            *to = from * m;
        }
    }
}

/// Draws the multipliers of a row: inputs, then h.
fn draw<T: Real>(op: &Lstm, noise: Noise, row: usize, out: &mut [T]) {
    let Source::Drawn { input, state, site } = op.masks else {
        return;
    };
    let (inputs, states) = out.split_at_mut(super::VECTORS * op.inputs);
    for (site, p, out) in [(site, input, inputs), (site + 1, state, states)] {
        let draw = Draw::new(noise, p, site, out.len());
        out.fill(T::ONE);
        drop_in_place(&draw, row, 0, out);
    }
}

/// The multipliers of sequence `q` (strand x 2 + direction) of a row.
fn multipliers<'a, T: Real>(
    op: &Lstm,
    given: &[Operand<'a, T>],
    drawn: &'a [T],
    row: usize,
    q: usize,
) -> Multipliers<'a, T> {
    let (inputs, states) = match op.masks {
        Source::None => return None,
        Source::Given => (given[0].row(row), given[1].row(row)),
        Source::Drawn { .. } => drawn.split_at(super::VECTORS * op.inputs),
    };
    let (k, r) = (4 * op.inputs, 4 * op.units);
    Some((&inputs[q * k..(q + 1) * k], &states[q * r..(q + 1) * r]))
}

/// Elements of working space.
pub fn scratch(op: &Lstm) -> usize {
    let (k, r) = (op.inputs, op.units);
    // Masked W, U and ut; the gradients of W, U and z; the recurrence's own.
    (2 * k + 3 * r + op.steps) * 4 * r + 3 * r
}

pub fn forward<T: Real>(op: &Lstm, io: Forward<'_, T>) {
    let packed: &[Packed<T>; 2] = io.context.prepared();
    let (k, r, steps) = (op.inputs, op.units, op.steps);
    let (wm, rest) = io.scratch.split_at_mut(k * 4 * r);
    let (um, rest) = rest.split_at_mut(r * 4 * r);
    let state = &mut rest[..2 * r];
    let per_row = 4 * op.sequence() + op.masks();
    for row in 0..io.rows {
        let saved = &mut io.saved[row * per_row..(row + 1) * per_row];
        let (drawn, sequences) = saved.split_at_mut(op.masks());
        draw(op, io.context.noise, row, drawn);
        for (q, saved) in sequences.chunks_exact_mut(op.sequence()).enumerate() {
            let (strand, direction) = (q / 2, q % 2);
            let own = &packed[direction];
            let given = &io.inputs[1 + 2 * PARAMETERS..];
            let (w, u) = match multipliers(op, given, drawn, row, q) {
                None => (&own.w[..], &own.u[..]),
                Some((m, n)) => {
                    masked(&own.w, m, r, wm);
                    masked(&own.u, n, r, um);
                    (&*wm, &*um)
                }
            };
            let (gates, cells) = saved.split_at_mut(steps * 4 * r);
            matmul(
                MatMut::new(gates, steps, 4 * r),
                false,
                Mat::new(
                    &io.inputs[0].row(row)[strand * steps * k..][..steps * k],
                    steps,
                    k,
                ),
                Mat::new(w, k, 4 * r),
                io.context.parallel,
            );
            let run = Run {
                steps,
                units: r,
                order: Order::BOTH[direction],
                u,
                b: &own.b,
                gates,
                cells,
                out: &mut io.output[(2 * row + strand) * steps * 2 * r..][..steps * 2 * r],
                offset: direction * r,
                state,
            };
            run_forward(run);
        }
    }
}

fn run_forward<T: Real>(run: Run<'_, T>) {
    let Run {
        steps,
        units,
        order,
        u,
        b,
        gates,
        cells,
        out,
        offset,
        state,
    } = run;
    if let (Some(u), Some(b)) = (T::as_f32(u), T::as_f32(b))
        && let (Some(gates), Some(cells)) = (T::as_f32_mut(gates), T::as_f32_mut(cells))
        && let (Some(out), Some(state)) = (T::as_f32_mut(out), T::as_f32_mut(state))
    {
        return fast::forward(Run {
            steps,
            units,
            order,
            u,
            b,
            gates,
            cells,
            out,
            offset,
            state,
        });
    }
    plain::forward(Run {
        steps,
        units,
        order,
        u,
        b,
        gates,
        cells,
        out,
        offset,
        state,
    });
}

fn run_backward<T: Real>(run: Back<'_, T>) {
    let Back {
        steps,
        units,
        order,
        u,
        ut,
        gates,
        cells,
        dy,
        offset,
        dz,
        state,
    } = run;
    if let (Some(u), Some(ut), Some(gates)) = (T::as_f32(u), T::as_f32(ut), T::as_f32(gates))
        && let (Some(cells), Some(dy)) = (T::as_f32(cells), T::as_f32(dy))
        && let (Some(dz), Some(state)) = (T::as_f32_mut(dz), T::as_f32_mut(state))
    {
        return fast::backward(Back {
            steps,
            units,
            order,
            u,
            ut,
            gates,
            cells,
            dy,
            offset,
            dz,
            state,
        });
    }
    plain::backward(Back {
        steps,
        units,
        order,
        u,
        ut,
        gates,
        cells,
        dy,
        offset,
        dz,
        state,
    });
}

pub fn backward<T: Real>(op: &Lstm, io: Backward<'_, '_, T>) {
    let packed: &[Packed<T>; 2] = io.context.prepared();
    let (k, r, steps) = (op.inputs, op.units, op.steps);
    let (wm, rest) = io.scratch.split_at_mut(k * 4 * r);
    let (dwm, rest) = rest.split_at_mut(k * 4 * r);
    let (um, rest) = rest.split_at_mut(r * 4 * r);
    let (ut, rest) = rest.split_at_mut(r * 4 * r);
    let (dum, rest) = rest.split_at_mut(r * 4 * r);
    let (dz, state) = rest.split_at_mut(steps * 4 * r);
    let per_row = 4 * op.sequence() + op.masks();
    for row in 0..io.rows {
        let saved = &io.saved[row * per_row..(row + 1) * per_row];
        let (drawn, sequences) = saved.split_at(op.masks());
        for (q, saved) in sequences.chunks_exact(op.sequence()).enumerate() {
            let (strand, direction) = (q / 2, q % 2);
            let own = &packed[direction];
            let given = &io.inputs[1 + 2 * PARAMETERS..];
            let masks = multipliers(op, given, drawn, row, q);
            let (w, u, ut) = match masks {
                None => (&own.w[..], &own.u[..], &own.ut[..]),
                Some((m, n)) => {
                    masked(&own.w, m, r, wm);
                    masked(&own.u, n, r, um);
                    masked_transposed(&own.ut, n, ut);
                    (&*wm, &*um, &*ut)
                }
            };
            let (gates, cells) = saved.split_at(steps * 4 * r);
            let sequence = 2 * row + strand;
            let out = sequence * steps * 2 * r..(sequence + 1) * steps * 2 * r;
            run_backward(Back {
                steps,
                units: r,
                order: Order::BOTH[direction],
                u,
                ut,
                gates,
                cells,
                dy: &io.grad_output[out.clone()],
                offset: direction * r,
                dz,
                state,
            });
            let x = &io.inputs[0].row(row)[strand * steps * k..][..steps * k];
            if let Some(dx) = &mut io.grads[0] {
                matmul(
                    MatMut::new(
                        &mut dx.row(row)[strand * steps * k..][..steps * k],
                        steps,
                        k,
                    ),
                    true,
                    Mat::new(dz, steps, 4 * r),
                    Mat::new(w, k, 4 * r).t(),
                    io.context.parallel,
                );
            }
            matmul(
                MatMut::new(dwm, k, 4 * r),
                false,
                Mat::new(x, steps, k).t(),
                Mat::new(dz, steps, 4 * r),
                io.context.parallel,
            );
            // h of the step before belongs to dz: the position before, or after it going down.
            let h = &io.output[out][direction * r..];
            let (h, later) = match Order::BOTH[direction] {
                Order::Up => (h, &dz[4 * r..]),
                Order::Down => (h.get(2 * r..).unwrap_or_default(), &dz[..]),
            };
            matmul(
                MatMut::new(dum, r, 4 * r),
                false,
                Mat::strided(h, steps - 1, r, 2 * r, 1).t(),
                Mat::new(later, steps - 1, 4 * r),
                io.context.parallel,
            );
            let own = 1 + direction * PARAMETERS;
            for gate in 0..4 {
                let mask = |of: usize, lines: usize| {
                    masks.map(|masks| &[masks.0, masks.1][of][gate * lines..(gate + 1) * lines])
                };
                if let Some(dw) = &mut io.grads[own + gate] {
                    add_gate(dw.data, dwm, mask(0, k), gate, r);
                }
                if let Some(du) = &mut io.grads[own + 4 + gate] {
                    add_gate(du.data, dum, mask(1, r), gate, r);
                }
                if let Some(db) = &mut io.grads[own + 8 + gate] {
                    for dz in dz.chunks_exact(4 * r) {
                        axpy(db.data, T::ONE, &dz[gate * r..(gate + 1) * r]);
                    }
                }
            }
        }
    }
}

/// Adds one gate's columns of `from` (lines, 4r) to `to` (lines, r), each line times its multiplier.
fn add_gate<T: Real>(to: &mut [T], from: &[T], mask: Option<&[T]>, gate: usize, r: usize) {
    for (i, (to, from)) in to
        .chunks_exact_mut(r)
        .zip(from.chunks_exact(4 * r))
        .enumerate()
    {
        let m = mask.map_or(T::ONE, |m| m[i]);
        axpy(to, m, &from[gate * r..(gate + 1) * r]);
    }
}
