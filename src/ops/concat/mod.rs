//! Values side by side: (outer, n_i) for each part -> (outer, sum n_i), along the last axis.
//!
//! Gradient: each part's piece of dy.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};

struct Concat {
    outer: usize,
    widths: Shape,
}

/// Records the parts one after the other in each of `outer` lines.
///
/// # Panics
/// When there is no part, or one's elements are not a multiple of `outer`.
pub fn concat<T: Real>(tape: &mut Tape<T>, parts: &[Var], outer: usize) -> Var {
    assert!(!parts.is_empty(), "concat: no part");
    let widths: Shape = parts
        .iter()
        .map(|&part| {
            assert_eq!(tape.len(part) % outer, 0, "concat: lines");
            tape.len(part) / outer
        })
        .collect();
    let shape = [outer, widths.iter().sum()];
    tape.push(Concat { outer, widths }, parts, &shape, false)
}

impl<T: Real> Op<T> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        false
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.outer, &self.widths, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.outer, &self.widths, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
