//! Fully connected layer on each of N lines: `y[n, o] = sum_f W[o, f] x[n, f] + b[o]`, x (N, F), b (O) -> (N, O), or (O)
//! for a single line. W lies as (O, F), as PyTorch stores it ([`linear`]), or as (F, O), as Keras does ([`dense`]).
//!
//! Gradient: `dx[n, f] = sum_o W[o, f] dy[n, o]`, `dW[o, f] = sum dy[n, o] x[n, f]` and `db = sum of dy`, the last two
//! over all lines of all rows.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;
pub(in crate::ops) use cuda::{BiasSum, Product, WeightProduct, sum_parts};

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

/// How the weight lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// (O, F)
    Torch,
    /// (F, O)
    Keras,
}

struct Linear {
    layout: Layout,
    lines: usize,
    inputs: usize,
    outputs: usize,
}

/// Records the layer with a weight (O, F), PyTorch's `Linear`; `x` of any shape whose elements are lines of F.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear<T: Real>(tape: &mut Tape<T>, x: Var, weight: Var, bias: Option<Var>) -> Var {
    let outputs = tape.shape(weight)[0];
    record(tape, Layout::Torch, outputs, x, weight, bias)
}

/// Records the layer with a weight (F, O), Keras's `Dense`; `x` of any shape whose elements are lines of F.
///
/// # Panics
/// When the shapes do not fit.
pub fn dense<T: Real>(tape: &mut Tape<T>, x: Var, weight: Var, bias: Var) -> Var {
    let outputs = tape.shape(weight)[1];
    record(tape, Layout::Keras, outputs, x, weight, Some(bias))
}

fn record<T: Real>(
    tape: &mut Tape<T>,
    layout: Layout,
    outputs: usize,
    x: Var,
    weight: Var,
    bias: Option<Var>,
) -> Var {
    let inputs = tape.len(weight) / outputs;
    let of_weight = tape.shape(weight);
    let fits = match layout {
        Layout::Torch => of_weight[0] == outputs,
        Layout::Keras => of_weight == [inputs, outputs],
    };
    assert!(
        fits && tape.len(x).is_multiple_of(inputs),
        "linear: {:?} by a weight of {of_weight:?}",
        tape.shape(x)
    );
    let lines = tape.len(x) / inputs;
    let op = Linear {
        layout,
        lines,
        inputs,
        outputs,
    };
    let shape = &[lines, outputs][usize::from(lines == 1)..];
    match bias {
        Some(bias) => {
            assert_eq!(tape.len(bias), outputs, "linear: bias");
            tape.push(op, &[x, weight, bias], shape, false)
        }
        None => tape.push(op, &[x, weight], shape, false),
    }
}

impl<T: Real> Op<T> for Linear {
    fn name(&self) -> &'static str {
        "linear"
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

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
