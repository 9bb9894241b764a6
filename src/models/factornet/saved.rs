//! A trained model, to predict with.

use super::config::Config;
use crate::engine::{CpuExecutor, Noise};
use crate::io::state_dict::{StateDict, read};
use crate::train::batch::Feed;
use crate::train::folder::weights::{Number, load};
use crate::train::folder::{BEST, CONFIG};
use crate::train::interrupt::interrupted;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Configuration and best weights.
pub struct FactorNet {
    pub config: Config,
    pub weights: StateDict,
    /// The file of the weights, for messages.
    pub file: PathBuf,
}

impl FactorNet {
    /// Opens a model folder of ours.
    ///
    /// # Errors
    /// No model folder; weights that are missing, damaged or another network's.
    pub fn open(folder: &Path) -> Result<Self> {
        if !folder.join(CONFIG).exists() {
            return Err(Error::invalid(format!(
                "{}: no model folder (neither {CONFIG} nor a Keras model.json in it)",
                folder.display()
            )));
        }
        let config = Config::read(folder)?;
        let file = folder.join(BEST);
        if !file.exists() {
            return Err(Error::invalid(format!(
                "{}: no {BEST}; training has not finished an epoch yet",
                folder.display()
            )));
        }
        let weights = read(&file)?;
        Ok(FactorNet {
            config,
            weights,
            file,
        })
    }

    /// The parameters in the order of the network's layout.
    ///
    /// # Errors
    /// Weights of another network.
    pub fn params<T: Number>(&self) -> Result<Vec<T>> {
        load(&self.config.network.layout(), &self.weights, &self.file)
    }

    /// Runs the network over samples, in batches, in their order.
    ///
    /// # Errors
    /// Weights of another network.
    pub fn predictor<T: Number>(&self, batch_size: usize) -> Result<Predictor<T>> {
        let network = &self.config.network;
        Ok(Predictor {
            executor: CpuExecutor::new(network.inference_program(batch_size)),
            params: self.params()?,
            feed: Feed::new(network, batch_size),
            batch_size,
            factors: network.factors,
        })
    }
}

/// A network with its buffers.
pub struct Predictor<T: Number> {
    executor: CpuExecutor<T>,
    params: Vec<T>,
    feed: Feed<T>,
    batch_size: usize,
    factors: usize,
}

impl<T: Number> Predictor<T> {
    /// The probabilities of the samples, `samples x T`; `fill` writes codes (L), tracks (n, L) and meta numbers (M) of
    /// one; `seen` hears how many each batch had.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after a signal that the program watches for.
    pub fn predict<S: Sync>(
        &mut self,
        samples: &[S],
        fill: impl Fn(&S, &mut [u8], &mut [f32], &mut [f32]) + Sync,
        seen: impl Fn(usize),
    ) -> Result<Vec<T>> {
        let mut out = vec![T::ZERO; samples.len() * self.factors];
        let batches = samples.chunks(self.batch_size);
        for (samples, out) in batches.zip(out.chunks_mut(self.batch_size * self.factors)) {
            self.feed.fill(samples, &fill);
            let batch = self.feed.batch(Noise::default(), false);
            self.executor.forward(&self.params, &batch, out);
            seen(samples.len());
            if interrupted() {
                return Err(Error::Interrupted);
            }
        }
        Ok(out)
    }
}
