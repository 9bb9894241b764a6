//! Base codes to four channels: `y[b, l] = 1` where the code at l is b, else 0; () -> (4, L).
//! N and the other IUPAC letters (code 4) give four zeros. No gradient.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Codes, Forward, Op, Real, Tape, Var};

struct OneHot {
    which: Codes,
    length: usize,
}

/// Records the sequence of the row itself, or the batch's first one for all rows.
pub fn one_hot<T: Real>(tape: &mut Tape<T>, which: Codes, length: usize) -> Var {
    tape.push(
        OneHot { which, length },
        &[],
        &[4, length],
        which == Codes::Row,
    )
}

impl<T: Real> Op<T> for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.which, self.length, io);
    }

    fn backward(&self, _io: Backward<'_, '_, T>) {}

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
