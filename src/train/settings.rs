//! How a run trains.

use crate::optim::{OptimizerSettings, Schedule};
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub struct TrainSettings {
    pub epochs: u64,
    pub batch_size: usize,
    pub lr: f64,
    pub schedule: Schedule,
    pub optimizer: OptimizerSettings,
    pub seed: u64,
    /// Leave out an epoch's last batch when it is not full.
    pub drop_last: bool,
    /// Keep the weights of every epoch.
    pub save_all: bool,
    /// Keep those of the lowest training loss.
    pub save_train_best: bool,
    /// Decides about the best weights, cuts of the rate, and early stopping.
    pub best_by: BestBy,
    /// Epochs in which the rate rises to its value, in even steps.
    pub warmup: u64,
    /// Let the rate fall to 0 over the epochs, by half a cosine.
    pub anneal: bool,
    /// Training ends after more than so many epochs without a gain.
    pub stop_after: Option<u64>,
    /// Epochs behind which the numbering begins: those of the weights that the run starts from.
    pub epochs_before: u64,
    /// Where TensorBoard's event files go.
    pub log_dir: Option<PathBuf>,
}

/// Which epoch's weights are the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BestBy {
    /// The lowest validation loss.
    #[default]
    Loss,
    /// The highest of [`Model::overall`](super::Model::overall).
    Overall,
}

/// The share of the rate that is left in `epoch` (the first is 0) of `epochs`: (1 + cos(pi epoch / epochs)) / 2.
pub(super) fn annealed(epoch: u64, epochs: u64) -> f64 {
    (1.0 + (std::f64::consts::PI * epoch as f64 / epochs as f64).cos()) / 2.0
}
