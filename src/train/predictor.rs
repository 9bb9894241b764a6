//! Predictions of a trained model, batch after batch.

use super::batch::{BatchSize, Feed, Source};
use super::folder::config::Precision;
use super::folder::weights::Number;
use super::interrupt::interrupted;
use super::model::{Model, Purpose};
use super::worker::session::{Session, SessionSettings, not_resident};
use crate::engine::{CpuExecutor, Device, Noise};
use crate::{Error, Result};

/// A network with its numbers and buffers, on a device.
pub struct Predictor<'a, T: Number, S: Source> {
    source: &'a S,
    batch_size: usize,
    /// Elements of the output.
    width: usize,
    runs: Runs<T, S::Sample>,
}

enum Runs<T: Number, S> {
    Cpu {
        executor: Box<CpuExecutor<T>>,
        params: Vec<T>,
        feed: Feed<T>,
    },
    Cuda {
        session: Box<Session>,
        row: fn(&S) -> usize,
    },
}

impl<'a, T: Number, S: Source> Predictor<'a, T, S> {
    /// `params` in the order of the model's layout.
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
    ) -> Result<Self> {
        let shape = model.row();
        let width = shape.outputs;
        let runs = match device {
            Device::Cpu { .. } => {
                let program = model.program::<T>(Purpose::Predict, batch_size)?;
                Runs::Cpu {
                    executor: Box::new(CpuExecutor::new(program)),
                    params,
                    feed: Feed::new(shape, batch_size),
                }
            }
            Device::Cuda { gpu, graph } => {
                let table = source.table().ok_or_else(|| not_resident(model))?;
                let rows = table.codes.len() / table.length.max(1);
                let batch_size = BatchSize::of(batch_size, rows).rows;
                let program = model.device_program(Purpose::Predict, batch_size)?;
                let settings = SessionSettings {
                    batch_size,
                    precision: precision.on_gpu(),
                    seed: 0,
                    graph: *graph,
                };
                let mut session = Session::new(gpu, program, None, &table, settings)?;
                let params = T::as_f32(&params).ok_or_else(|| {
                    Error::usage("--precision f64 runs on the CPU alone; say --device cpu")
                })?;
                session.load(params, None)?;
                Runs::Cuda {
                    session: Box::new(session),
                    row: table.row,
                }
            }
        };
        Ok(Predictor {
            source,
            batch_size,
            width,
            runs,
        })
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
            Runs::Cuda { session, row } => {
                let rows: Vec<usize> = samples.iter().map(*row).collect();
                let found = session.predict(&rows, seen)?;
                return Ok(found.into_iter().map(|x| T::of(f64::from(x))).collect());
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
