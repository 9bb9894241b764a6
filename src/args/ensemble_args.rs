//! How many models a training command makes.

use super::numbers::one_or_more;
use crate::engine::Device;
use crate::train::ensemble::Ensemble;
use crate::train::model::Kind;
use crate::{Error, Result};

#[derive(clap::Args, Clone, Debug)]
pub struct EnsembleArgs {
    /// Train so many models that differ by seed: --seed, the next one, and so on; predictions are their mean
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    pub seeds: Option<usize>,
    /// Train a model for each of K folds, blocks of 1 Mb of neighbors: fold I tests, fold I + 1 validates
    #[arg(long, value_name = "K", value_parser = one_or_more::<usize>)]
    pub folds: Option<usize>,
    /// How many of these models train at the same time [default: all at once, at most one per thread; one after the other on a GPU]
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    pub side_by_side: Option<usize>,
}

impl EnsembleArgs {
    /// Whether the flags request a folder of several models.
    pub fn given(&self) -> bool {
        self.seeds.is_some() || self.folds.is_some()
    }

    /// # Errors
    /// A flag that would do nothing.
    pub fn check(&self) -> Result<()> {
        match self.side_by_side.is_some() && !self.given() {
            true => Err(Error::usage("--side-by-side goes with --seeds or --folds")),
            false => Ok(()),
        }
    }

    /// The models, from `seed` on.
    ///
    /// # Errors
    /// Those of [`Ensemble::new`].
    pub fn ensemble(&self, kind: &Kind, seed: u64) -> Result<Ensemble> {
        Ensemble::new(kind, seed, self.seeds.unwrap_or(1), self.folds)
    }

    /// How many train at the same time.
    pub fn at_once(&self, device: &Device) -> usize {
        match (self.side_by_side, device) {
            (Some(given), _) => given,
            (None, Device::Cpu { .. }) => rayon::current_num_threads(),
            (None, Device::Cuda { .. }) => 1,
        }
    }
}
