//! Element-wise functions, any shape: sigmoid, ReLU, leaky ReLU (slope 0.01), GELU in its exact
//! form `x Phi(x)` with the normal distribution function Phi.
//!
//! Gradient: sigmoid `y (1 - y)`; ReLU and its leaky form 1 or the slope by the sign of y (0 counts
//! as negative); GELU `Phi(x) + x phi(x)` with the normal density phi.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};
use serde::{Deserialize, Serialize};

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    Sigmoid,
    Relu,
    LeakyRelu,
    Gelu,
}

struct Activate {
    kind: Activation,
    len: usize,
}

/// Records the function of every element of `x`.
pub fn activation<T: Real>(tape: &mut Tape<T>, x: Var, kind: Activation) -> Var {
    let len = tape.len(x);
    let shape: Shape = tape.shape(x).into();
    tape.push(Activate { kind, len }, &[x], &shape, false)
}

impl<T: Real> Op<T> for Activate {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        self.kind == Activation::Gelu
    }

    fn rereads_output(&self) -> bool {
        self.kind != Activation::Gelu
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.kind, self.len, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.kind, self.len, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
