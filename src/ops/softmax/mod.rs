//! Softmax of a matrix along one axis: axis 1 `y[a, b] = e^x[a, b] / sum_k e^x[a, k]`, axis 0 the
//! same down the columns, (A, B) -> (A, B).
//!
//! Gradient: `dx = y (dy - sum dy y)`, the sum along the axis.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};

struct Softmax {
    outer: usize,
    inner: usize,
    axis: usize,
}

/// Records the softmax along `axis`, 0 or 1; what has one dimension counts as (n, 1).
///
/// # Panics
/// When there is no such axis.
pub fn softmax<T: Real>(tape: &mut Tape<T>, x: Var, axis: usize) -> Var {
    assert!(axis < 2, "softmax: axis {axis}");
    let shape: Shape = tape.shape(x).into();
    let outer = shape[0];
    let inner = tape.len(x) / outer;
    let op = Softmax { outer, inner, axis };
    tape.push(op, &[x], &shape, false)
}

impl<T: Real> Op<T> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        false
    }

    fn scratch(&self, _rows: usize) -> usize {
        if self.axis == 0 { self.inner } else { 0 }
    }

    fn forward(&self, io: Forward<'_, T>) {
        if self.axis == 0 {
            cpu::forward_columns(self.outer, self.inner, io);
        } else {
            cpu::forward_rows(self.inner, io);
        }
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        if self.axis == 0 {
            cpu::backward_columns(self.outer, self.inner, io);
        } else {
            cpu::backward_rows(self.outer, self.inner, io);
        }
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
