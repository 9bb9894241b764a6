//! Mean squared error of a row: `y = mean_o (p[o] - t[o])^2`, (O), (O) -> (1).
//!
//! Gradient: `dp = 2 dy (p - t) / O`, `dt = -dp`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct Mse;

/// Records the mean over the outputs of the squared error.
///
/// # Panics
/// When the lengths differ.
pub fn mse<T: Real>(tape: &mut Tape<T>, prediction: Var, target: Var) -> Var {
    assert_eq!(tape.len(prediction), tape.len(target), "mse: lengths");
    tape.push(Mse, &[prediction, target], &[1], false)
}

impl<T: Real> Op<T> for Mse {
    fn name(&self) -> &'static str {
        "mse"
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
