//! The LSTM from the first step on that a change reaches, all changes of a block side by side: each step is one product of
//! their states with U, and one with the first dense layer's rows of that step.

use super::gates::{Gates, gates};
use super::panels::{Panels, Product, Start};
use super::positions::{Span, padded};
use crate::engine::Real;
use std::ops::Range;

/// Changes whose gates are made at once, so that they stay in the first caches.
const LINES: usize = 48;

/// The order of the steps.
#[derive(Clone, Copy, PartialEq)]
pub enum Order {
    Up,
    Down,
}

/// One direction's parameters, the gates i, f, c, o side by side.
pub struct Direction<T> {
    order: Order,
    units: usize,
    /// (k, 4r)
    w: Panels<T>,
    /// (r, 4r)
    u: Panels<T>,
    b: Vec<T>,
    /// (S r, d): what the first dense layer makes of this direction.
    dense: Panels<T>,
}

/// What a strand without changes has in one direction; Z is 4r padded to whole panels.
pub struct Kept<T> {
    /// (S, Z): z without its recurrent part; then those of the changes at work.
    inputs: Vec<T>,
    /// (S, r): after each step.
    h: Vec<T>,
    c: Vec<T>,
}

/// Lines of r numbers: h, c, and how much more h is than without a change.
struct States<T> {
    h: Vec<T>,
    c: Vec<T>,
    more: Vec<T>,
    /// (`LINES`, Z)
    z: Vec<T>,
}

impl<T: Real> Direction<T> {
    /// `of`: a parameter by its name; `dense` (S, 2r, d): the first dense layer.
    pub fn new<'a>(
        order: Order,
        units: usize,
        of: impl Fn(&str) -> &'a [T],
        dense: &[T],
        outputs: usize,
    ) -> Self {
        let (name, half) = match order {
            Order::Up => ("forward_lstm_1", 0),
            Order::Down => ("backward_lstm_1", 1),
        };
        let beside = |part: &str| -> Vec<T> {
            let gates = ["i", "f", "c", "o"].map(|gate| of(&format!("{name}_{part}_{gate}")));
            let line = |i: usize| {
                gates
                    .into_iter()
                    .flat_map(move |gate| &gate[i * units..(i + 1) * units])
            };
            (0..gates[0].len() / units)
                .flat_map(line)
                .copied()
                .collect()
        };
        let u = Panels::of(&beside("U"), 4 * units);
        let own = dense.chunks_exact(units * outputs).skip(half).step_by(2);
        let own: Vec<&[T]> = own.flat_map(|lines| lines.chunks_exact(outputs)).collect();
        Direction {
            order,
            units,
            w: Panels::of(&beside("W"), 4 * units),
            b: padded(&beside("b"), u.stride()),
            u,
            dense: Panels::new(own.into_iter(), outputs),
        }
    }

    /// W's products with lines of pooled positions, `stride` apart, and b.
    fn inputs(&self, pooled: &[T], stride: usize, inputs: &mut [T]) {
        self.w.product(Product {
            rows: self.w.all(),
            x: pooled,
            x_stride: stride,
            start: Start::Line(&self.b),
            y: inputs,
        });
    }

    fn states(&self, lines: usize) -> States<T> {
        let zeros = || vec![T::ZERO; lines * self.units];
        States {
            h: zeros(),
            c: zeros(),
            more: zeros(),
            z: vec![T::ZERO; LINES.min(lines) * self.u.stride()],
        }
    }

    /// A strand without changes: pooled positions (S, K), `stride` = K; adds its features' products to the line `pre`.
    pub fn keep(&self, pooled: &[T], stride: usize, pre: &mut [T]) -> Kept<T> {
        let (steps, r) = (pooled.len() / stride, self.units);
        let mut kept = Kept {
            inputs: vec![T::ZERO; steps * self.u.stride()],
            h: vec![T::ZERO; steps * r],
            c: vec![T::ZERO; steps * r],
        };
        self.inputs(pooled, stride, &mut kept.inputs);
        let (mut states, none) = (self.states(1), vec![T::ZERO; r]);
        for index in 0..steps {
            let step = match self.order {
                Order::Up => index,
                Order::Down => steps - 1 - index,
            };
            self.step(&mut states, 0..1, (step, &[step]), &kept.inputs, &none, pre);
            kept.h[step * r..(step + 1) * r].copy_from_slice(&states.h);
            kept.c[step * r..(step + 1) * r].copy_from_slice(&states.c);
        }
        kept
    }

    /// One step of some lines of `states`: by line the line of `inputs`, `old` h without a change; adds the features'
    /// products to their lines of `pre`.
    fn step(
        &self,
        states: &mut States<T>,
        lines: Range<usize>,
        (step, which): (usize, &[usize]),
        inputs: &[T],
        old: &[T],
        pre: &mut [T],
    ) {
        let (r, outputs) = (self.units, self.dense.stride());
        let at = lines.start * r..lines.end * r;
        let z = &mut states.z[..lines.len() * self.u.stride()];
        self.u.product(Product {
            rows: self.u.all(),
            x: &states.h[at.clone()],
            x_stride: r,
            start: Start::Of {
                lines: inputs,
                which,
            },
            y: z,
        });
        let more = &mut states.more[at.clone()];
        gates(Gates {
            z,
            h: &mut states.h[at.clone()],
            c: &mut states.c[at],
            old,
            more,
        });
        self.dense.product(Product {
            rows: step * r..(step + 1) * r,
            x: more,
            x_stride: r,
            start: Start::There,
            y: &mut pre[lines.start * outputs..lines.end * outputs],
        });
    }

    /// Changes in the order of their bases: their spans, and pooled lines (lines of all spans, K). Adds what their features
    /// are more than the kept ones to their lines of `pre`.
    pub fn change(
        &self,
        kept: &mut Kept<T>,
        spans: &[Span],
        pooled: &[T],
        stride: usize,
        pre: &mut [T],
    ) {
        let (Some(&lowest), Some(&highest)) = (spans.first(), spans.last()) else {
            return;
        };
        let (r, z, n) = (self.units, self.u.stride(), spans.len());
        let steps = kept.h.len() / r;
        let lines = pooled.len() / stride;
        kept.inputs.resize((steps + lines) * z, T::ZERO);
        self.inputs(pooled, stride, &mut kept.inputs[steps * z..]);
        let mut states = self.states(n);
        let mut which = Vec::with_capacity(LINES);
        let order: &mut dyn Iterator<Item = usize> = match self.order {
            Order::Up => &mut (lowest.first..steps),
            Order::Down => &mut (0..=highest.last).rev(),
        };
        // Neighbouring changes go together; they join when the walk comes to the first step that they reach.
        let mut at_work = match self.order {
            Order::Up => 0..0,
            Order::Down => n..n,
        };
        for step in order {
            let (joining, before) = match self.order {
                Order::Up => {
                    let all = spans.partition_point(|span| span.first <= step);
                    let joining = at_work.end..all;
                    at_work.end = all;
                    (joining, step.checked_sub(1))
                }
                Order::Down => {
                    let none = spans.partition_point(|span| span.last < step);
                    let joining = none..at_work.start;
                    at_work.start = none;
                    (joining, Some(step + 1).filter(|&step| step < steps))
                }
            };
            if let Some(before) = before {
                let before = before * r..(before + 1) * r;
                for line in joining {
                    states.h[line * r..(line + 1) * r].copy_from_slice(&kept.h[before.clone()]);
                    states.c[line * r..(line + 1) * r].copy_from_slice(&kept.c[before.clone()]);
                }
            }
            let old = step * r..(step + 1) * r;
            for start in at_work.clone().step_by(LINES) {
                let lines = start..at_work.end.min(start + LINES);
                which.clear();
                let line = |span: &Span| span.at(step).map_or(step, |line| steps + line);
                which.extend(spans[lines.clone()].iter().map(line));
                self.step(
                    &mut states,
                    lines,
                    (step, &which),
                    &kept.inputs,
                    &kept.h[old.clone()],
                    pre,
                );
            }
            let beyond = match self.order {
                Order::Up => step >= highest.last,
                Order::Down => step <= lowest.first,
            };
            let same = |states: &[T], kept: &[T]| states.chunks_exact(r).all(|line| line == kept);
            if beyond && same(&states.h, &kept.h[old.clone()]) && same(&states.c, &kept.c[old]) {
                // What follows depends on these states and on inputs that did not change.
                break;
            }
        }
    }
}
