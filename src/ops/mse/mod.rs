//! Mean squared error of a row: `y = sum_o (p[o] - t[o])^2 / O`, (O), (O) -> (1); with weights behind the targets
//! `y = sum_o w[o] (p[o] - t[o])^2 / O`, (O), (2 O) -> (1).
//!
//! Gradient: `dp = 2 dy (p - t) / O`, `dt = -dp`; weighted: `dp = 2 dy w (p - t) / O`, none for t and w.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

enum Mse {
    Plain,
    Weighted,
}

/// Records the mean over the outputs of the squared error.
///
/// # Panics
/// When the lengths differ.
pub fn mse<T: Real>(tape: &mut Tape<T>, prediction: Var, target: Var) -> Var {
    assert_eq!(tape.len(prediction), tape.len(target), "mse: lengths");
    tape.push(Mse::Plain, &[prediction, target], &[1], false)
}

/// Records the sum over the outputs of the weighted squared error, over their number. `target`: of each row its targets, then
/// their weights. A target that is not known has the weight 0; it must be a number all the same. Targets and weights are data and
/// get no gradient.
///
/// # Panics
/// When there are not two numbers for each output, or the rows share them.
pub fn weighted_mse<T: Real>(tape: &mut Tape<T>, prediction: Var, target: Var) -> Var {
    let outputs = tape.len(prediction);
    assert_eq!(2 * outputs, tape.len(target), "weighted_mse: lengths");
    assert!(tape.per_row(target), "weighted_mse: targets of each row");
    tape.push(Mse::Weighted, &[prediction, target], &[1], false)
}

impl<T: Real> Op<T> for Mse {
    fn name(&self) -> &'static str {
        "mse"
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        match self {
            Mse::Plain => cpu::forward(io),
            Mse::Weighted => cpu::weighted_forward(io),
        }
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        match self {
            Mse::Plain => cpu::backward(io),
            Mse::Weighted => cpu::weighted_backward(io),
        }
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
