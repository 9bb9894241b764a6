//! Product, element by element: `y[i] = a[i] b[i]`, (n), (n) -> (n), or by channel:
//! `y[c, l] = a[c, l] b[c]`, (C, L), (C) -> (C, L).
//!
//! Gradient: `da = dy b`, `db = dy a`, summed over l by channel.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};

struct Product {
    len: usize,
    /// Elements of a for each one of b.
    repeat: usize,
}

/// Records `a b`; b of a's length, or with one element for each channel of a.
///
/// # Panics
/// When the shapes do not fit.
pub fn product<T: Real>(tape: &mut Tape<T>, a: Var, b: Var) -> Var {
    let (len, scales) = (tape.len(a), tape.len(b));
    assert!(
        scales == len || scales == tape.shape(a)[0],
        "product: {:?} by {:?}",
        tape.shape(a),
        tape.shape(b)
    );
    let shape: Shape = tape.shape(a).into();
    let repeat = len / scales;
    tape.push(Product { len, repeat }, &[a, b], &shape, false)
}

impl<T: Real> Op<T> for Product {
    fn name(&self) -> &'static str {
        "product"
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.len, self.repeat, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.len, self.repeat, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
