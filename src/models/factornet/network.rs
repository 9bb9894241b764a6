//! The network's programs. Dense inputs of a batch, in this order: tracks (n, L) if there are any, meta numbers (M) if
//! there are any, and for training the targets (T).

use super::KIND;
use super::build::{Built, Masking, build};
use super::spec::Spec;
use crate::Result;
use crate::engine::{Real, Tape, Var};
use crate::metrics::classification::Ranked;
use crate::metrics::mean;
use crate::ops::binary_cross_entropy::binary_cross_entropy;
use crate::train::model::{
    Kind, Lowering, Measure, Model, Overall, Processor, Purpose, Recorded, RowShape, Tally,
};
use crate::train::observer::{Observable, Observed};

/// Pieces of a batch: each reads the first dense layer's weights (2.5 MB at the default size) and adds to as many gradients
/// once, so they should be few; and not fewer than threads that could work, nor uneven for two.
const PIECES: usize = 8;

impl Spec {
    /// The network in training with its loss; the targets are the last dense input.
    pub fn with_loss<T: Real>(
        &self,
        lowering: Lowering,
        masking: Masking,
    ) -> (Tape<T>, Built, Var) {
        let mut tape = Tape::new(true);
        let built = build(&mut tape, self, lowering, masking);
        let loss = self.loss(&mut tape, &built);
        (tape, built, loss)
    }

    fn loss<T: Real>(&self, tape: &mut Tape<T>, built: &Built) -> Var {
        let target = tape.dense_input(&[self.factors]);
        binary_cross_entropy(tape, built.output, target)
    }
}

/// The convolution, and the layer of each position after it.
impl Observable for Spec {
    fn record_observed<T: Real>(&self, tape: &mut Tape<T>) -> Result<Observed> {
        let built = build(tape, self, Lowering::Composed, Masking::Drawn);
        let activations = built.activations.expect("the composed form has them");
        let values = vec![activations.convolution, activations.positionwise];
        for &var in &values {
            tape.keep(var);
        }
        Ok(Observed {
            output: built.output,
            values,
        })
    }
}

impl Model for Spec {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn row(&self) -> RowShape {
        let lengths = [self.tracks.len() * self.length, self.meta];
        RowShape {
            length: self.length,
            dense: lengths.into_iter().filter(|&len| len > 0).collect(),
            targets: self.factors,
            outputs: self.factors,
        }
    }

    /// The loss is the cross-entropy of the probabilities, with dropout.
    fn record<T: Real>(
        &self,
        tape: &mut Tape<T>,
        purpose: Purpose,
        _on: Processor,
    ) -> Result<Recorded> {
        let built = build(tape, self, Lowering::Fused, Masking::Drawn);
        let loss = match purpose {
            Purpose::Train => Some(self.loss(tape, &built)),
            Purpose::Predict => None,
        };
        Ok(Recorded {
            output: built.output,
            loss,
        })
    }

    /// Cross-entropies, of probabilities that are clipped as Keras clips them.
    fn tally<T: Real>(&self, outputs: &[T], targets: &[f64], tally: &mut Tally) {
        let pairs = outputs.iter().zip(targets);
        tally.sum += pairs.map(|(p, &y)| cross_entropy(p.f64(), y)).sum::<f64>();
        tally.count += outputs.len() as f64;
    }

    fn measures(&self) -> &'static [Measure] {
        // Of the probabilities, those on their label's side of one half.
        const ACCURACY: Measure = Measure {
            name: "accuracy",
            of: |p, y| f64::from(u8::from((p > 0.5) == (y > 0.5))),
        };
        &[ACCURACY]
    }

    /// The mean average precision over the factors of which there are both positives and negatives.
    fn overall(&self) -> Option<Overall> {
        Some(Overall {
            name: "auPRC",
            of: mean_average_precision,
        })
    }

    fn piece_limit(&self, batch: usize) -> usize {
        batch.div_ceil(PIECES).max(1)
    }
}

fn mean_average_precision(outputs: &[f64], targets: &[f64], factors: usize) -> Option<f64> {
    let of_factor = |factor: usize| {
        let column = |values: &[f64]| -> Vec<f64> {
            values
                .iter()
                .skip(factor)
                .step_by(factors)
                .copied()
                .collect()
        };
        let labels: Vec<bool> = column(targets).iter().map(|&y| y > 0.5).collect();
        let ranked = Ranked::new(&column(outputs), &labels).ok()?;
        let both = ranked.positives() > 0 && ranked.negatives() > 0;
        both.then(|| ranked.measures().auprc)
    };
    mean((0..factors).filter_map(of_factor))
}

fn cross_entropy(p: f64, label: f64) -> f64 {
    let p = p.clamp(1e-7, 1.0 - 1e-7);
    -(label * p.ln() + (1.0 - label) * (1.0 - p).ln())
}
