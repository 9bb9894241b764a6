//! One convolution 1 -> F that all channels share: `y[c, f, l] = b[f] + sum_k w[f, k] x[c, l + k]`,
//! x (C, L), w (F, 1, K), b (F) -> (C, F, L - K + 1).
//!
//! Gradient: `dw[f, k] = sum_{c, l} dy[c, f, l] x[c, l + k]`,
//! `dx[c, l] = sum_{f, k} w[f, k] dy[c, f, l - k]`, `db[f] = sum_{c, l} dy`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct SharedConv {
    channels: usize,
    filters: usize,
    length: usize,
    width: usize,
}

impl SharedConv {
    fn out_length(&self) -> usize {
        self.length + 1 - self.width
    }
}

/// Records the convolution of every channel; weight and bias of any shape with F K and F elements.
///
/// # Panics
/// When the shapes do not fit, or a parameter differs by row.
pub fn shared_conv<T: Real>(
    tape: &mut Tape<T>,
    x: Var,
    weight: Var,
    bias: Var,
    width: usize,
) -> Var {
    let channels = tape.shape(x)[0];
    let op = SharedConv {
        channels,
        filters: tape.len(bias),
        length: tape.len(x) / channels,
        width,
    };
    assert_eq!(tape.len(weight), op.filters * width, "shared_conv: weight");
    assert!(
        (1..=op.length).contains(&width),
        "shared_conv: width {width} on {}",
        op.length
    );
    assert!(
        !tape.per_row(weight) && !tape.per_row(bias),
        "shared_conv: a parameter for each row"
    );
    let shape = [channels, op.filters, op.out_length()];
    tape.push(op, &[x, weight, bias], &shape, false)
}

impl<T: Real> Op<T> for SharedConv {
    fn name(&self) -> &'static str {
        "shared_conv"
    }

    /// A line of dy with K - 1 zeros on either side, and the kernels reversed.
    fn scratch(&self, _rows: usize) -> usize {
        self.length + self.width + self.filters * self.width
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
