//! Who does the arithmetic of training: the CPU's threads, or a GPU.

mod cpu;
mod cuda;
mod planned;
pub mod rows;
pub mod rule;
pub mod session;
pub mod step;

pub use cpu::CpuWorker;
pub use cuda::CudaWorker;

use super::batch::{Feed, Samples};
use super::batch_size::BatchSize;
use super::folder::config::Precision;
use super::folder::weights::Number;
use super::model::{Model, Purpose};
use crate::Result;
use crate::engine::{Device, Layout};
use crate::optim::OptimizerSettings;
use std::ops::Range;

/// First and second moments of every parameter, in the layout's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments<T> {
    pub m: Vec<T>,
    pub v: Vec<T>,
}

/// One epoch's work.
#[derive(Clone, Debug)]
pub struct Epoch<S> {
    /// In the order in which they are trained on.
    pub samples: Vec<S>,
    pub lr: f64,
    /// Optimizer steps that were done before the epoch's first batch.
    pub steps: u64,
}

/// What an optimizer step gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    /// The sum of the rows' losses.
    pub loss: f64,
    /// By measure of the model: its sum over the batch.
    pub measures: Vec<f64>,
}

/// Takes a validation batch: outputs and targets.
pub type Judge<'a, T> = &'a mut dyn FnMut(&[T], &[f64]);

/// Trains one model: holds its parameters and moments while it works.
pub trait Worker<T, S> {
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
    fn begin(&mut self, epoch: Epoch<S>) -> Result<()>;

    /// Batches that one call of [`Worker::steps`] should get.
    fn stride(&self) -> usize;

    /// One optimizer step for each of these batches of the epoch. A loss that is not finite is the last one: no weight
    /// has moved by it.
    ///
    /// # Errors
    /// The device fails.
    fn steps(&mut self, batches: Range<usize>) -> Result<Vec<Stepped>>;

    /// Shows outputs and targets of samples, with the parameters as they are, in the samples' order.
    ///
    /// # Errors
    /// The device fails.
    fn validate(&mut self, samples: &[S], judge: Judge<'_, T>) -> Result<()>;
}

/// What a worker is made from.
pub struct Job<'a, M, S> {
    pub model: &'a M,
    pub samples: &'a S,
    pub optimizer: &'a OptimizerSettings,
    pub batch_size: BatchSize,
    pub seed: u64,
}

/// That what a worker is going to keep fits into memory, asked before a run writes anything.
///
/// # Errors
/// A model that cannot be built, or with its batches does not fit.
pub fn check_fits<T: Number, M: Model, S: Samples>(
    device: &Device,
    model: &M,
    samples: &S,
    batch_size: usize,
) -> Result<()> {
    let batch = BatchSize::of(batch_size, samples.most());
    match device {
        Device::Cpu { .. } => {
            model.program::<T>(Purpose::Train, batch)?;
            Feed::<T>::check(&model.row(), batch)
        }
        Device::Cuda { gpu, .. } => {
            planned::check_fits(gpu, model, samples, true, [batch.rows, samples.most()])
        }
    }
}

/// A worker on the device that was opened.
///
/// # Errors
/// A model that cannot be built or has no kernels there; out of memory.
pub fn worker<'a, T: Number, M: Model, S: Samples>(
    device: &Device,
    precision: Precision,
    job: Job<'a, M, S>,
) -> Result<Box<dyn Worker<T, S::Sample> + 'a>> {
    match device {
        Device::Cpu { .. } => Ok(Box::new(CpuWorker::new(job)?)),
        Device::Cuda { gpu, graph } => Ok(Box::new(CudaWorker::new(gpu, *graph, precision, job)?)),
    }
}
