//! A model with its parameters: from a spec and motifs, or from a state dict.

use crate::engine::cpu::piece_rows;
use crate::engine::{Layout, Param, Program, Real, Role, Tape, Var};
use crate::io::state_dict::StateDict;
use crate::models::tisfm::{Built, Dimensions, Features, MotifKernels, Spec, build};
use crate::ops::mse::mse;
use crate::train::folder::weights::{Number, load, tensors};
use crate::train::model::Lowering;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

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
    /// Records the model; the second value is where the dense inputs can be watched.
    pub fn record<T: Real>(&self, training: bool, lowering: Lowering) -> Result<(Tape<T>, Built)> {
        let mut tape = Tape::new(training);
        let built = build(
            &mut tape,
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
        Ok((tape, built))
    }

    /// A program that trains on batches of up to `batch` rows: the target is dense input 0.
    pub fn training_program<T: Real>(&self, batch: usize) -> Result<Program<T>> {
        self.sized(batch, |rows| {
            let (mut tape, built) = self.record::<T>(true, Lowering::Fused)?;
            let target = tape.dense_input(&[self.dimensions.outputs]);
            let loss = mse(&mut tape, built.output, target);
            Ok(Program::new(tape, built.output, Some(loss), rows))
        })
    }

    /// A program that predicts.
    pub fn inference_program<T: Real>(&self, batch: usize) -> Result<Program<T>> {
        self.sized(batch, |rows| {
            let (tape, built) = self.record::<T>(false, Lowering::Fused)?;
            Ok(Program::new(tape, built.output, None, rows))
        })
    }

    /// As many rows a piece as fit a thread's arena; the whole batch where an op spans it.
    fn sized<T: Real>(
        &self,
        batch: usize,
        make: impl Fn(usize) -> Result<Program<T>>,
    ) -> Result<Program<T>> {
        let one = make(1)?;
        let rows = if one.spans_batch() {
            batch
        } else {
            piece_rows::<T>(one.arena_len()).min(batch)
        };
        if rows == 1 { Ok(one) } else { make(rows) }
    }

    /// What the inputs of the last layer are, and that layer's name.
    pub fn features(&self) -> Result<(Features, Option<String>)> {
        let (_, built) = self.record::<f32>(false, Lowering::Composed)?;
        Ok((built.features, built.last_layer))
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
        let (tape, _) = blueprint.record::<T>(true, Lowering::Composed)?;
        let layout = tape.layout().clone();
        let params = layout.initialise(seed);
        Ok(Network {
            blueprint,
            layout,
            params,
        })
    }

    /// Parameters from a state dict; `path` names it in errors.
    pub fn from_state_dict(blueprint: Blueprint, state: &StateDict, path: &Path) -> Result<Self> {
        let (tape, _) = blueprint.record::<T>(true, Lowering::Composed)?;
        let layout = tape.layout().clone();
        let params = load(&layout, state, path)?;
        Ok(Network {
            blueprint,
            layout,
            params,
        })
    }

    pub fn state_dict(&self) -> StateDict {
        StateDict {
            tensors: tensors(&self.layout, &self.params, ""),
            ..StateDict::default()
        }
    }
}

/// The loss variable of golden checks: a recorded model with its target.
pub fn with_loss<T: Real>(tape: &mut Tape<T>, output: Var, outputs: usize) -> Var {
    let target = tape.dense_input(&[outputs]);
    mse(tape, output, target)
}
