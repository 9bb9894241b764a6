//! One case: output, loss and every gradient of a network.

use crate::check::golden::{CASE_FILE, Check, norm, relative};
use crate::data::dataset::Dataset;
use crate::engine::cpu::Inspection;
use crate::engine::cuda::{DeviceExecutor, DeviceProgram, Gpu, Precision};
use crate::engine::{Batch, CpuExecutor, Layout, Noise, Program, Tape, Var};
use crate::io::meme::read_meme;
use crate::io::signals::RowColumns;
use crate::io::state_dict::{StateDict, read};
use crate::io::text::Lines;
use crate::models::tisfm::network::{Blueprint, Loss, MOTIF_WEIGHT, Trainable, with_loss};
use crate::models::tisfm::spec::Block;
use crate::models::tisfm::{Dimensions, MotifKernels, builtin};
use crate::train::folder::weights::{Number, load};
use crate::train::model::Lowering;
use crate::{Error, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of the parameters, and of the numbers that the original computed with them.
pub(super) const PARAMS: &str = "params.safetensors";
pub(super) const EXPECTED: &str = "expected.safetensors";
/// Relative error, ||a - b|| / ||b||, that f64 must keep.
const TOLERANCE_F64: f64 = 1e-9;
const TOLERANCE_F32: f64 = 1e-4;
/// A gradient that is zero in theory (the key's softmax cancels the query's bias) is rounding
/// noise in both programs: what is below this share of the whole gradient is not compared.
const NOISE: f64 = 1e-14;
/// The same in f32.
const NOISE_F32: f64 = 1e-7;

#[derive(Deserialize)]
pub(super) struct CaseFile {
    pub architecture: String,
    pub window: usize,
    pub loss: f64,
    pub mode: String,
    pub optimizer: Option<OptimizerCase>,
}

#[derive(Deserialize)]
pub(super) struct OptimizerCase {
    pub name: String,
    pub lr: f64,
    pub patience: Option<u32>,
    pub lambda: Option<f64>,
    pub loss_per_step: Vec<f64>,
    pub lr_per_step: Option<Vec<f64>>,
}

pub struct Case {
    pub(super) folder: PathBuf,
    pub(super) file: CaseFile,
    pub(super) blueprint: Blueprint,
    pub(super) data: Dataset,
    pub(super) params: StateDict,
    pub(super) expected: StateDict,
    pub(super) training: bool,
}

impl Case {
    pub fn read(folder: &Path) -> Result<Case> {
        let path = folder.join(CASE_FILE);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let file: CaseFile =
            serde_json::from_str(&text).map_err(|e| Error::format(&path, e.to_string()))?;
        let params = read(folder.join(PARAMS))?;
        let (data, _) = Dataset::read(
            Lines::open(&folder.join("signals.tsv"))?,
            &RowColumns::default(),
            Lines::open(&folder.join("sequences.tsv"))?,
            None,
            &mut Vec::new(),
        )?;
        let mut spec = builtin::find(&file.architecture)?;
        spec.take_sizes(|name| params.shape(name));
        let training = file.mode.starts_with("training");
        for block in &mut spec.blocks {
            if let Block::Dropout { p } = block {
                *p = 0.0;
            }
        }
        let kernels = match (spec.strands(), params.get(MOTIF_WEIGHT)) {
            (Some(_), Some(weight)) => {
                let motifs = read_meme(folder.join("motifs.meme"))?;
                Some(MotifKernels::empty(motifs.len(), weight.shape[2]))
            }
            _ => None,
        };
        Ok(Case {
            blueprint: Blueprint {
                spec,
                dimensions: Dimensions {
                    window: file.window,
                    outputs: data.outputs.len(),
                },
                kernels,
                trainable: Trainable::All,
                loss: Loss::Mean,
            },
            expected: read(folder.join(EXPECTED))?,
            folder: folder.to_path_buf(),
            file,
            data,
            params,
            training,
        })
    }

    /// Output, loss and gradients, block by block and fused, in f64 and in f32.
    pub fn check_network(&self) -> Result<Vec<Check>> {
        let mut checks = self.compare::<f64>(Lowering::Composed, TOLERANCE_F64)?;
        checks.extend(self.compare::<f64>(Lowering::Fused, TOLERANCE_F64)?);
        for lowering in [Lowering::Composed, Lowering::Fused] {
            checks.extend(self.compare::<f32>(lowering, TOLERANCE_F32)?);
        }
        Ok(checks)
    }

    /// Output, loss and gradients on a GPU: block by block and fused, and fused with the motifs frozen.
    pub fn check_on(&self, gpu: &Arc<Gpu>) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        for (lowering, trainable) in [
            (Lowering::Composed, Trainable::All),
            (Lowering::Fused, Trainable::All),
            (Lowering::Fused, Trainable::AllButMotifs),
        ] {
            let blueprint = Blueprint {
                trainable,
                ..self.blueprint.clone()
            };
            let (tape, output, loss, watched) = self.record::<f32>(&blueprint, lowering)?;
            let rows = self.data.len();
            let program = DeviceProgram::new(tape, output, Some(loss), rows)?;
            let layout = program.layout().clone();
            let params: Vec<f32> = load(&layout, &self.params, &self.folder)?;
            let length = self.data.length;
            let mut executor = DeviceExecutor::new(gpu, program, length, &params, Precision::F32)?;
            let targets: Vec<f32> = self.data.signals.iter().map(|&s| s as f32).collect();
            let mut grads = vec![0.0; params.len()];
            let found = executor.inspect(&self.batch(&targets), &mut grads, &watched)?;
            checks.extend(self.judge("cuda f32", lowering, &layout, &found, &grads, TOLERANCE_F32));
        }
        Ok(checks)
    }

    /// The network with its loss, and what is watched: the dense input, and the batch's first sequence.
    fn record<T: Number>(
        &self,
        blueprint: &Blueprint,
        lowering: Lowering,
    ) -> Result<(Tape<T>, Var, Var, Vec<Var>)> {
        let (mut tape, built) = blueprint.recorded::<T>(self.training, lowering)?;
        let loss = with_loss(&mut tape, built.output, blueprint.loss);
        let watched: Vec<_> = [built.input, built.first_input]
            .into_iter()
            .flatten()
            .collect();
        for &var in &watched {
            tape.watch(var);
        }
        Ok((tape, built.output, loss, watched))
    }

    fn batch<'a, T>(&'a self, targets: &'a [T]) -> Batch<'a, T> {
        Batch {
            rows: self.data.len(),
            codes: &self.data.codes,
            dense: vec![targets],
            noise: Noise::default(),
        }
    }

    fn compare<T: Number>(&self, lowering: Lowering, allowed: f64) -> Result<Vec<Check>> {
        let (tape, output, loss, watched) = self.record::<T>(&self.blueprint, lowering)?;
        let program = Program::new(tape, output, Some(loss), self.data.len());
        let mut executor = CpuExecutor::new(program);
        let params: Vec<T> = load(executor.layout(), &self.params, &self.folder)?;
        let targets: Vec<T> = self.data.signals.iter().map(|&s| T::of(s)).collect();
        let mut grads = vec![T::ZERO; params.len()];
        let found = executor.inspect(&params, &self.batch(&targets), &mut grads, &watched);
        Ok(self.judge(
            T::NAME,
            lowering,
            executor.layout(),
            &found,
            &grads,
            allowed,
        ))
    }

    /// A run's numbers against the original's.
    fn judge<T: Number>(
        &self,
        by: &str,
        lowering: Lowering,
        layout: &Layout,
        found: &Inspection<T>,
        grads: &[T],
        allowed: f64,
    ) -> Vec<Check> {
        let rows = self.data.len();
        let label = |what: &str| format!("{by} {lowering:?} {what}");
        let numbers = |v: &[T]| v.iter().map(|x| x.f64()).collect::<Vec<f64>>();
        let mut checks = Vec::new();
        let mut add = |what: &str, ours: &[f64], theirs: &[f64], floor: f64| {
            checks.push(Check {
                what: label(what),
                error: relative(ours, theirs, floor),
                allowed,
            });
        };
        let expected = |name: &str| self.expected.get(name).map(|t| t.values.to_f64());
        if let Some(output) = expected("output") {
            add("output", &numbers(&found.output), &output, 0.0);
        }
        let mean = numbers(&found.losses).iter().sum::<f64>() / rows as f64;
        add("loss", &[mean], &[self.file.loss], 0.0);
        let per_row = 1.0 / rows as f64;
        let scaled = |v: Vec<f64>| v.into_iter().map(|x| x * per_row).collect::<Vec<f64>>();
        let gradients = scaled(numbers(grads));
        let noise = if T::NAME == "f32" { NOISE_F32 } else { NOISE };
        let floor = noise / allowed * norm(&gradients);
        if let (Some(theirs), Some(own), true) = (
            expected("grad.input"),
            found.watched.first().filter(|w| !w.is_empty()),
            lowering == Lowering::Composed,
        ) {
            let mut ours = scaled(numbers(own));
            // The batch's first sequence also feeds what all rows share.
            if let Some(first) = found.watched.get(1) {
                for (g, f) in ours.iter_mut().zip(scaled(numbers(first))) {
                    *g += f;
                }
            }
            add("grad.input", &ours, &theirs, floor);
        }
        for (name, ours, theirs, learns) in self.parameter_gradients(layout, &gradients) {
            if learns || T::NAME == "f64" {
                add(&name, &ours, &theirs, floor);
            }
        }
        checks
    }

    /// Each parameter's gradient, ours and theirs; where theirs is absent ours must be zero.
    fn parameter_gradients(
        &self,
        layout: &Layout,
        gradients: &[f64],
    ) -> Vec<(String, Vec<f64>, Vec<f64>, bool)> {
        let trained = layout
            .params
            .iter()
            .filter(|p| p.role == crate::engine::Role::Weight);
        trained
            .map(|p| {
                let name = format!("grad.{}", p.name);
                let theirs = self.expected.get(&name).map(|t| t.values.to_f64());
                let theirs = theirs.unwrap_or_else(|| vec![0.0; p.len()]);
                (name, gradients[p.range()].to_vec(), theirs, p.trainable)
            })
            .collect()
    }
}
