//! Inner product of two values: `y = sum_i a[i] b[i]`, (n), (n) -> (1).
//!
//! Gradient: `da = dy b`, `db = dy a`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct Inner;

/// Records `sum_i a[i] b[i]`.
///
/// # Panics
/// When the lengths differ.
pub fn inner<T: Real>(tape: &mut Tape<T>, a: Var, b: Var) -> Var {
    assert_eq!(tape.len(a), tape.len(b), "inner: lengths");
    tape.push(Inner, &[a, b], &[1], false)
}

impl<T: Real> Op<T> for Inner {
    fn name(&self) -> &'static str {
        "inner"
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
