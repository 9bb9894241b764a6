//! A scale and an offset for each channel: `y[c, l] = x[c, l] scale[c] + bias[c]`, x (C, L),
//! scale (C), bias (C) -> (C, L).
//!
//! Gradient: `dx = dy scale`, `dscale[c] = sum_l dy x`, `dbias[c] = sum_l dy`.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Shape, Tape, Var};

struct Calibrate {
    channels: usize,
    length: usize,
}

/// Records `x scale + bias`; scale and bias of any shape with C elements.
///
/// # Panics
/// When the shapes do not fit.
pub fn calibrate<T: Real>(tape: &mut Tape<T>, x: Var, scale: Var, bias: Option<Var>) -> Var {
    let shape: Shape = tape.shape(x).into();
    let channels = shape[0];
    let length = tape.len(x) / channels;
    assert_eq!(tape.len(scale), channels, "calibrate: scale");
    let op = Calibrate { channels, length };
    match bias {
        Some(bias) => {
            assert_eq!(tape.len(bias), channels, "calibrate: bias");
            tape.push(op, &[x, scale, bias], &shape, false)
        }
        None => tape.push(op, &[x, scale], &shape, false),
    }
}

impl<T: Real> Op<T> for Calibrate {
    fn name(&self) -> &'static str {
        "calibrate"
    }

    fn rereads_input(&self, index: usize) -> bool {
        index < 2
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self.channels, self.length, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self.channels, self.length, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
