//! Who does the arithmetic of training and prediction: the CPU's threads, or a card.

mod cpu;
mod cuda;
pub mod session;
pub mod step;

pub use cpu::CpuWorker;
pub use cuda::{CudaMode, CudaWorker};

use super::batch::Samples;
use super::folder::config::Precision;
use super::folder::weights::Number;
use crate::Result;
use crate::engine::{Device, Layout};
use crate::models::tisfm::network::Network;
use crate::optim::OptimizerSettings;
use std::ops::Range;

/// First and second moments of every parameter, in the layout's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments<T> {
    pub m: Vec<T>,
    pub v: Vec<T>,
}

/// One epoch's work.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// Rows of the samples in the order in which they are trained on.
    pub order: &'a [usize],
    pub lr: f64,
    /// Optimizer steps that were done before the epoch's first batch.
    pub steps: u64,
}

/// Trains one model: holds its parameters and moments while it works.
pub trait Trains<T> {
    /// The parameters, with what learns among them.
    fn layout(&self) -> &Layout;

    /// Takes over parameters and moments.
    ///
    /// # Errors
    /// The device refuses.
    fn load(&mut self, params: &[T], moments: &Moments<T>) -> Result<()>;

    /// Gives them back.
    ///
    /// # Errors
    /// The device refuses, or failed before.
    fn store(&mut self, params: &mut Vec<T>, moments: &mut Moments<T>) -> Result<()>;

    /// To be called before the batches of an epoch.
    ///
    /// # Errors
    /// The device refuses.
    fn begin(&mut self, epoch: Epoch<'_>) -> Result<()>;

    /// Batches that one call of [`Trains::steps`] should get.
    fn stride(&self) -> usize;

    /// One optimizer step for each of these batches of the epoch; the sum of the rows' losses of each. A loss that is
    /// not finite is the last one: no weight has moved by it.
    ///
    /// # Errors
    /// The device fails.
    fn steps(&mut self, batches: Range<usize>) -> Result<Vec<f64>>;

    /// Predictions for rows of the samples with the parameters as they are, rows x outputs.
    ///
    /// # Errors
    /// The device fails.
    fn predict(&mut self, rows: &[usize]) -> Result<Vec<T>>;
}

/// What a worker is made from.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub samples: Samples<'a>,
    pub batch_size: usize,
    pub seed: u64,
}

/// A worker on the device that was opened.
///
/// # Errors
/// A blueprint that cannot be built or has no kernels there; out of memory.
pub fn worker<'a, T: Number>(
    device: &Device,
    precision: Precision,
    network: &Network<T>,
    settings: &OptimizerSettings,
    job: Job<'a>,
) -> Result<Box<dyn Trains<T> + 'a>> {
    match device {
        Device::Cpu { .. } => Ok(Box::new(CpuWorker::new(&network.blueprint, settings, job)?)),
        Device::Cuda { gpu, graph } => {
            let mode = CudaMode {
                precision: precision.on_card(),
                graph: *graph,
            };
            Ok(Box::new(CudaWorker::new(
                gpu,
                &network.blueprint,
                settings,
                job,
                mode,
            )?))
        }
    }
}
