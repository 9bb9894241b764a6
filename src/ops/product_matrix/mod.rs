//! Matrix product of two values: `Y = A B`, (M, K), (K, N) -> (M, N), or `A B^T` with B (N, K).
//!
//! Gradient: `dA = dY B^T`, `dB = A^T dY`; with B transposed `dA = dY B`, `dB = dY^T A`.

mod cases;
mod cpu;
pub(crate) mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

struct ProductMatrix {
    m: usize,
    k: usize,
    n: usize,
    transpose_b: bool,
}

/// Records `a b`, or `a b^T`; both with two dimensions.
///
/// # Panics
/// When the shapes do not fit.
pub fn product_matrix<T: Real>(tape: &mut Tape<T>, a: Var, b: Var, transpose_b: bool) -> Var {
    let (&[m, k], &[first, second]) = (tape.shape(a), tape.shape(b)) else {
        panic!("product_matrix: {:?} by {:?}", tape.shape(a), tape.shape(b));
    };
    let (inner, n) = if transpose_b {
        (second, first)
    } else {
        (first, second)
    };
    assert_eq!(k, inner, "product_matrix: inner dimensions");
    let op = ProductMatrix {
        m,
        k,
        n,
        transpose_b,
    };
    tape.push(op, &[a, b], &[m, n], false)
}

impl<T: Real> Op<T> for ProductMatrix {
    fn name(&self) -> &'static str {
        "product_matrix"
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
