//! Batch norm: `y[c, l] = (x[c, l] - m[c]) / sqrt(v[c] + 1e-5) weight[c] + bias[c]`, x (C, L) or
//! (C), all parameters (C). In training m and v are the batch's mean and biased variance over rows
//! and l, else the running ones; training moves those by 0.1 towards mean and unbiased variance.
//!
//! Gradient: `dbias = sum dy`, `dweight = sum dy h` with the normalised h; in training
//! `dx = weight / sqrt(v + eps) (dy - mean dy - h mean(dy h))`, else its first term.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Operand, Real, Shape, Tape, Var};

/// The state-dict entries of a batch norm.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormParams {
    pub weight: Var,
    pub bias: Var,
    /// Role `Buffer`.
    pub running_mean: Var,
    /// Role `Buffer`.
    pub running_var: Var,
    /// Batches seen, role `Counter`.
    pub count: Var,
}

const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

struct BatchNorm {
    channels: usize,
    length: usize,
    training: bool,
}

/// Records the batch norm of each channel.
///
/// # Panics
/// When the shapes do not fit.
pub fn batch_norm<T: Real>(tape: &mut Tape<T>, x: Var, params: BatchNormParams) -> Var {
    let shape: Shape = tape.shape(x).into();
    let channels = shape[0];
    let inputs = [
        x,
        params.weight,
        params.bias,
        params.running_mean,
        params.running_var,
        params.count,
    ];
    for (i, &param) in inputs.iter().enumerate().skip(1) {
        let elements = if i == 5 { 1 } else { channels };
        assert_eq!(tape.len(param), elements, "batch_norm: input {i}");
        assert!(!tape.per_row(param), "batch_norm: input {i} differs by row");
    }
    let op = BatchNorm {
        channels,
        length: tape.len(x) / channels,
        training: tape.training,
    };
    tape.push(op, &inputs, &shape, false)
}

impl<T: Real> Op<T> for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn spans_batch(&self) -> bool {
        self.training
    }

    /// Of each channel: mean, 1 / sqrt(v + eps), unbiased variance.
    fn saved(&self, _rows: usize) -> usize {
        3 * self.channels
    }

    fn rereads_input(&self, index: usize) -> bool {
        index < 2
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

    fn buffers(
        &self,
        _rows: usize,
        saved: &[T],
        inputs: &[Operand<'_, T>],
    ) -> Vec<(usize, Vec<T>)> {
        if !self.training {
            return Vec::new();
        }
        let moved = |input: usize, part: usize| {
            let step = T::of(MOMENTUM);
            let seen = saved.as_chunks::<3>().0.iter().map(|s| s[part]);
            let old = inputs[input].data;
            let new = old
                .iter()
                .zip(seen)
                .map(|(&old, seen)| (T::ONE - step) * old + step * seen);
            (input, new.collect())
        };
        let count = inputs[5].data[0] + T::ONE;
        vec![moved(3, 0), moved(4, 2), (5, vec![count])]
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
