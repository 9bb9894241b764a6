//! Weighted sum of parts: `y[c, l] = sum_i part_i[c, l] g`, with the gate's g for each position
//! (`g[i, l]`), each part (`g[i]`) or each channel (`g[c, i]`); parts (C, L), or (C) for all l.
//!
//! Gradient: `dpart_i = dy g`, `dg` = the sum of `dy part_i` over what shares that g.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};
use serde::{Deserialize, Serialize};

/// What the gate has a number for, besides the n parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// (n, L)
    PerPosition,
    /// (n)
    PerPart,
    /// (C, n)
    PerChannel,
}

struct GatedSum {
    kind: Gate,
    parts: usize,
    channels: usize,
    length: usize,
}

/// Records the sum of the parts, each times its gate.
///
/// # Panics
/// When the shapes do not fit.
pub fn gated_sum<T: Real>(tape: &mut Tape<T>, parts: &[Var], gate: Var, kind: Gate) -> Var {
    assert!(!parts.is_empty(), "gated_sum: no part");
    let channels = tape.shape(parts[0])[0];
    let mut length = parts
        .iter()
        .map(|&p| tape.len(p) / channels)
        .max()
        .unwrap_or(1);
    if kind == Gate::PerPosition {
        length = length.max(tape.len(gate) / parts.len());
    }
    for &part in parts {
        let len = tape.len(part);
        assert!(
            len == channels || len == channels * length,
            "gated_sum: a part {:?} in a sum of {channels} x {length}",
            tape.shape(part)
        );
    }
    let gates = match kind {
        Gate::PerPosition => parts.len() * length,
        Gate::PerPart => parts.len(),
        Gate::PerChannel => channels * parts.len(),
    };
    assert_eq!(tape.len(gate), gates, "gated_sum: gate");
    let op = GatedSum {
        kind,
        parts: parts.len(),
        channels,
        length,
    };
    let mut inputs = parts.to_vec();
    inputs.push(gate);
    tape.push(op, &inputs, &[channels, length], false)
}

impl<T: Real> Op<T> for GatedSum {
    fn name(&self) -> &'static str {
        "gated_sum"
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
