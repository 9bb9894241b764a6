//! Training on a GPU: f32 or bf16, the data set and all numbers there.

use super::session::{Rule, Session, SessionSettings, not_resident};
use super::{Epoch, Job, Judge, Moments, Stepped, Worker};
use crate::engine::cuda::Gpu;
use crate::engine::{Layout, Real};
use crate::optim::adam::Form;
use crate::train::batch::Samples;
use crate::train::folder::config::Precision;
use crate::train::model::{Model, Purpose};
use crate::{Error, Result};
use std::ops::Range;
use std::sync::Arc;

/// Batches between two looks at the losses: the host waits for the GPU that rarely.
const STRIDE: usize = 64;

pub struct CudaWorker<'a, S: Samples> {
    session: Session,
    samples: &'a S,
    row: fn(&S::Sample) -> usize,
    /// Elements of a row's targets.
    width: usize,
}

impl<'a, S: Samples> CudaWorker<'a, S> {
    /// # Errors
    /// An op without kernels; samples that are not a table in memory; out of memory.
    pub fn new<M: Model>(
        gpu: &Arc<Gpu>,
        graph: bool,
        precision: Precision,
        job: Job<'a, M, S>,
    ) -> Result<Self> {
        let (model, batch) = (job.model, job.batch_size.rows);
        let table = job.samples.table().ok_or_else(|| not_resident(model))?;
        if job.optimizer.form != Form::Corrected || !model.measures().is_empty() {
            return Err(Error::Device(format!(
                "{} cannot be trained on a GPU yet: use --device cpu",
                model.kind().title
            )));
        }
        let (row, width) = (table.row, table.width);
        let rule = Rule {
            decay: job.optimizer.decay,
            shrink: job.optimizer.shrink,
            penalised: job.optimizer.penalised.clone(),
        };
        let session = Session::new(
            gpu,
            model.device_program(Purpose::Predict, batch)?,
            Some((model.device_program(Purpose::Train, batch)?, rule)),
            &table,
            SessionSettings {
                batch_size: batch,
                precision: precision.on_gpu(),
                seed: job.seed,
                graph,
            },
        )?;
        Ok(CudaWorker {
            session,
            samples: job.samples,
            row,
            width,
        })
    }
}

/// A GPU works in f32: the commands choose that type for it.
fn not_f32() -> Error {
    Error::usage("--precision f64 runs on the CPU alone; say --device cpu")
}

fn from_f32<T: Real>(values: Vec<f32>) -> Vec<T> {
    values.into_iter().map(|x| T::of(f64::from(x))).collect()
}

impl<T: Real, S: Samples> Worker<T, S::Sample> for CudaWorker<'_, S> {
    fn layout(&self) -> &Layout {
        self.session.layout()
    }

    fn load(&mut self, params: &[T], moments: &Moments<T>) -> Result<()> {
        let f32s = |values| T::as_f32(values).ok_or_else(not_f32);
        self.session
            .load(f32s(params)?, Some((f32s(&moments.m)?, f32s(&moments.v)?)))
    }

    fn store(&mut self, params: &mut Vec<T>, moments: &mut Moments<T>) -> Result<()> {
        let (values, m, v) = self.session.store()?;
        *params = from_f32(values);
        (moments.m, moments.v) = (from_f32(m), from_f32(v));
        Ok(())
    }

    fn begin(&mut self, epoch: Epoch<S::Sample>) -> Result<()> {
        let order: Vec<usize> = epoch.samples.iter().map(self.row).collect();
        self.session.begin_epoch(&order, epoch.lr, epoch.steps)
    }

    fn stride(&self) -> usize {
        STRIDE
    }

    fn steps(&mut self, batches: Range<usize>) -> Result<Vec<Stepped>> {
        let losses = self.session.steps(batches)?;
        let stepped = |loss| Stepped {
            loss,
            measures: Vec::new(),
        };
        Ok(losses.into_iter().map(stepped).collect())
    }

    fn validate(&mut self, samples: &[S::Sample], judge: Judge<'_, T>) -> Result<()> {
        let rows: Vec<usize> = samples.iter().map(self.row).collect();
        let outputs = from_f32::<T>(self.session.predict(&rows, |_| {})?);
        let mut targets = vec![0.0; samples.len() * self.width];
        for (sample, targets) in samples.iter().zip(targets.chunks_mut(self.width.max(1))) {
            self.samples.targets(sample, targets);
        }
        judge(&outputs, &targets);
        Ok(())
    }
}
