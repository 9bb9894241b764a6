//! One case: a network's sizes, inputs and numbers, and how far ours may be from them.

use crate::check::golden::{CASE_FILE, Check, relative, relative_to_largest};
use crate::io::state_dict::{NamedTensor, StateDict};
use crate::models::factornet::{Dropouts, Masking, Recurrent, Spec};
use crate::train::folder::weights::Number;
use crate::train::model::{Lowering, Model};
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The file of a case's numbers.
pub(super) const TENSORS: &str = "tensors.safetensors";
/// Relative error, ||a - b|| / ||b||, that f64 must keep.
const TOLERANCE: f64 = 1e-9;
/// In f32, the largest difference over the largest number: [`TIMES_F32`] times the error of the original's own f32 run, and
/// at least this.
const LEAST_F32: f64 = 1e-6;
const TIMES_F32: f64 = 10.0;

/// On a GPU, the same, and at least this.
const LEAST_GPU: f64 = 1e-4;

/// Who computed ours, in which arithmetic: its bounds follow from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    CpuF64,
    CpuF32,
    GpuF32,
}

impl By {
    pub fn cpu<T: Number>() -> By {
        match T::NAME {
            "f64" => By::CpuF64,
            _ => By::CpuF32,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            By::CpuF64 => "f64",
            By::CpuF32 => "f32",
            By::GpuF32 => "cuda f32",
        }
    }
}

/// What `case.json` says.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum CaseFile {
    /// A network's activations, loss, gradients and training.
    Network(Box<Network>),
    /// Single layers and the optimizer.
    Layers,
}

#[derive(Deserialize)]
pub(super) struct Network {
    config: Config,
    /// Rows of the batch.
    pub batch: usize,
    pub adam: Adam,
    /// Dropout's masks are given; else there is no dropout.
    masked: bool,
    /// The activations of every position are there for this many rows alone.
    pub big_act_samples: usize,
    f32_err_abs_rel: Errors,
}

/// The network's sizes, as the original's arguments name them.
#[derive(Deserialize)]
struct Config {
    #[serde(rename = "L")]
    length: usize,
    w: usize,
    kernels: usize,
    recurrent: i64,
    dense: usize,
    num_tfs: usize,
    num_bws: usize,
    num_meta: usize,
    rc_order: Vec<usize>,
    p_conv: f64,
    #[serde(rename = "p_W")]
    p_w: f64,
    #[serde(rename = "p_U")]
    p_u: f64,
    p_rate: f64,
    p_meta: f64,
}

impl Config {
    fn spec(self, masked: bool) -> Spec {
        let dropout = Dropouts {
            convolution: self.p_conv,
            lstm_input: self.p_w,
            lstm_state: self.p_u,
            features: self.p_rate,
            meta: self.p_meta,
            dense: self.p_rate,
        };
        Spec {
            length: self.length,
            motif_width: self.w,
            kernels: self.kernels,
            recurrent: Recurrent::of(self.recurrent),
            dense: self.dense,
            tracks: (0..self.num_bws).map(|i| format!("track{i}")).collect(),
            rc_order: self.rc_order,
            meta: self.num_meta,
            factors: self.num_tfs,
            dropout: if masked { dropout } else { Dropouts::NONE },
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Adam {
    pub lr: f64,
    pub steps: usize,
    pub minibatch: usize,
}

/// The original's own errors in f32: the largest difference, and the same over the largest number.
#[derive(Deserialize)]
struct Errors {
    prob: [f64; 2],
    loss: [f64; 2],
    grad: HashMap<String, [f64; 2]>,
    adam_losses: [f64; 2],
    adam_final: HashMap<String, [f64; 2]>,
}

/// A number that f32 has a bound for.
#[derive(Clone, Copy)]
pub(super) enum Bounded<'a> {
    Probability,
    Loss,
    Gradient(&'a str),
    /// The losses of training.
    Losses,
    /// A parameter after training.
    Trained(&'a str),
}

/// A case's file and its tensors.
pub(super) fn read(folder: &Path) -> Result<(CaseFile, StateDict)> {
    let path = folder.join(CASE_FILE);
    let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
    let file = serde_json::from_str(&text).map_err(|e| Error::format(&path, e.to_string()))?;
    Ok((file, crate::io::state_dict::read(folder.join(TENSORS))?))
}

/// A case's tensor.
pub(super) fn tensor<'a>(
    folder: &Path,
    tensors: &'a StateDict,
    name: &str,
) -> Result<&'a NamedTensor> {
    let found = tensors.get(name);
    found.ok_or_else(|| Error::format(folder.join(TENSORS), format!("no tensor {name}")))
}

/// A network and its numbers.
pub(super) struct Case {
    folder: PathBuf,
    tensors: StateDict,
    pub spec: Spec,
    pub batch: usize,
    pub adam: Adam,
    pub big_act_samples: usize,
    masked: bool,
    errors: Errors,
}

impl Case {
    pub fn new(folder: &Path, file: Network, tensors: StateDict) -> Result<Case> {
        let spec = file.config.spec(file.masked);
        spec.check()?;
        Ok(Case {
            folder: folder.to_path_buf(),
            tensors,
            spec,
            batch: file.batch,
            adam: file.adam,
            big_act_samples: file.big_act_samples,
            masked: file.masked,
            errors: file.f32_err_abs_rel,
        })
    }

    fn tensor(&self, name: &str) -> Result<&NamedTensor> {
        tensor(&self.folder, &self.tensors, name)
    }

    pub fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        Ok(self.tensor(name)?.values.to_f64())
    }

    /// All parameters, in the layout's order.
    pub fn parameters<T: Number>(&self) -> Result<Vec<T>> {
        let layout = self.spec.layout()?;
        let wrong = |what: String| Error::format(self.folder.join(TENSORS), what);
        let stored = self.tensors.tensors.iter();
        let stored = stored.filter(|t| t.name.starts_with("param/")).count();
        if layout.params.len() != stored {
            let needed = layout.params.len();
            return Err(wrong(format!("{stored} parameters, not {needed}")));
        }
        let mut values = Vec::new();
        for param in &layout.params {
            let name = format!("param/{}", param.name);
            let tensor = self.tensor(&name)?;
            if tensor.shape != param.shape {
                let (found, needed) = (&tensor.shape, &param.shape);
                return Err(wrong(format!("{name} has shape {found:?}, not {needed:?}")));
            }
            values.extend(tensor.values.to_f64().into_iter().map(T::of));
        }
        Ok(values)
    }

    /// The base codes of rows.
    pub fn codes(&self, rows: &Range<usize>) -> Result<Vec<u8>> {
        let codes = self.tensor("in/seq")?.values.as_slice::<u8>();
        let codes = codes.ok_or_else(|| {
            let path = self.folder.join(TENSORS);
            Error::format(path, "in/seq is not of type uint8")
        })?;
        Ok(part(codes, self.spec.length, rows))
    }

    /// The dense inputs of rows, targets last; masks from `prefix` (at a step, where there are several).
    pub fn dense<T: Number>(
        &self,
        rows: &Range<usize>,
        prefix: &str,
        step: Option<usize>,
    ) -> Result<Vec<Vec<T>>> {
        let spec = &self.spec;
        let mut dense: Vec<Vec<f64>> = Vec::new();
        if !spec.tracks.is_empty() {
            // (B, L, n) there, (n, L) of each row here.
            let (n, length) = (spec.tracks.len(), spec.length);
            let all = self.numbers("in/bw")?;
            let at = |row: usize, i: usize, t: usize| all[(row * length + t) * n + i];
            let mut values = Vec::new();
            for row in rows.clone() {
                for i in 0..n {
                    values.extend((0..length).map(|t| at(row, i, t)));
                }
            }
            dense.push(values);
        }
        if spec.meta > 0 {
            dense.push(part(&self.numbers("in/meta")?, spec.meta, rows));
        }
        if self.masked {
            dense.extend(self.masks(rows, prefix, step)?);
        }
        dense.push(part(&self.numbers("target")?, spec.factors, rows));
        let convert = |v: Vec<f64>| v.into_iter().map(T::of).collect();
        Ok(dense.into_iter().map(convert).collect())
    }

    /// Dropout's multipliers, in the order in which they act.
    fn masks(
        &self,
        rows: &Range<usize>,
        prefix: &str,
        step: Option<usize>,
    ) -> Result<Vec<Vec<f64>>> {
        let (rates, meta) = (self.spec.dropout, self.spec.meta > 0);
        let lstm = matches!(self.spec.recurrent, Recurrent::Units(_));
        let sites = [
            ("conv", rates.convolution, 2, true),
            ("lstm_W", rates.lstm_input, 16, lstm),
            ("lstm_U", rates.lstm_state, 16, lstm),
            ("drop1", rates.features, 2, true),
            ("drop_meta", rates.meta, 2, meta),
            ("drop2", rates.dense, 2, true),
        ];
        let mut masks = Vec::new();
        for (site, p, groups, _) in sites.into_iter().filter(|&(.., there)| there) {
            let tensor = self.tensor(&format!("{prefix}/{site}"))?;
            let mut all = tensor.values.to_f64();
            // A step's masks are those of its own rows.
            let mut rows = rows.clone();
            if let Some(step) = step {
                let each = all.len() / tensor.shape[0];
                all = all[step * each..(step + 1) * each].to_vec();
                rows = 0..rows.len();
            }
            let kept = by_row(&all, groups, all.len() / groups / rows.len(), &rows);
            masks.push(kept.iter().map(|m| m / (1.0 - p)).collect());
        }
        Ok(masks)
    }

    pub fn masking(&self) -> Masking {
        if self.masked {
            Masking::Given
        } else {
            Masking::Drawn
        }
    }

    /// Layer by layer and, where no masks are given, fused.
    pub fn lowerings(&self) -> Vec<Lowering> {
        let mut all = vec![Lowering::Composed];
        if !self.masked {
            all.push(Lowering::Fused);
        }
        all
    }

    /// Ours against `theirs`, by the arithmetic's measure and bound.
    pub fn compare(
        &self,
        by: By,
        lowering: Lowering,
        what: &str,
        ours: &[f64],
        theirs: &[f64],
        number: Bounded,
    ) -> Result<Check> {
        let what = format!("{} {lowering:?} {what}", by.name());
        let least = match by {
            By::CpuF64 => return Ok(in_f64(what, ours, theirs)),
            By::CpuF32 => LEAST_F32,
            By::GpuF32 => LEAST_GPU,
        };
        Ok(Check {
            what,
            error: relative_to_largest(ours, theirs),
            allowed: (TIMES_F32 * self.error_f32(number)?).max(least),
        })
    }

    /// The original's own error in f32.
    fn error_f32(&self, number: Bounded) -> Result<f64> {
        let errors = &self.errors;
        let found = match number {
            Bounded::Probability => Some(&errors.prob),
            Bounded::Loss => Some(&errors.loss),
            Bounded::Gradient(name) => errors.grad.get(name),
            Bounded::Losses => Some(&errors.adam_losses),
            Bounded::Trained(name) => errors.adam_final.get(name),
        };
        let [_, relative] = found.ok_or_else(|| {
            let path = self.folder.join(CASE_FILE);
            Error::format(path, "a parameter is missing from f32_err_abs_rel")
        })?;
        Ok(*relative)
    }
}

/// Ours of a single layer, computed on a GPU, against `theirs`.
pub(super) fn on_gpu(what: String, ours: &[f64], theirs: &[f64]) -> Check {
    Check {
        what,
        error: relative(ours, theirs, 0.0),
        allowed: LEAST_GPU,
    }
}

/// Ours, computed in f64, against `theirs`.
pub(super) fn in_f64(what: String, ours: &[f64], theirs: &[f64]) -> Check {
    Check {
        what,
        error: relative(ours, theirs, 0.0),
        allowed: TOLERANCE,
    }
}

/// Rows of (B, len) numbers.
fn part<N: Clone>(all: &[N], len: usize, rows: &Range<usize>) -> Vec<N> {
    all[rows.start * len..rows.end * len].to_vec()
}

/// From (groups, B, len) to (rows, groups, len).
pub(super) fn by_row(all: &[f64], groups: usize, len: usize, rows: &Range<usize>) -> Vec<f64> {
    let batch = all.len() / groups / len;
    let mut out = Vec::new();
    for row in rows.clone() {
        for group in 0..groups {
            let at = (group * batch + row) * len;
            out.extend_from_slice(&all[at..at + len]);
        }
    }
    out
}

pub(super) fn numbers<T: Number>(v: &[T]) -> Vec<f64> {
    v.iter().map(|x| x.f64()).collect()
}
