//! Attention pooling, x (C, R, L) (R = 1: (C, L)), weight (C, R): in each window m = softmax over
//! the window of `sum_r weight[c, r] x[c, r, l]`, `y[c, r, j] = sum_l m[l] x[c, r, l]` ->
//! (C, R, ceil(L / window)). x counts as 0 beyond L, there too in the softmax. With `keep_shape`
//! each y stands at every l of its window.
//!
//! Gradient: `ds = m (sum_r dy[r] (x[r] - y[r]))`, `dx = dy m + weight ds`, `dweight = sum_l ds x`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};

struct AttentionPool {
    channels: usize,
    /// R, the numbers that share a mask.
    depth: usize,
    length: usize,
    window: usize,
    keep_shape: bool,
}

impl AttentionPool {
    fn windows(&self) -> usize {
        self.length.div_ceil(self.window)
    }

    fn out_length(&self) -> usize {
        if self.keep_shape {
            self.length
        } else {
            self.windows()
        }
    }
}

/// Records the pooling; the weight of any shape with C R elements.
///
/// # Panics
/// When the shapes do not fit, or the weight differs by row.
pub fn attention_pool<T: Real>(
    tape: &mut Tape<T>,
    x: Var,
    weight: Var,
    window: usize,
    keep_shape: bool,
) -> Var {
    let mut shape: Shape = tape.shape(x).into();
    assert!(
        window > 0 && (2..=3).contains(&shape.len()),
        "attention_pool: {shape:?} by {window}"
    );
    let last = shape.len() - 1;
    let op = AttentionPool {
        channels: shape[0],
        depth: shape[1..last].iter().product(),
        length: shape[last],
        window,
        keep_shape,
    };
    assert_eq!(
        tape.len(weight),
        op.channels * op.depth,
        "attention_pool: weight"
    );
    assert!(
        !tape.per_row(weight),
        "attention_pool: a weight for each row"
    );
    shape[last] = op.out_length();
    tape.push(op, &[x, weight], &shape, false)
}

impl<T: Real> Op<T> for AttentionPool {
    fn name(&self) -> &'static str {
        "attention_pool"
    }

    /// A channel's mask, its gradient, and y and dy for each window.
    fn scratch(&self, _rows: usize) -> usize {
        2 * self.windows() * self.window + 2 * self.depth * self.windows()
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
