//! Predictions of a trained model, batch after batch.

use super::batch::{Feed, Source};
use super::batch_size::BatchSize;
use super::folder::config::Precision;
use super::folder::weights::Number;
use super::interrupt::interrupted;
use super::model::{Model, Purpose};
use super::worker::session::{Session, SessionSettings};
use crate::engine::device::for_gpu;
use crate::engine::{CpuExecutor, Device, Noise};
use crate::{Error, Result};

/// Samples that a command gives at a time where there may be more than memory holds.
pub const BLOCK: usize = 1 << 15;

/// A network with its numbers and buffers, on a device.
pub struct Predictor<'a, T: Number, S: Source> {
    source: &'a S,
    batch_size: usize,
    /// Elements of the output.
    width: usize,
    runs: Runs<'a, T, S>,
}

enum Runs<'a, T: Number, S: Source> {
    Cpu {
        executor: Box<CpuExecutor<T>>,
        params: Vec<T>,
        feed: Feed<T>,
    },
    Cuda(Box<Session<'a, S>>),
}

impl<'a, T: Number, S: Source> Predictor<'a, T, S> {
    /// `params` in the order of the model's layout; no call of [`Predictor::predict`] will get more than `most` samples.
    ///
    /// # Errors
    /// A model that cannot be built, does not fit into memory or cannot run on the device.
    pub fn new<M: Model>(
        device: &Device,
        precision: Precision,
        model: &M,
        params: Vec<T>,
        source: &'a S,
        batch_size: usize,
        most: usize,
    ) -> Result<Self> {
        let batch_size = BatchSize::of(batch_size, most);
        let shape = model.row();
        let width = shape.outputs;
        let runs = match device {
            Device::Cpu { .. } => {
                let program = model.program::<T>(Purpose::Predict, batch_size)?;
                Runs::Cpu {
                    executor: Box::new(CpuExecutor::new(program)),
                    params,
                    feed: Feed::new(shape, batch_size.given),
                }
            }
            Device::Cuda { gpu, graph } => {
                let settings = SessionSettings {
                    batch_size: batch_size.rows,
                    most,
                    precision: precision.on_gpu(),
                    seed: 0,
                    graph: *graph,
                };
                let mut session = Session::new(gpu, model, source, None, settings)?;
                session.load(for_gpu(&params)?, None)?;
                Runs::Cuda(Box::new(session))
            }
        };
        Ok(Predictor {
            source,
            batch_size: batch_size.given,
            width,
            runs,
        })
    }

    /// Takes over other parameters of the same model.
    ///
    /// # Errors
    /// The device fails.
    pub fn load(&mut self, new: Vec<T>) -> Result<()> {
        match &mut self.runs {
            Runs::Cpu {
                executor, params, ..
            } => {
                *params = new;
                executor.parameters_replaced();
            }
            Runs::Cuda(session) => session.load(for_gpu(&new)?, None)?,
        }
        Ok(())
    }

    /// The outputs of samples in their order, samples x outputs; `seen` hears how many each batch had.
    ///
    /// # Errors
    /// A batch does not fit into memory; the device fails; [`Error::Interrupted`] after a signal that the program watches for.
    pub fn predict(&mut self, samples: &[S::Sample], seen: impl Fn(usize)) -> Result<Vec<T>> {
        let (executor, params, feed) = match &mut self.runs {
            Runs::Cpu {
                executor,
                params,
                feed,
            } => (executor, params, feed),
            Runs::Cuda(session) => {
                let mut found = Vec::with_capacity(samples.len() * self.width);
                session.predict(samples, |rows, outputs| {
                    found.extend(outputs.iter().map(|&x| T::of(f64::from(x))));
                    seen(rows.len());
                    match interrupted() {
                        true => Err(Error::Interrupted),
                        false => Ok(()),
                    }
                })?;
                return Ok(found);
            }
        };
        let mut out = vec![T::ZERO; samples.len() * self.width];
        let size = BatchSize::of(self.batch_size, samples.len()).rows;
        let batches = samples.chunks(size);
        for (samples, out) in batches.zip(out.chunks_mut(size * self.width)) {
            feed.fill(samples, self.source)?;
            executor.forward(params, &feed.batch(Noise::default(), false), out);
            seen(samples.len());
            if interrupted() {
                return Err(Error::Interrupted);
            }
        }
        Ok(out)
    }
}
