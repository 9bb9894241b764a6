//! One number of each channel: sum, mean or maximum over l, x (C, L) -> (C).
//!
//! Gradient: `dx[c, l] = dy[c]`, `dy[c] / L`, or `dy[c]` at the first maximum alone.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};
use serde::{Deserialize, Serialize};

/// What becomes of a channel's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduce {
    Sum,
    Mean,
    Max,
}

struct Reduction {
    kind: Reduce,
    channels: usize,
    length: usize,
}

/// Records the sum, mean or maximum of each channel.
pub fn reduce<T: Real>(tape: &mut Tape<T>, x: Var, kind: Reduce) -> Var {
    let channels = tape.shape(x)[0];
    let length = tape.len(x) / channels;
    let op = Reduction {
        kind,
        channels,
        length,
    };
    tape.push(op, &[x], &[channels], false)
}

impl<T: Real> Op<T> for Reduction {
    fn name(&self) -> &'static str {
        "reduce"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        self.kind == Reduce::Max
    }

    fn rereads_output(&self) -> bool {
        self.kind == Reduce::Max
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.kind, self.channels, self.length, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.kind, self.channels, self.length, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
