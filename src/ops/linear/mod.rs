//! Fully connected layer: `y[o] = sum_f W[o, f] x[f] + b[o]`, x (F), W (O, F), b (O) -> (O).
//!
//! Gradient: `dx = W^T dy`, `dW = sum over rows of dy x^T`, `db = sum over rows of dy`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct Linear {
    inputs: usize,
    outputs: usize,
}

/// Records `W x + b`; `x` of any shape with F elements.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear<T: Real>(tape: &mut Tape<T>, x: Var, weight: Var, bias: Option<Var>) -> Var {
    let (inputs, outputs) = (tape.len(x), tape.shape(weight)[0]);
    assert_eq!(tape.len(weight), inputs * outputs, "linear: weight");
    let op = Linear { inputs, outputs };
    match bias {
        Some(bias) => {
            assert_eq!(tape.len(bias), outputs, "linear: bias");
            tape.push(op, &[x, weight, bias], &[outputs], false)
        }
        None => tape.push(op, &[x, weight], &[outputs], false),
    }
}

impl<T: Real> Op<T> for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn rereads_input(&self, index: usize) -> bool {
        index < 2
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.inputs, self.outputs, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.inputs, self.outputs, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
