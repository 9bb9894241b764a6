//! Sum of two values of one length: `y[i] = a[i] + b[i]`, (n), (n) -> (n), shaped as a.
//!
//! Gradient: `da = dy`, `db = dy`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};

struct Add {
    len: usize,
}

/// Records `a + b`.
///
/// # Panics
/// When the lengths differ.
pub fn add<T: Real>(tape: &mut Tape<T>, a: Var, b: Var) -> Var {
    let len = tape.len(a);
    assert_eq!(len, tape.len(b), "add: lengths");
    let shape: Shape = tape.shape(a).into();
    tape.push(Add { len }, &[a, b], &shape, false)
}

impl<T: Real> Op<T> for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        false
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.len, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.len, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
