//! Maximum over windows: `y[c, j] = max_w x[c, j stride + w - padding]`, x (C, L) ->
//! (C, (L + 2 padding - window) / stride + 1); what lies outside counts as -infinity.
//!
//! Gradient: dy to the first maximum of each window.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct MaxPool {
    channels: usize,
    length: usize,
    window: usize,
    stride: usize,
    padding: usize,
}

impl MaxPool {
    fn outputs(&self) -> usize {
        (self.length + 2 * self.padding - self.window) / self.stride + 1
    }

    /// The positions of a window that lie inside.
    fn inside(&self, window: usize) -> std::ops::Range<usize> {
        let start = window * self.stride;
        start.saturating_sub(self.padding)..(start + self.window - self.padding).min(self.length)
    }
}

/// Records the maxima of the windows.
///
/// # Panics
/// When no window fits, or one could lie outside altogether.
pub fn max_pool<T: Real>(
    tape: &mut Tape<T>,
    x: Var,
    window: usize,
    stride: usize,
    padding: usize,
) -> Var {
    let channels = tape.shape(x)[0];
    let length = tape.len(x) / channels;
    assert!(
        stride > 0 && padding < window && length + padding >= window,
        "max_pool: windows of {window} by {stride}, padding {padding}, on {length}"
    );
    let op = MaxPool {
        channels,
        length,
        window,
        stride,
        padding,
    };
    let shape = [channels, op.outputs()];
    tape.push(op, &[x], &shape, false)
}

impl<T: Real> Op<T> for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
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
