//! A tiSFM model folder, opened to predict with.

use super::KIND;
use super::config::Description;
use super::network::{Blueprint, MOTIF_WEIGHT, Network};
use super::samples::Rows;
use crate::engine::Device;
use crate::io::state_dict::StateDict;
use crate::numbers::counted;
use crate::train::folder::config::Precision;
use crate::train::folder::open::Opened;
use crate::train::folder::weights::{Number, load, tensors};
use crate::train::folder::weights_in_folder;
use crate::train::model::Kind;
use crate::train::model::Lowering;
use crate::train::predictor::Predictor;
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::Path;

/// Configuration and best weights.
pub type SavedModel = Opened<Description>;

/// Opens a model folder with its best weights, or with those that a path in it names (`DIR/model.7`); `known`: all kinds, to name
/// another one.
///
/// # Errors
/// No folder of a tiSFM model; weights that are missing or damaged.
pub fn open(path: &Path, known: &[&Kind]) -> Result<SavedModel> {
    match weights_in_folder(path) {
        Some((folder, file)) => Opened::read_weights(&folder, file, &KIND, known),
        None => Opened::read(path, &KIND, known),
    }
}

impl SavedModel {
    /// Predictions for rows, rows x outputs; `seen` hears how many rows each batch had.
    ///
    /// # Errors
    /// Sequences of another length; weights of another architecture; the device fails.
    pub fn predict(
        &self,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        rows: &[usize],
        batch_size: usize,
        seen: impl Fn(usize),
    ) -> Result<Predictions> {
        self.check_length(samples.length)?;
        match precision {
            Precision::F64 => self
                .run::<f64>(device, precision, samples, rows, batch_size, seen)
                .map(Predictions::F64),
            Precision::F32 | Precision::Bf16 => self
                .run::<f32>(device, precision, samples, rows, batch_size, seen)
                .map(Predictions::F32),
        }
    }

    /// By identifier the motifs that the kernels hold; trained ones are no probabilities and have none.
    pub fn matrices(&self) -> HashMap<String, Vec<[f64; 4]>> {
        let config = &self.config.model;
        let blueprint = config.blueprint();
        let matrices = match (
            &blueprint.kernels,
            blueprint.spec.strands(),
            self.weights.get(MOTIF_WEIGHT),
        ) {
            (Some(kernels), Some(strands), Some(weight)) => {
                kernels.motifs_of(strands, &weight.values.to_f64())
            }
            _ => Vec::new(),
        };
        let named = config.motifs.iter().cloned().zip(matrices);
        named.filter_map(|(id, rows)| Some((id, rows?))).collect()
    }

    /// # Errors
    /// Sequences of another length than the model's.
    pub fn check_length(&self, length: usize) -> Result<()> {
        let window = self.config.model.window;
        if length == window {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the sequences are {} long, the model takes {window}",
            counted(length, "base")
        )))
    }

    fn run<T: Number>(
        &self,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        rows: &[usize],
        batch_size: usize,
        seen: impl Fn(usize),
    ) -> Result<Vec<T>> {
        let blueprint = self.config.model.blueprint();
        let network = Network::<T>::from_state_dict(blueprint, &self.weights, &self.file)?;
        let model = &network.blueprint;
        let params = network.params;
        let (source, most) = (&samples, rows.len());
        Predictor::new(device, precision, model, params, source, batch_size, most)?
            .predict(rows, seen)
    }
}

impl<T: Number> Network<T> {
    /// Parameters from a state dict; `path` names it in errors.
    pub fn from_state_dict(blueprint: Blueprint, state: &StateDict, path: &Path) -> Result<Self> {
        let (tape, _) = blueprint.recorded::<T>(true, Lowering::Composed)?;
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

/// Numbers as they were computed, so that they print with no more digits than they have.
pub enum Predictions {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Predictions {
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Predictions::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Predictions::F64(v) => v.clone(),
        }
    }

    /// The shortest text that reads back to the same number.
    pub fn text(&self, index: usize) -> String {
        match self {
            Predictions::F32(v) => format!("{:?}", v[index]),
            Predictions::F64(v) => format!("{:?}", v[index]),
        }
    }
}
