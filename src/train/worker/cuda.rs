//! Training on a GPU: f32 or bf16.

use super::rule::Rule;
use super::session::{Session, SessionSettings};
use super::{Epoch, Job, Judge, Moments, Stepped, Worker};
use crate::Result;
use crate::engine::cuda::Gpu;
use crate::engine::device::for_gpu;
use crate::engine::{Layout, Real};
use crate::train::batch::Samples;
use crate::train::folder::config::Precision;
use crate::train::model::{Measure, Model};
use std::ops::Range;
use std::sync::Arc;

pub struct CudaWorker<'a, S: Samples> {
    session: Session<'a, S>,
    samples: &'a S,
    batch_size: usize,
    measures: &'static [Measure],
    /// Elements of a row's targets.
    width: usize,
}

impl<'a, S: Samples> CudaWorker<'a, S> {
    /// # Errors
    /// An op without kernels; out of memory.
    pub fn new<M: Model>(
        gpu: &Arc<Gpu>,
        graph: bool,
        precision: Precision,
        job: Job<'a, M, S>,
    ) -> Result<Self> {
        let (model, batch_size) = (job.model, job.batch_size.rows);
        let rule = Rule {
            form: job.optimizer.form,
            decay: job.optimizer.decay,
            shrink: job.optimizer.shrink,
            penalised: job.optimizer.penalised.clone(),
        };
        let settings = SessionSettings {
            batch_size,
            most: job.samples.most(),
            precision: precision.on_gpu(),
            seed: job.seed,
            graph,
        };
        Ok(CudaWorker {
            session: Session::new(gpu, model, job.samples, Some(rule), settings)?,
            samples: job.samples,
            batch_size,
            measures: model.measures(),
            width: model.row().targets,
        })
    }
}

/// The targets of samples, `width` each, one after another.
fn targets<S: Samples>(source: &S, samples: &[S::Sample], width: usize) -> Vec<f64> {
    let mut targets = vec![0.0; samples.len() * width];
    for (sample, targets) in samples.iter().zip(targets.chunks_mut(width.max(1))) {
        source.targets(sample, targets);
    }
    targets
}

fn from_f32<T: Real>(values: &[f32]) -> Vec<T> {
    values.iter().map(|&x| T::of(f64::from(x))).collect()
}

impl<T: Real, S: Samples> Worker<T, S::Sample> for CudaWorker<'_, S> {
    fn layout(&self) -> &Layout {
        self.session.layout()
    }

    fn load(&mut self, params: &[T], moments: &Moments<T>) -> Result<()> {
        let moments = (for_gpu(&moments.m)?, for_gpu(&moments.v)?);
        self.session.load(for_gpu(params)?, Some(moments))
    }

    fn store(&mut self, params: &mut Vec<T>, moments: &mut Moments<T>) -> Result<()> {
        let (values, m, v) = self.session.store()?;
        *params = from_f32(&values);
        (moments.m, moments.v) = (from_f32(&m), from_f32(&v));
        Ok(())
    }

    fn begin(&mut self, epoch: Epoch<S::Sample>) -> Result<()> {
        self.session
            .begin_epoch(epoch.samples, epoch.lr, epoch.steps)
    }

    fn stride(&self) -> usize {
        self.session.stride()
    }

    fn steps(&mut self, batches: Range<usize>) -> Result<Vec<Stepped>> {
        let found = self
            .session
            .steps(batches.clone(), !self.measures.is_empty())?;
        let size = self.batch_size;
        let stepped = batches.zip(found).map(|(batch, step)| {
            let measures = match self.measures {
                [] => Vec::new(),
                measures => {
                    let all = self.session.epoch();
                    let own = &all[batch * size..((batch + 1) * size).min(all.len())];
                    let targets = targets(self.samples, own, self.width);
                    let sums = measures.iter().map(|m| m.sum(&step.outputs, &targets));
                    sums.collect()
                }
            };
            Stepped {
                loss: step.loss,
                measures,
            }
        });
        Ok(stepped.collect())
    }

    fn validate(&mut self, samples: &[S::Sample], judge: Judge<'_, T>) -> Result<()> {
        let (source, width) = (self.samples, self.width);
        self.session.predict(samples, |rows, outputs| {
            let targets = targets(source, &samples[rows], width);
            judge(&from_f32::<T>(outputs), &targets);
            Ok(())
        })
    }
}
