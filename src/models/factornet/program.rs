//! The network's programs. Dense inputs of a batch, in this order: tracks (n, L) if there are any, meta numbers (M) if
//! there are any, and for training the targets (T).

use super::build::{Activations, Built, Masking, build};
use super::spec::Spec;
use crate::engine::cpu::piece_rows_up_to;
use crate::engine::{Layout, Program, Real, Tape, Var};
use crate::ops::binary_cross_entropy::binary_cross_entropy;
use crate::train::model::Lowering;

/// Pieces of a batch: each reads the first dense layer's weights (2.5 MB at the default size) and adds to as many gradients
/// once, so they should be few; and not fewer than threads that could work, nor uneven for two.
const PIECES: usize = 8;

fn rows<T: Real>(one: &Program<T>, batch: usize) -> usize {
    piece_rows_up_to::<T>(one.arena_len(), batch.div_ceil(PIECES).max(1))
}

/// A program whose run leaves activations to be read ([`crate::engine::CpuExecutor::observe`]).
pub struct Observed<T: Real> {
    pub program: Program<T>,
    pub activations: Activations,
}

impl Spec {
    /// Names, shapes and initial values of the parameters.
    pub fn layout(&self) -> Layout {
        let mut tape = Tape::<f32>::new(true);
        build(&mut tape, self, Lowering::Fused, Masking::Drawn);
        tape.layout().clone()
    }

    /// A program that trains on batches of up to `batch` rows: each row's loss is the cross-entropy of its
    /// probabilities, its output the probabilities (with dropout).
    pub fn training_program<T: Real>(&self, batch: usize) -> Program<T> {
        self.sized(batch, |rows| {
            let (tape, built, loss) = self.with_loss(Lowering::Fused, Masking::Drawn);
            Program::new(tape, built.output, Some(loss), rows)
        })
    }

    /// The network in training with its loss; the targets are the last dense input.
    pub fn with_loss<T: Real>(
        &self,
        lowering: Lowering,
        masking: Masking,
    ) -> (Tape<T>, Built, Var) {
        let mut tape = Tape::new(true);
        let built = build(&mut tape, self, lowering, masking);
        let target = tape.dense_input(&[self.factors]);
        let loss = binary_cross_entropy(&mut tape, built.output, target);
        (tape, built, loss)
    }

    /// A program that predicts: the output is the probabilities.
    pub fn inference_program<T: Real>(&self, batch: usize) -> Program<T> {
        self.sized(batch, |rows| {
            let mut tape = Tape::new(false);
            let built = build(&mut tape, self, Lowering::Fused, Masking::Drawn);
            Program::new(tape, built.output, None, rows)
        })
    }

    /// A program that keeps the activations of the convolution and of the layer after it.
    pub fn observing_program<T: Real>(&self, batch: usize) -> Observed<T> {
        let make = |rows| {
            let mut tape = Tape::new(false);
            let built = build(&mut tape, self, Lowering::Composed, Masking::Drawn);
            let activations = built.activations.expect("the composed form has them");
            tape.keep(activations.convolution);
            tape.keep(activations.positionwise);
            (Program::new(tape, built.output, None, rows), activations)
        };
        let (one, _) = make(1);
        let (program, activations) = make(rows(&one, batch));
        Observed {
            program,
            activations,
        }
    }

    /// As many rows a piece as fit a thread's arena.
    fn sized<T: Real>(&self, batch: usize, make: impl Fn(usize) -> Program<T>) -> Program<T> {
        let one = make(1);
        let rows = rows(&one, batch);
        if rows == 1 { one } else { make(rows) }
    }
}
