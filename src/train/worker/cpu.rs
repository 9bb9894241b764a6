//! Training on the CPU's threads.

use super::{Epoch, Job, Moments, Trains};
use crate::Result;
use crate::engine::{Batch, CpuExecutor, Layout, Noise};
use crate::models::tisfm::network::Blueprint;
use crate::optim::{Optimizer, OptimizerSettings};
use crate::train::folder::weights::Number;
use crate::train::predictor::predict;
use std::ops::Range;

pub struct CpuWorker<'a, T: Number> {
    job: Job<'a>,
    executor: CpuExecutor<T>,
    validator: CpuExecutor<T>,
    optimizer: Optimizer<T>,
    params: Vec<T>,
    grads: Vec<T>,
    order: Vec<usize>,
    lr: f64,
    /// Optimizer steps before the epoch's first batch.
    steps_before: u64,
}

impl<'a, T: Number> CpuWorker<'a, T> {
    /// # Errors
    /// A blueprint that cannot be built.
    pub fn new(blueprint: &Blueprint, settings: &OptimizerSettings, job: Job<'a>) -> Result<Self> {
        let executor = CpuExecutor::new(blueprint.training_program::<T>(job.batch_size)?);
        let parameters = executor.layout().len();
        Ok(CpuWorker {
            job,
            validator: CpuExecutor::new(blueprint.inference_program::<T>(job.batch_size)?),
            optimizer: Optimizer::new(settings.clone(), parameters),
            executor,
            params: vec![T::ZERO; parameters],
            grads: vec![T::ZERO; parameters],
            order: Vec::new(),
            lr: 0.0,
            steps_before: 0,
        })
    }

    /// One optimizer step; the sum of its rows' losses.
    fn step(&mut self, batch: usize) -> f64 {
        let size = self.job.batch_size;
        let rows = &self.order[batch * size..((batch + 1) * size).min(self.order.len())];
        let codes = self.job.samples.gather(rows);
        let targets: Vec<T> = rows
            .iter()
            .flat_map(|&r| self.job.samples.signals(r))
            .map(|&s| T::of(s))
            .collect();
        let batch = Batch {
            rows: rows.len(),
            codes: &codes,
            dense: vec![&targets],
            noise: Noise {
                seed: self.job.seed,
                step: self.optimizer.steps,
                first_row: 0,
            },
        };
        let mut losses = vec![T::ZERO; rows.len()];
        self.executor
            .gradients(&mut self.params, &batch, &mut losses, &mut self.grads);
        let loss = losses.iter().map(|l| l.f64()).sum::<f64>();
        if loss.is_finite() {
            self.optimizer.step(
                self.executor.layout(),
                self.lr,
                &mut self.params,
                &self.grads,
            );
        }
        loss
    }
}

impl<T: Number> Trains<T> for CpuWorker<'_, T> {
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

    fn begin(&mut self, epoch: Epoch<'_>) -> Result<()> {
        self.order = epoch.order.to_vec();
        self.lr = epoch.lr;
        self.steps_before = epoch.steps;
        Ok(())
    }

    fn stride(&self) -> usize {
        1
    }

    fn steps(&mut self, batches: Range<usize>) -> Result<Vec<f64>> {
        let mut losses = Vec::with_capacity(batches.len());
        self.optimizer.steps = self.steps_before + batches.start as u64;
        for batch in batches {
            let loss = self.step(batch);
            losses.push(loss);
            if !loss.is_finite() {
                break;
            }
        }
        Ok(losses)
    }

    fn predict(&mut self, rows: &[usize]) -> Result<Vec<T>> {
        self.validator.parameters_replaced();
        Ok(predict(
            &mut self.validator,
            &self.params,
            self.job.samples,
            rows,
            self.job.batch_size,
            |_| {},
        ))
    }
}
