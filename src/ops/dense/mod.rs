//! One fully connected layer on each of N lines: `y[n, o] = sum_f x[n, f] W[f, o] + b[o]`, x (N, F), W (F, O) as Keras
//! stores it, b (O) -> (N, O).
//!
//! Gradient: `dx = dy W^T`, `dW = x^T dy` and `db = sum of dy`, over all lines of all rows.

mod cases;
mod cpu;

pub use cases::cases;

use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct Dense {
    lines: usize,
    inputs: usize,
    outputs: usize,
}

/// Records the layer; `x` of any shape whose elements are lines of F.
///
/// # Panics
/// When the shapes do not fit.
pub fn dense<T: Real>(tape: &mut Tape<T>, x: Var, weight: Var, bias: Var) -> Var {
    let [inputs, outputs] = *tape.shape(weight) else {
        panic!("dense: weight {:?}", tape.shape(weight));
    };
    assert!(
        tape.len(x).is_multiple_of(inputs) && tape.len(bias) == outputs,
        "dense: {:?} by {inputs} x {outputs}",
        tape.shape(x)
    );
    let lines = tape.len(x) / inputs;
    let op = Dense {
        lines,
        inputs,
        outputs,
    };
    tape.push(op, &[x, weight, bias], &[lines, outputs], false)
}

impl<T: Real> Op<T> for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn rereads_input(&self, index: usize) -> bool {
        index < 2
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
}
