//! Maximum over windows of positions, both strands: `y[s, j, f] = max_{i < q} x[s, j q + i, f]`, x (2, P, F) ->
//! (2, floor(P / q), F); positions after the last whole window are not looked at.
//!
//! Gradient: dy to the first maximum of each window.
//!
//! Not [`max_pool`](super::max_pool): channels lie side by side here, so the loops run along them instead of along a
//! channel's positions, and one op would hold both loops.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct StrandPool {
    positions: usize,
    channels: usize,
    window: usize,
}

impl StrandPool {
    fn windows(&self) -> usize {
        self.positions / self.window
    }
}

/// Records the maxima; with a window of all positions they are the strands' global maxima.
///
/// # Panics
/// When `x` is not (2, P, F), or no window fits.
pub fn strand_pool<T: Real>(tape: &mut Tape<T>, x: Var, window: usize) -> Var {
    let [2, positions, channels] = *tape.shape(x) else {
        panic!("strand_pool: {:?}", tape.shape(x));
    };
    assert!(
        (1..=positions).contains(&window),
        "strand_pool: windows of {window} on {positions}"
    );
    let op = StrandPool {
        positions,
        channels,
        window,
    };
    let shape = [2, op.windows(), channels];
    tape.push(op, &[x], &shape, false)
}

impl<T: Real> Op<T> for StrandPool {
    fn name(&self) -> &'static str {
        "strand_pool"
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
