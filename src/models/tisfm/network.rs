//! A model with its parameters: from a spec and motifs, or from a state dict.

use super::KIND;
use crate::engine::{Layout, Param, Real, Role, Tape, Var};
use crate::metrics::mean;
use crate::metrics::regression::pearson;
use crate::models::tisfm::build::kernel_layer;
use crate::models::tisfm::{Built, Dimensions, Features, KernelLayer, MotifKernels, Spec, build};
use crate::ops::mse::mse;
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
}

/// Everything but the numbers.
#[derive(Clone, Debug)]
pub struct Blueprint {
    pub spec: Spec,
    pub dimensions: Dimensions,
    pub kernels: Option<MotifKernels>,
    pub trainable: Trainable,
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

    fn build<T: Real>(&self, tape: &mut Tape<T>, lowering: Lowering) -> Result<Built> {
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
                    Trainable::All => true,
                    Trainable::FinalLayer => in_last(&param.name),
                }
        });
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
            targets: self.dimensions.outputs,
            outputs: self.dimensions.outputs,
        }
    }

    /// The loss is the mean squared error over the outputs.
    fn record<T: Real>(
        &self,
        tape: &mut Tape<T>,
        purpose: Purpose,
        _on: Processor,
    ) -> Result<Recorded> {
        let built = self.build(tape, Lowering::Fused)?;
        let loss = match purpose {
            Purpose::Train => Some(with_loss(tape, built.output, self.dimensions.outputs)),
            Purpose::Predict => None,
        };
        Ok(Recorded {
            output: built.output,
            loss,
        })
    }

    /// Squared errors.
    fn tally<T: Real>(&self, outputs: &[T], targets: &[f64], tally: &mut Tally) {
        for (p, s) in outputs.iter().zip(targets) {
            tally.sum += (p.f64() - s) * (p.f64() - s);
        }
        tally.count += outputs.len() as f64;
    }

    /// The mean of the outputs' correlations with their signals.
    fn overall(&self) -> Option<Overall> {
        Some(Overall {
            name: "r",
            of: mean_correlation,
        })
    }
}

/// Over the outputs where it is defined: neither predictions nor signals are all the same.
fn mean_correlation(outputs: &[f64], targets: &[f64], width: usize) -> Option<f64> {
    let column = |values: &[f64], output: usize| -> Vec<f64> {
        values.iter().skip(output).step_by(width).copied().collect()
    };
    let all = (0..width).map(|output| pearson(&column(outputs, output), &column(targets, output)));
    mean(all.filter(|r| r.is_finite()))
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

/// The mean squared error from targets that are the next dense input.
pub fn with_loss<T: Real>(tape: &mut Tape<T>, output: Var, outputs: usize) -> Var {
    let target = tape.dense_input(&[outputs]);
    mse(tape, output, target)
}
