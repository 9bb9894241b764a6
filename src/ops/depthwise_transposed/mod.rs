//! Transposed convolution of each channel by its own kernel, cropped: `y[c, j] = b[c] +
//! sum_k w[c, k] x[c, j + crop - k]`, x (C, L), w (C, 1, K), b (C) -> (C, out_len), out of
//! L + K - 1 positions; x is 0 outside.
//!
//! Gradient: `dx[c, l] = sum_k w[c, k] dy[c, l + k - crop]`,
//! `dw[c, k] = sum_l x[c, l] dy[c, l + k - crop]`, `db[c] = sum_j dy`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct DepthwiseTransposed {
    channels: usize,
    length: usize,
    width: usize,
    crop: usize,
    out_length: usize,
}

impl DepthwiseTransposed {
    /// Positions before cropping.
    fn full(&self) -> usize {
        self.length + self.width - 1
    }
}

/// Records positions `crop..crop + out_len` of the transposed convolution; the weight with C in
/// front.
///
/// # Panics
/// When the shapes do not fit, or a parameter differs by row.
pub fn depthwise_transposed<T: Real>(
    tape: &mut Tape<T>,
    x: Var,
    weight: Var,
    bias: Option<Var>,
    crop: usize,
    out_len: usize,
) -> Var {
    let channels = tape.shape(x)[0];
    let length = tape.len(x) / channels;
    assert_eq!(
        tape.shape(weight)[0],
        channels,
        "depthwise_transposed: weight"
    );
    let op = DepthwiseTransposed {
        channels,
        length,
        width: tape.len(weight) / channels,
        crop,
        out_length: out_len,
    };
    assert!(
        crop + out_len <= op.full(),
        "depthwise_transposed: {crop} + {out_len} of {}",
        op.full()
    );
    let mut inputs = vec![x, weight];
    if let Some(bias) = bias {
        assert_eq!(tape.len(bias), channels, "depthwise_transposed: bias");
        inputs.push(bias);
    }
    assert!(
        inputs[1..].iter().all(|&v| !tape.per_row(v)),
        "depthwise_transposed: a parameter for each row"
    );
    tape.push(op, &inputs, &[channels, out_len], false)
}

impl<T: Real> Op<T> for DepthwiseTransposed {
    fn name(&self) -> &'static str {
        "depthwise_transposed"
    }

    /// A channel of x with K - 1 zeros on either side, or dy in its place of the full length; a
    /// kernel.
    fn scratch(&self, _rows: usize) -> usize {
        self.length + 3 * self.width
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
