//! A model with its parameters: from a spec and motifs, or from a state dict.

use super::KIND;
use crate::engine::{Layout, Param, Real, Role, Tape, Var};
use crate::metrics::mean;
use crate::metrics::regression::{known, pearson};
use crate::models::tisfm::build::kernel_layer;
use crate::models::tisfm::{Built, Dimensions, Features, KernelLayer, MotifKernels, Spec, build};
use crate::ops::mse::{mse, weighted_mse};
use crate::train::folder::weights::Number;
use crate::train::model::{
    Kind, Lowering, Model, Overall, Processor, Purpose, Recorded, RowShape, Tally,
};
use crate::train::observer::{Observable, Observed};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which parameters training moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trainable {
    /// Everything but the motifs' kernels.
    #[default]
    AllButMotifs,
    All,
    FinalLayer,
    /// Everything, but of a motif's kernels only the columns that the motif has, and its two strands as one: each stays the other's
    /// reverse complement.
    TiedMotifs,
}

impl Trainable {
    /// Whether the motifs' kernels move.
    pub fn moves_motifs(self) -> bool {
        matches!(self, Trainable::All | Trainable::TiedMotifs)
    }
}

/// What a row's targets are, and its loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// The mean squared error over the outputs, whose signals are the targets.
    #[default]
    Mean,
    /// Weighted: behind the signals stand their weights, 0 for one that is missing.
    Weighted,
}

impl Loss {
    /// Numbers of a row's targets.
    pub fn targets(self, outputs: usize) -> usize {
        match self {
            Loss::Mean => outputs,
            Loss::Weighted => 2 * outputs,
        }
    }
}

/// Everything but the numbers.
#[derive(Clone, Debug)]
pub struct Blueprint {
    pub spec: Spec,
    pub dimensions: Dimensions,
    pub kernels: Option<MotifKernels>,
    pub trainable: Trainable,
    /// Of training.
    pub loss: Loss,
}

/// The motif layer's weight in the state dict.
pub const MOTIF_WEIGHT: &str = "conv_motif.weight";

impl Blueprint {
    /// Records the model on a tape of its own; the second value is where the dense inputs can be watched.
    ///
    /// # Errors
    /// Blocks that do not fit together.
    pub fn recorded<T: Real>(
        &self,
        training: bool,
        lowering: Lowering,
    ) -> Result<(Tape<T>, Built)> {
        let mut tape = Tape::new(training);
        let built = self.build(&mut tape, lowering)?;
        Ok((tape, built))
    }

    /// Records the model on a tape that is there, with what may learn.
    ///
    /// # Errors
    /// Blocks that do not fit together.
    pub(super) fn build<T: Real>(&self, tape: &mut Tape<T>, lowering: Lowering) -> Result<Built> {
        let built = build(
            tape,
            &self.spec,
            &self.dimensions,
            self.kernels.as_ref(),
            lowering,
        )?;
        let last = built.last_layer.as_deref().unwrap_or_default();
        let in_last = |name: &str| {
            name.strip_prefix(last)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        if self.trainable == Trainable::FinalLayer && last.is_empty() {
            return Err(Error::usage(format!(
                "--freeze-all-except-final-layer: {} has no final linear layer",
                self.spec.name
            )));
        }
        tape.set_trainable(|param: &Param| {
            param.role == Role::Weight
                && match self.trainable {
                    Trainable::AllButMotifs => param.name != MOTIF_WEIGHT,
                    Trainable::All | Trainable::TiedMotifs => true,
                    Trainable::FinalLayer => in_last(&param.name),
                }
        });
        if let (Trainable::TiedMotifs, Some(kernels), Some(strands)) =
            (self.trainable, &self.kernels, self.spec.strands())
        {
            tape.tie(MOTIF_WEIGHT, kernels.ties(strands));
        }
        Ok(built)
    }

    /// What the inputs of the last layer are, and that layer's name.
    pub fn features(&self) -> Result<(Features, Option<String>)> {
        let (_, built) = self.recorded::<f32>(false, Lowering::Composed)?;
        Ok((built.features, built.last_layer))
    }
}

impl Model for Blueprint {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn row(&self) -> RowShape {
        RowShape {
            length: self.dimensions.window,
            dense: Vec::new(),
            targets: self.loss.targets(self.dimensions.outputs),
            outputs: self.dimensions.outputs,
        }
    }

    /// The loss is that of [`Loss`].
    fn record<T: Real>(
        &self,
        tape: &mut Tape<T>,
        purpose: Purpose,
        _on: Processor,
    ) -> Result<Recorded> {
        let built = self.build(tape, Lowering::Fused)?;
        let loss = match purpose {
            Purpose::Train => Some(with_loss(tape, built.output, self.loss)),
            Purpose::Predict => None,
        };
        Ok(Recorded {
            output: built.output,
            loss,
        })
    }

    /// Squared errors, weighted as in training.
    fn tally<T: Real>(&self, outputs: &[T], targets: &[f64], tally: &mut Tally) {
        let squares = |p: &T, s: &f64| (p.f64() - s) * (p.f64() - s);
        match self.loss {
            Loss::Mean => {
                for (p, s) in outputs.iter().zip(targets) {
                    tally.sum += squares(p, s);
                }
                tally.count += outputs.len() as f64;
            }
            Loss::Weighted => {
                let width = self.dimensions.outputs;
                for (outputs, targets) in outputs.chunks(width).zip(targets.chunks(2 * width)) {
                    let (signals, weights) = targets.split_at(width);
                    for ((p, s), weight) in outputs.iter().zip(signals).zip(weights) {
                        tally.sum += weight * squares(p, s);
                        tally.count += weight;
                    }
                }
            }
        }
    }

    /// The mean of the outputs' correlations with their signals.
    fn overall(&self) -> Option<Overall> {
        Some(Overall {
            name: "r",
            of: mean_correlation,
        })
    }
}

/// Over the outputs where it is defined: neither predictions nor signals are all the same. `targets` are those of either
/// [`Loss`]; signals of the weight 0 are missing.
fn mean_correlation(outputs: &[f64], targets: &[f64], width: usize) -> Option<f64> {
    let rows = (outputs.len() / width).max(1);
    let stride = (targets.len() / rows).max(width);
    let of_output = |output: usize| {
        let column = |values: &[f64], first: usize, stride: usize| -> Vec<f64> {
            values.iter().skip(first).step_by(stride).copied().collect()
        };
        let predictions = column(outputs, output, width);
        let mut signals = column(targets, output, stride);
        if stride > width {
            let weights = column(targets, width + output, stride);
            let missing = signals.iter_mut().zip(weights);
            let missing = missing.filter(|(_, weight)| *weight == 0.0);
            missing.for_each(|(signal, _)| *signal = f64::NAN);
        }
        let (predictions, signals) = known(&predictions, &signals);
        pearson(&predictions, &signals)
    };
    mean((0..width).map(of_output).filter(|r| r.is_finite()))
}

impl Blueprint {
    /// Records the model up to the first layer whose kernels read the bases.
    ///
    /// # Errors
    /// An architecture without such a layer.
    pub fn kernel_layer<T: Real>(&self, tape: &mut Tape<T>) -> Result<KernelLayer> {
        kernel_layer(tape, &self.spec, &self.dimensions, self.kernels.as_ref())
    }
}

/// The activations of the kernels that read the bases.
impl Observable for Blueprint {
    fn record_observed<T: Real>(&self, tape: &mut Tape<T>) -> Result<Observed> {
        let layer = self.kernel_layer(tape)?;
        tape.keep(layer.activations);
        Ok(Observed {
            output: layer.activations,
            values: vec![layer.activations],
        })
    }
}

/// A blueprint with numbers.
pub struct Network<T> {
    pub blueprint: Blueprint,
    pub layout: Layout,
    pub params: Vec<T>,
}

impl<T: Number> Network<T> {
    /// Fresh parameters from a seed.
    pub fn initialise(blueprint: Blueprint, seed: u64) -> Result<Self> {
        let (tape, _) = blueprint.recorded::<T>(true, Lowering::Composed)?;
        let layout = tape.layout().clone();
        let params = layout.initialise(seed);
        Ok(Network {
            blueprint,
            layout,
            params,
        })
    }
}

impl<T: Real> Network<T> {
    /// The first motif whose kernels do not keep what [`Trainable::TiedMotifs`] ties.
    pub fn untied(&self) -> Option<usize> {
        let param = self.layout.get(MOTIF_WEIGHT)?;
        let element = param.ties.as_ref()?.broken(&self.params[param.range()])?;
        let kernel = param.shape.iter().skip(1).product::<usize>();
        let strands = self.blueprint.spec.strands()?.channels();
        Some(element / (kernel * strands))
    }
}

/// The loss from targets that are the next dense input.
pub fn with_loss<T: Real>(tape: &mut Tape<T>, output: Var, loss: Loss) -> Var {
    let outputs = tape.len(output);
    let target = tape.dense_input(&[loss.targets(outputs)]);
    match loss {
        Loss::Mean => mse(tape, output, target),
        Loss::Weighted => weighted_mse(tape, output, target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_are_over_signals_that_are_known() {
        let outputs = [1.0, 9.0, 2.0, 8.0, 3.0, 7.0];
        let signals = [2.0, 1.0, 4.0, 2.0, 9.0, 4.0];
        let whole = mean_correlation(&outputs, &signals, 2).unwrap();
        let weighted: Vec<f64> = signals
            .chunks(2)
            .flat_map(|row| [row[0], row[1], 0.5, 2.0])
            .collect();
        assert_eq!(mean_correlation(&outputs, &weighted, 2), Some(whole));
        // The first signal of the last row is missing: 1, 2 against 2, 4.
        let mut missing = weighted.clone();
        (missing[8], missing[10]) = (0.0, 0.0);
        let second = pearson(&[9.0, 8.0, 7.0], &[1.0, 2.0, 4.0]);
        let found = mean_correlation(&outputs, &missing, 2).unwrap();
        assert!((found - (1.0 + second) / 2.0).abs() < 1e-12, "{found}");
        assert_eq!(mean_correlation(&[], &[], 2), None);
    }
}
