//! Convolution of each channel by its own kernel: `y[c, l] = sum_k w[c, k] x[c, l + k - padding]`,
//! x (C, L), w (C, 1, K) -> (C, L + 2 padding - K + 1); x is 0 outside.
//!
//! Gradient: `dw[c, k] = sum_l dy[c, l] x[c, l + k - padding]`, `dx` = dy convolved by w reversed.

mod cases;
mod cpu;
pub(super) mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct Depthwise {
    channels: usize,
    length: usize,
    width: usize,
    padding: usize,
}

impl Depthwise {
    fn out_length(&self) -> usize {
        self.length + 2 * self.padding + 1 - self.width
    }
}

/// Records the convolution of each channel; the weight with C in front.
///
/// # Panics
/// When the shapes do not fit, or the weight differs by row.
pub fn depthwise<T: Real>(tape: &mut Tape<T>, x: Var, weight: Var, padding: usize) -> Var {
    let channels = tape.shape(x)[0];
    let length = tape.len(x) / channels;
    assert_eq!(tape.shape(weight)[0], channels, "depthwise: weight");
    assert!(!tape.per_row(weight), "depthwise: a weight for each row");
    let width = tape.len(weight) / channels;
    assert!(
        length + 2 * padding >= width,
        "depthwise: width {width} on {length}, padding {padding}"
    );
    let op = Depthwise {
        channels,
        length,
        width,
        padding,
    };
    let shape = [channels, op.out_length()];
    tape.push(op, &[x, weight], &shape, false)
}

impl<T: Real> Op<T> for Depthwise {
    fn name(&self) -> &'static str {
        "depthwise"
    }

    /// A channel of x with its padding, dy with K - 1 zeros on either side, dx with its padding,
    /// a kernel.
    fn scratch(&self, _rows: usize) -> usize {
        let padded = self.length + 2 * self.padding;
        2 * padded + self.out_length() + 3 * self.width
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
