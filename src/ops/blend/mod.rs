//! Mixture of two values by a third: `y[i] = z[i] a[i] + (1 - z[i]) b[i]`, three (n) -> (n).
//!
//! Gradient: `dz = dy (a - b)`, `da = dy z`, `db = dy (1 - z)`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};

struct Blend {
    len: usize,
}

/// Records `z a + (1 - z) b`.
///
/// # Panics
/// When the lengths differ.
pub fn blend<T: Real>(tape: &mut Tape<T>, z: Var, a: Var, b: Var) -> Var {
    let len = tape.len(z);
    assert!(
        tape.len(a) == len && tape.len(b) == len,
        "blend: lengths {len}, {}, {}",
        tape.len(a),
        tape.len(b)
    );
    let shape: Shape = tape.shape(z).into();
    tape.push(Blend { len }, &[z, a, b], &shape, false)
}

impl<T: Real> Op<T> for Blend {
    fn name(&self) -> &'static str {
        "blend"
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
