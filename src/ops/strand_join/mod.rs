//! Numbers of the row beside those of each strand: x (2, n), m (M) -> (2, n + M), m the same for both.
//!
//! Gradient: dx its piece of dy, dm the sum of both strands' pieces.
//!
//! Not [`concat`](super::concat): a part that is the same in every line is a sum over lines backward, for which concat
//! would need second forms of its loops and kernels.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct StrandJoin {
    own: usize,
    common: usize,
}

/// Records x and m side by side; `x` of any shape whose first half is the forward strand.
///
/// # Panics
/// When x has no two halves.
pub fn strand_join<T: Real>(tape: &mut Tape<T>, x: Var, meta: Var) -> Var {
    assert!(tape.len(x).is_multiple_of(2), "strand_join: two strands");
    let op = StrandJoin {
        own: tape.len(x) / 2,
        common: tape.len(meta),
    };
    let shape = [2, op.own + op.common];
    tape.push(op, &[x, meta], &shape, false)
}

impl<T: Real> Op<T> for StrandJoin {
    fn name(&self) -> &'static str {
        "strand_join"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        false
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
