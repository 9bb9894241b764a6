//! Inverse square root of a Gram matrix: `Y = (A A^T)^(-1/2)`, (F, N) -> (F, F), by
//! `A A^T = V diag(l) V^T` with V of Jacobi's rotations in f64. A needs full rank.
//!
//! Gradient: `dG = V ((V^T dY V) o P) V^T`, `P_ij = -1 / (s_i s_j (s_i + s_j))` with `s = sqrt(l)`
//! (the difference quotients of l^(-1/2), free of cancellation); `dA = (dG + dG^T) A`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct InverseSqrtGram {
    filters: usize,
    length: usize,
}

/// Records `(a a^T)^(-1/2)`; a of any shape with F in front.
pub fn inverse_sqrt_gram<T: Real>(tape: &mut Tape<T>, a: Var) -> Var {
    let filters = tape.shape(a)[0];
    let length = tape.len(a) / filters;
    let op = InverseSqrtGram { filters, length };
    tape.push(op, &[a], &[filters, filters], false)
}

impl<T: Real> Op<T> for InverseSqrtGram {
    fn name(&self) -> &'static str {
        "inverse_sqrt_gram"
    }

    /// V and l.
    fn saved(&self, rows: usize) -> usize {
        rows * self.filters * (self.filters + 1)
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
