//! Binary cross-entropy of a row's probabilities: `y = -mean_o (t[o] ln q[o] + (1 - t[o]) ln(1 - q[o]))` with
//! `q = min(max(p, 1e-7), 1 - 1e-7)`, (O), (O) -> (1).
//!
//! Gradient: `dp = dy ((1 - t) / (1 - q) - t / q) / O` where p lies within the bounds or on one, else 0. None for t.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct BinaryCrossEntropy;

/// Records the loss of probabilities against targets in 0..=1; the targets get no gradient.
///
/// # Panics
/// When the lengths differ.
pub fn binary_cross_entropy<T: Real>(tape: &mut Tape<T>, probability: Var, target: Var) -> Var {
    assert_eq!(
        tape.len(probability),
        tape.len(target),
        "binary_cross_entropy: lengths"
    );
    tape.push(BinaryCrossEntropy, &[probability, target], &[1], false)
}

impl<T: Real> Op<T> for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
