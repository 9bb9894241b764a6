//! A model folder, opened to predict with.

use super::config::Config;
use super::network::Network;
use crate::engine::{CpuExecutor, Device};
use crate::io::state_dict::{StateDict, read};
use crate::train::batch::Samples;
use crate::train::folder::BEST;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::predictor::predict;
use crate::train::worker::session::{Session, SessionSettings};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Configuration and best weights.
pub struct SavedModel {
    pub config: Config,
    pub weights: StateDict,
    file: PathBuf,
}

impl SavedModel {
    /// # Errors
    /// No model folder; weights that are missing, damaged or another architecture's.
    pub fn open(folder: &Path) -> Result<Self> {
        let config = Config::read(folder)?;
        let file = folder.join(BEST);
        if !file.exists() {
            let hint = if folder.join("path_0").is_dir() {
                "; it holds a penalty path: name one of its path_N folders"
            } else {
                "; training has not finished an epoch yet"
            };
            return Err(Error::invalid(format!(
                "{}: no {BEST}{hint}",
                folder.display()
            )));
        }
        let weights = read(&file)?;
        Ok(SavedModel {
            config,
            weights,
            file,
        })
    }

    /// Predictions for rows of samples, rows x outputs; `seen` hears how many rows are done.
    pub fn predict(
        &self,
        device: &Device,
        precision: Precision,
        samples: Samples<'_>,
        rows: &[usize],
        batch_size: usize,
        seen: impl Fn(usize),
    ) -> Result<Predictions> {
        if samples.length != self.config.window {
            return Err(Error::invalid(format!(
                "the sequences are {} bases long, the model takes {}",
                samples.length, self.config.window
            )));
        }
        match (device, precision) {
            (Device::Cuda { gpu, graph }, _) => {
                let network = self.network::<f32>()?;
                let program = network.blueprint.device_inference(batch_size)?;
                let settings = SessionSettings {
                    batch_size,
                    precision: precision.on_card(),
                    seed: 0,
                    graph: *graph,
                };
                let mut session = Session::new(gpu, program, None, samples.into(), settings)?;
                session.load(&network.params, None)?;
                session.predict(rows, seen).map(Predictions::F32)
            }
            (Device::Cpu { .. }, Precision::F64) => self
                .run::<f64>(samples, rows, batch_size, seen)
                .map(Predictions::F64),
            (Device::Cpu { .. }, Precision::F32 | Precision::Bf16) => self
                .run::<f32>(samples, rows, batch_size, seen)
                .map(Predictions::F32),
        }
    }

    fn network<T: Number>(&self) -> Result<Network<T>> {
        Network::from_state_dict(self.config.blueprint(), &self.weights, &self.file)
    }

    fn run<T: Number>(
        &self,
        samples: Samples<'_>,
        rows: &[usize],
        batch_size: usize,
        seen: impl Fn(usize),
    ) -> Result<Vec<T>> {
        let network = self.network::<T>()?;
        let mut executor = CpuExecutor::new(network.blueprint.inference_program::<T>(batch_size)?);
        Ok(predict(
            &mut executor,
            &network.params,
            samples,
            rows,
            batch_size,
            seen,
        ))
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
