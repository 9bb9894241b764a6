//! Mean of both strands: `y[i] = (x[0, i] + x[1, i]) / 2`, x (2, n) -> (n).
//!
//! Gradient: `dx[s, i] = dy[i] / 2`.
//!
//! Not [`reduce`](super::reduce): the mean is over the first axis, where reduce's loops and kernels sum along the last.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct StrandMean {
    len: usize,
}

/// Records the mean of the halves of `x`.
///
/// # Panics
/// When x has no two halves.
pub fn strand_mean<T: Real>(tape: &mut Tape<T>, x: Var) -> Var {
    assert!(tape.len(x).is_multiple_of(2), "strand_mean: two strands");
    let len = tape.len(x) / 2;
    tape.push(StrandMean { len }, &[x], &[len], false)
}

impl<T: Real> Op<T> for StrandMean {
    fn name(&self) -> &'static str {
        "strand_mean"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        false
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.len, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.len, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
