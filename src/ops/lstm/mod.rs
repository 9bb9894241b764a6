//! Bidirectional LSTM over the positions of each strand, Keras's form: x (2, S, k) -> (2, S, 2r), for each strand the
//! forward direction's r numbers, then the backward direction's, both in the input's order.
//!
//! In each direction, with zero h and c before the first step:
//!
//! ```text
//! i, f, o = hard(z), hard(z) = min(max(0.2 z + 0.5, 0), 1);  g = tanh(z)
//! z_gate  = (x_t m_gate) W_gate + (h n_gate) U_gate + b_gate
//! c <- f c + i g;  h <- o tanh(c)
//! ```
//!
//! W (k, r), U (r, r), b (r) by gate, shared by the strands. m (k) and n (r) are dropout's multipliers, 0 or 1 / (1 - p):
//! by strand, direction and gate (i, f, c, o) one vector for all steps; without dropout they are 1.
//!
//! Gradient: back through time; hard' is 0.2 strictly between its bounds, else 0. None for the multipliers.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Prepared, Real, Tape, Var};
use std::sync::Arc;

/// One direction's parameters by gate, in the order i, f, c, o.
#[derive(Clone, Copy, Debug)]
pub struct Direction {
    pub w: [Var; 4],
    pub u: [Var; 4],
    pub b: [Var; 4],
}

/// Where the multipliers come from.
#[derive(Clone, Copy, Debug)]
pub enum Masks {
    /// In training drawn at dropout's sites `site` (inputs) and `site + 1` (h); outside training, or with both
    /// probabilities 0, there are none.
    Drawn { input: f64, state: f64, site: u64 },
    /// Given for each row: inputs (2, 2, 4, k) and h (2, 2, 4, r) by strand, direction and gate.
    Given { input: Var, state: Var },
}

#[derive(Clone, Copy, PartialEq)]
enum Source {
    None,
    Drawn {
        input: f64,
        state: f64,
        site: u64,
    },
    /// The op's last two inputs.
    Given,
}

struct Lstm {
    steps: usize,
    inputs: usize,
    units: usize,
    masks: Source,
}

/// Vectors of multipliers of a row: strands, directions, gates.
const VECTORS: usize = 16;
/// By direction: four each of W, U, b.
const PARAMETERS: usize = 12;

/// Records the LSTM.
///
/// # Panics
/// When the shapes do not fit, or a probability is not in 0..1.
pub fn lstm<T: Real>(
    tape: &mut Tape<T>,
    x: Var,
    forward: &Direction,
    backward: &Direction,
    masks: Masks,
) -> Var {
    let [2, steps, inputs] = *tape.shape(x) else {
        panic!("lstm: input {:?}", tape.shape(x));
    };
    let units = tape.len(forward.b[0]);
    let mut all = vec![x];
    for direction in [forward, backward] {
        for (vars, len) in [
            (direction.w, inputs * units),
            (direction.u, units * units),
            (direction.b, units),
        ] {
            assert!(vars.iter().all(|&v| tape.len(v) == len), "lstm: parameters");
            all.extend(vars);
        }
    }
    let masks = match masks {
        Masks::Given { input, state } => {
            assert!(tape.len(input) == VECTORS * inputs && tape.len(state) == VECTORS * units);
            all.extend([input, state]);
            Source::Given
        }
        Masks::Drawn { input, state, .. } if !tape.training || input.max(state) == 0.0 => {
            Source::None
        }
        Masks::Drawn { input, state, site } => {
            assert!((0.0..1.0).contains(&input) && (0.0..1.0).contains(&state));
            Source::Drawn { input, state, site }
        }
    };
    let op = Lstm {
        steps,
        inputs,
        units,
        masks,
    };
    tape.push(op, &all, &[2, steps, 2 * units], false)
}

impl Lstm {
    /// Gates of one step, side by side.
    fn gates(&self) -> usize {
        4 * self.units
    }

    /// Multipliers of one row, where the op keeps them itself.
    fn masks(&self) -> usize {
        match self.masks {
            Source::Drawn { .. } => VECTORS * (self.inputs + self.units),
            Source::None | Source::Given => 0,
        }
    }

    /// Gates and cells of one strand in one direction.
    fn sequence(&self) -> usize {
        self.steps * (self.gates() + self.units)
    }
}

impl<T: Real> Op<T> for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn saved(&self, rows: usize) -> usize {
        rows * (4 * self.sequence() + self.masks())
    }

    fn scratch(&self, _rows: usize) -> usize {
        cpu::scratch(self)
    }

    fn rereads_input(&self, index: usize) -> bool {
        index == 0 || index > 2 * PARAMETERS
    }

    fn prepares_from(&self, index: usize) -> bool {
        (1..=2 * PARAMETERS).contains(&index)
    }

    fn prepare(&self, inputs: &[Option<&[T]>]) -> Option<Prepared> {
        let parameters: Option<Vec<&[T]>> = inputs[1..=2 * PARAMETERS].iter().copied().collect();
        Some(Arc::new(cpu::pack(self, &parameters?)))
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
