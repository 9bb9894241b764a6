//! The state of a run in one file: weights, moments, schedule, place in the epoch and history, so
//! that a kill never tears them apart.

use super::STATE;
use super::weights::{Number, load, load_moments, tensors};
use crate::engine::Layout;
use crate::io::history::EpochRecord;
use crate::io::state_dict::{NamedTensor, StateDict, Values, read, write_safetensors};
use crate::optim::Plateau;
use crate::train::model::Kind;
use crate::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize};
use std::path::Path;

/// Where a folder's last good numbers are, if there are any yet, for the message of a run that fails.
pub fn last_good(folder: &Path, kind: &Kind) -> String {
    let shown = folder.display();
    if folder.join(STATE).exists() {
        format!("the last good state stays in {shown}")
    } else {
        format!("{shown} holds no good state yet: {}", kind.reuse)
    }
}

const KEY: &str = "state";
const WEIGHTS: &str = "weights/";
const FIRST_MOMENT: &str = "m/";
const SECOND_MOMENT: &str = "v/";

/// Where a run stands, besides its numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Finished epochs.
    pub epoch: u64,
    /// Finished steps of the running epoch, what they have summed up, and its seconds so far.
    pub batch: usize,
    pub loss_sum: f64,
    /// By measure of the model. Version 0.1 wrote a single number, `hits`.
    #[serde(default, alias = "hits", deserialize_with = "one_or_more")]
    pub measures: Vec<f64>,
    pub seconds: f64,
    /// Optimizer steps in all.
    pub steps: u64,
    /// The learning rate that the run was given, from which the schedule starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_lr: Option<f64>,
    /// Of a schedule that cuts the learning rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
    /// The validation loss of the best epoch.
    pub best_loss: Option<f64>,
    /// What it was chosen by, the lower the better; versions that knew the loss alone did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_score: Option<f64>,
    pub best_epoch: u64,
    pub history: Vec<EpochRecord>,
    /// Early stopping ended it.
    pub stopped: bool,
    /// The kind of device that it last ran on: cpu or cuda.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Found {
        One(f64),
        More(Vec<f64>),
    }
    Ok(match Found::deserialize(from)? {
        Found::One(number) => vec![number],
        Found::More(numbers) => numbers,
    })
}

/// Where a folder's run stands, as far as its state tells.
pub fn progress_of(folder: &Path) -> Option<Progress> {
    let mut file = read(folder.join(STATE)).ok()?;
    serde_json::from_str(&file.metadata.remove(KEY)?).ok()
}

/// All that a run needs to go on.
pub struct State<T> {
    pub progress: Progress,
    pub params: Vec<T>,
    pub m: Vec<T>,
    pub v: Vec<T>,
}

impl<T: Number> State<T> {
    pub fn write(
        folder: &Path,
        layout: &Layout,
        progress: &Progress,
        params: &[T],
        m: &[T],
        v: &[T],
    ) -> Result<()> {
        let path = folder.join(STATE);
        let mut all: Vec<NamedTensor> = tensors(layout, params, WEIGHTS);
        let moments = |values: &[T], prefix: &str| {
            let part = |p: &crate::engine::Param| {
                NamedTensor::new(
                    format!("{prefix}{}", p.name),
                    &p.shape,
                    values[p.range()].to_vec(),
                )
            };
            layout.params.iter().map(part).collect::<Vec<_>>()
        };
        all.extend(moments(m, FIRST_MOMENT));
        all.extend(moments(v, SECOND_MOMENT));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let text =
            serde_json::to_string(progress).map_err(|e| Error::format(&path, e.to_string()))?;
        let state = StateDict {
            tensors: all,
            metadata: [(KEY.to_string(), text)].into(),
            entry: None,
        };
        write_safetensors(&path, &state)
    }

    /// The state of a folder; None where there is none yet.
    pub fn read(folder: &Path, layout: &Layout) -> Result<Option<Self>> {
        let path = folder.join(STATE);
        if !path.exists() {
            return Ok(None);
        }
        let mut file = read(&path)?;
        let text = file.metadata.remove(KEY).ok_or_else(|| {
            Error::format(
                &path,
                "is no training state: no entry `state` in its metadata",
            )
        })?;
        let progress: Progress =
            serde_json::from_str(&text).map_err(|e| Error::format(&path, e.to_string()))?;
        let mut part = |prefix: &str| {
            let (mine, rest) = std::mem::take(&mut file.tensors)
                .into_iter()
                .partition(|t: &NamedTensor| t.name.starts_with(prefix));
            file.tensors = rest;
            let mine: Vec<NamedTensor> = mine;
            let strip = |t: NamedTensor| NamedTensor {
                name: t.name[prefix.len()..].to_string(),
                ..t
            };
            StateDict {
                tensors: mine.into_iter().map(strip).collect(),
                ..StateDict::default()
            }
        };
        let (weights, m, v) = (part(WEIGHTS), part(FIRST_MOMENT), part(SECOND_MOMENT));
        for tensor in &weights.tensors {
            let same = match &tensor.values {
                Values::F32(_) => T::NAME == "f32",
                Values::F64(_) => T::NAME == "f64",
                _ => true,
            };
            if !same {
                return Err(Error::format(
                    &path,
                    format!("was written with another --precision than {}", T::NAME),
                ));
            }
        }
        Ok(Some(State {
            progress,
            params: load(layout, &weights, &path)?,
            m: load_moments(layout, &m, &path)?,
            v: load_moments(layout, &v, &path)?,
        }))
    }
}
