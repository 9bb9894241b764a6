//! Training on the CPU's threads.

use super::{Epoch, Job, Judge, Moments, Stepped, Worker};
use crate::Result;
use crate::engine::{CpuExecutor, Layout, Noise};
use crate::optim::Optimizer;
use crate::train::batch::{Feed, Samples};
use crate::train::folder::weights::Number;
use crate::train::model::{Model, Purpose};
use std::ops::Range;

pub struct CpuWorker<'a, T: Number, M, S: Samples> {
    job: Job<'a, M, S>,
    executor: CpuExecutor<T>,
    validator: CpuExecutor<T>,
    optimizer: Optimizer<T>,
    feed: Feed<T>,
    /// Elements of the output.
    width: usize,
    params: Vec<T>,
    grads: Vec<T>,
    epoch: Epoch<S::Sample>,
}

impl<'a, T: Number, M: Model, S: Samples> CpuWorker<'a, T, M, S> {
    /// # Errors
    /// A model that cannot be built, or does not fit into memory.
    pub fn new(job: Job<'a, M, S>) -> Result<Self> {
        let batch = job.batch_size;
        let executor = CpuExecutor::new(job.model.program::<T>(Purpose::Train, batch)?);
        let parameters = executor.layout().len();
        let shape = job.model.row();
        Ok(CpuWorker {
            validator: CpuExecutor::new(job.model.program::<T>(Purpose::Predict, batch)?),
            optimizer: Optimizer::new(job.optimizer.clone(), parameters),
            executor,
            width: shape.outputs,
            feed: Feed::new(shape, batch.given),
            params: vec![T::ZERO; parameters],
            grads: vec![T::ZERO; parameters],
            epoch: Epoch {
                samples: Vec::new(),
                lr: 0.0,
                steps: 0,
            },
            job,
        })
    }

    /// One optimizer step.
    fn step(&mut self, batch: usize) -> Result<Stepped> {
        let (size, all) = (self.job.batch_size.rows, &self.epoch.samples);
        let samples = &all[batch * size..((batch + 1) * size).min(all.len())];
        self.feed.fill(samples, self.job.samples)?;
        self.feed.target(samples, self.job.samples);
        let noise = Noise {
            seed: self.job.seed,
            step: self.optimizer.steps,
            first_row: 0,
        };
        let measures = self.job.model.measures();
        let mut losses = vec![T::ZERO; samples.len()];
        // Outputs are read back only where something is measured on them.
        let read = if measures.is_empty() { 0 } else { self.width };
        let mut outputs = vec![T::ZERO; samples.len() * read];
        self.executor.gradients_and_outputs(
            &mut self.params,
            &self.feed.batch(noise, true),
            &mut losses,
            &mut outputs,
            &mut self.grads,
        );
        let loss = losses.iter().map(|l| l.f64()).sum::<f64>();
        if loss.is_finite() {
            let layout = self.executor.layout();
            let lr = self.epoch.lr;
            self.optimizer
                .step(layout, lr, &mut self.params, &self.grads);
        }
        let sums = measures
            .iter()
            .map(|measure| measure.sum(&outputs, self.feed.targets()));
        Ok(Stepped {
            loss,
            measures: sums.collect(),
        })
    }
}

impl<T: Number, M: Model, S: Samples> Worker<T, S::Sample> for CpuWorker<'_, T, M, S> {
    fn layout(&self) -> &Layout {
        self.executor.layout()
    }

    fn load(&mut self, params: &[T], moments: &Moments<T>) -> Result<()> {
        self.params.copy_from_slice(params);
        self.optimizer.m.copy_from_slice(&moments.m);
        self.optimizer.v.copy_from_slice(&moments.v);
        self.executor.parameters_replaced();
        Ok(())
    }

    fn store(&mut self, params: &mut Vec<T>, moments: &mut Moments<T>) -> Result<()> {
        params.clone_from(&self.params);
        moments.m.clone_from(&self.optimizer.m);
        moments.v.clone_from(&self.optimizer.v);
        Ok(())
    }

    fn begin(&mut self, epoch: Epoch<S::Sample>) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    fn stride(&self) -> usize {
        1
    }

    fn steps(&mut self, batches: Range<usize>) -> Result<Vec<Stepped>> {
        let mut done = Vec::with_capacity(batches.len());
        self.optimizer.steps = self.epoch.steps + batches.start as u64;
        for batch in batches {
            let stepped = self.step(batch)?;
            let finite = stepped.loss.is_finite();
            done.push(stepped);
            if !finite {
                break;
            }
        }
        Ok(done)
    }

    fn validate(&mut self, samples: &[S::Sample], judge: Judge<'_, T>) -> Result<()> {
        self.validator.parameters_replaced();
        for samples in samples.chunks(self.job.batch_size.rows) {
            self.feed.fill(samples, self.job.samples)?;
            self.feed.target(samples, self.job.samples);
            let mut outputs = vec![T::ZERO; samples.len() * self.width];
            let batch = self.feed.batch(Noise::default(), false);
            self.validator.forward(&self.params, &batch, &mut outputs);
            judge(&outputs, self.feed.targets());
        }
        Ok(())
    }
}
