//! Convolution: `y[o, l] = sum_{c, k} w[o, c, k] x[c, l + k - padding] + b[o]`, x (C, L),
//! w (O, C, K), b (O) -> (O, L + 2 padding - K + 1); x is 0 outside.
//!
//! Gradient, with the windows of x as a (C K, length) matrix X: `dw = dy X^T`, `dX = w^T dy` added
//! up where windows overlap, `db[o] = sum_l dy`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct Conv1d {
    inputs: usize,
    outputs: usize,
    length: usize,
    width: usize,
    padding: usize,
}

impl Conv1d {
    fn out_length(&self) -> usize {
        self.length + 2 * self.padding + 1 - self.width
    }

    /// Width 1: x is its own matrix of windows.
    fn pointwise(&self) -> bool {
        self.width == 1 && self.padding == 0
    }

    /// Elements of the windows of one row.
    fn windows(&self) -> usize {
        if self.pointwise() {
            0
        } else {
            self.inputs * self.width * self.out_length()
        }
    }
}

/// Records the convolution; the weight of any shape with O C K elements and O in front, the bias
/// of any with O elements.
///
/// # Panics
/// When the shapes do not fit, or the weight differs by row.
pub fn conv1d<T: Real>(
    tape: &mut Tape<T>,
    x: Var,
    weight: Var,
    bias: Option<Var>,
    padding: usize,
    width: usize,
) -> Var {
    let (inputs, outputs) = (tape.shape(x)[0], tape.shape(weight)[0]);
    let length = tape.len(x) / inputs;
    assert_eq!(
        tape.len(weight),
        outputs * inputs * width,
        "conv1d: weight {:?} for {inputs} channels and width {width}",
        tape.shape(weight)
    );
    assert!(!tape.per_row(weight), "conv1d: a weight for each row");
    assert!(
        width > 0 && length + 2 * padding >= width,
        "conv1d: width {width} on {length}, padding {padding}"
    );
    let op = Conv1d {
        inputs,
        outputs,
        length,
        width,
        padding,
    };
    let shape = [outputs, op.out_length()];
    match bias {
        Some(bias) => {
            assert_eq!(tape.len(bias), outputs, "conv1d: bias");
            assert!(!tape.per_row(bias), "conv1d: a bias for each row");
            tape.push(op, &[x, weight, bias], &shape, false)
        }
        None => tape.push(op, &[x, weight], &shape, false),
    }
}

impl<T: Real> Op<T> for Conv1d {
    fn name(&self) -> &'static str {
        "conv1d"
    }

    fn scratch(&self, _rows: usize) -> usize {
        self.windows()
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
