//! Dropout, in training: `y[i] = x[i] m[i] / (1 - p)`, m 0 with probability p and else 1, any
//! shape. m depends on the seed, the step, the site and the element, not on how a batch is cut.
//!
//! Gradient: `dx = dy m / (1 - p)`, m drawn again.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;
pub(super) use cpu::{Draw, drop_in_place, kept, threshold};
pub(super) use cuda::counters;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};

struct Dropout {
    len: usize,
    p: f64,
    site: u64,
}

/// Records dropout; outside training, or with p = 0, it is `x` itself. `site` numbers the places
/// of a model that drop, below 256.
///
/// # Panics
/// When p is not in 0..1 or the site is 256 or more.
pub fn dropout<T: Real>(tape: &mut Tape<T>, x: Var, p: f64, site: u64) -> Var {
    assert!((0.0..1.0).contains(&p), "dropout: probability {p}");
    assert!(site < 256, "dropout: site {site}");
    if !tape.training || p == 0.0 {
        return x;
    }
    let len = tape.len(x);
    let shape: Shape = tape.shape(x).into();
    // A value that the rows share drops for each row on its own.
    tape.push(Dropout { len, p, site }, &[x], &shape, true)
}

impl<T: Real> Op<T> for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn rereads_input(&self, _index: usize) -> bool {
        false
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.len, self.p, self.site, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.len, self.p, self.site, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
