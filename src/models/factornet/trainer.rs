//! The training loop.

use super::history;
use super::history::EpochRecord;
use crate::engine::{CpuExecutor, Layout, Noise};
use crate::io::state_dict::{StateDict, write_safetensors};
use crate::models::factornet::Spec;
use crate::optim::Optimizer;
use crate::report::progress::Reporter;
use crate::train::batch::{Feed, Source};
use crate::train::folder::state::{State, last_good};
use crate::train::folder::weights::{Number, tensors};
use crate::train::folder::{BEST, HISTORY, LAST};
use crate::train::interrupt::{interrupted, stopped};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Clone, Debug)]
pub struct Settings {
    pub epochs: u64,
    pub batch_size: usize,
    pub lr: f64,
    /// Epochs without a gain that are borne: one more ends the run, as in Keras 1.
    pub patience: u64,
    pub seed: u64,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub epochs: u64,
    pub best_epoch: u64,
    pub best_loss: f64,
    /// It was finished before: nothing was done.
    pub was_finished: bool,
}

/// Where a run stands, besides its numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// Finished epochs.
    epoch: u64,
    /// Finished steps of the running epoch, and what they have summed up.
    batch: usize,
    loss_sum: f64,
    hits: f64,
    seconds: f64,
    /// Optimizer steps in all.
    steps: u64,
    best_loss: Option<f64>,
    best_epoch: u64,
    history: Vec<EpochRecord>,
    stopped: bool,
}

/// One model in training, on the CPU.
pub struct Trainer<'a, T: Number, S> {
    settings: Settings,
    source: &'a dyn Source<S>,
    folder: PathBuf,
    reporter: &'a Reporter,
    executor: CpuExecutor<T>,
    validator: CpuExecutor<T>,
    optimizer: Optimizer<T>,
    feed: Feed<T>,
    params: Vec<T>,
    grads: Vec<T>,
    factors: usize,
    sample: PhantomData<S>,
}

impl<'a, T: Number, S: Sync> Trainer<'a, T, S> {
    /// `params` in the order of the spec's layout.
    pub fn new(
        spec: &Spec,
        params: Vec<T>,
        settings: Settings,
        source: &'a dyn Source<S>,
        folder: &Path,
        reporter: &'a Reporter,
    ) -> Self {
        Trainer {
            executor: CpuExecutor::new(spec.training_program(settings.batch_size)),
            validator: CpuExecutor::new(spec.inference_program(settings.batch_size)),
            optimizer: Optimizer::keras(params.len()),
            grads: vec![T::ZERO; params.len()],
            feed: Feed::new(spec, settings.batch_size),
            factors: spec.factors,
            settings,
            source,
            folder: folder.to_path_buf(),
            reporter,
            params,
            sample: PhantomData,
        }
    }

    /// Trains to the end, from the folder's state where `resume` asks for it and there is one.
    ///
    /// # Errors
    /// A loss that is not finite; no space for negatives; a file that cannot be written; [`Error::Interrupted`] after
    /// the state was saved.
    pub fn run(mut self, resume: bool) -> Result<Outcome> {
        let mut progress = Progress::default();
        if resume && let Some(state) = State::<T, Progress>::read(&self.folder, self.layout())? {
            progress = state.progress;
            self.params = state.params;
            (self.optimizer.m, self.optimizer.v) = (state.m, state.v);
            if self.finished(&progress) {
                return Ok(outcome(&progress, true));
            }
        }
        self.optimizer.steps = progress.steps;
        self.executor.parameters_replaced();
        while !self.finished(&progress) {
            self.epoch(&mut progress)?;
            self.validate(&mut progress)?;
        }
        Ok(outcome(&progress, false))
    }

    fn layout(&self) -> &Layout {
        self.executor.layout()
    }

    fn finished(&self, progress: &Progress) -> bool {
        progress.stopped || progress.epoch >= self.settings.epochs
    }

    fn save(&self, progress: &Progress) -> Result<()> {
        let (m, v) = (&self.optimizer.m, &self.optimizer.v);
        State::write(&self.folder, self.layout(), progress, &self.params, m, v)
    }

    /// The steps of one epoch that are still to be done.
    fn epoch(&mut self, progress: &mut Progress) -> Result<()> {
        let started = Instant::now();
        let before = progress.seconds;
        let (samples, notes) = self.source.epoch(progress.epoch)?;
        if progress.batch == 0 {
            notes.iter().for_each(|note| self.reporter.line(note));
        }
        let batches: Vec<&[S]> = samples.chunks(self.settings.batch_size).collect();
        let bar = self
            .reporter
            .epoch(progress.epoch + 1, self.settings.epochs, samples.len());
        for batch in batches.iter().skip(progress.batch) {
            self.step(batch, progress)?;
            bar.advance(batch.len());
            if interrupted() && progress.batch < batches.len() {
                progress.seconds = before + started.elapsed().as_secs_f64();
                self.save(progress)?;
                return Err(stopped(&self.folder, self.reporter));
            }
        }
        progress.seconds = before + started.elapsed().as_secs_f64();
        bar.finish();
        let (seen, numbers) = (samples.len() as f64, (samples.len() * self.factors) as f64);
        progress.history.push(EpochRecord {
            epoch: progress.epoch + 1,
            train_loss: progress.loss_sum / seen,
            train_accuracy: progress.hits / numbers,
            validation_loss: f64::NAN,
            validation_accuracy: f64::NAN,
            seconds: progress.seconds,
            samples_per_s: seen / progress.seconds.max(1e-9),
        });
        Ok(())
    }

    /// One optimizer step.
    fn step(&mut self, samples: &[S], progress: &mut Progress) -> Result<()> {
        let source = self.source;
        self.feed.fill(samples, |s, codes, tracks, meta| {
            source.fill(s, codes, tracks, meta)
        });
        self.feed
            .label(samples, |s, labels| source.labels(s, labels));
        let noise = Noise {
            seed: self.settings.seed,
            step: progress.steps,
            first_row: 0,
        };
        let mut losses = vec![T::ZERO; samples.len()];
        let mut outputs = vec![T::ZERO; samples.len() * self.factors];
        self.executor.gradients_and_outputs(
            &mut self.params,
            &self.feed.batch(noise, true),
            &mut losses,
            &mut outputs,
            &mut self.grads,
        );
        let loss: f64 = losses.iter().map(|l| l.f64()).sum();
        if !loss.is_finite() {
            return Err(Error::invalid(format!(
                "the loss is {loss} in epoch {}, step {}: lower -lr or look at the tracks' values (--track-scale); {}",
                progress.epoch + 1,
                progress.batch + 1,
                last_good(&self.folder, "write over it with -oc")
            )));
        }
        let layout = self.executor.layout();
        self.optimizer
            .step(layout, self.settings.lr, &mut self.params, &self.grads);
        progress.loss_sum += loss;
        progress.hits += hits(&outputs, self.feed.labels());
        progress.batch += 1;
        progress.steps += 1;
        Ok(())
    }

    /// Mean loss and accuracy of the validation samples.
    fn measure(&mut self) -> (f64, f64) {
        let source = self.source;
        let samples = source.validation();
        self.validator.parameters_replaced();
        let (mut loss, mut right) = (0.0, 0.0);
        for batch in samples.chunks(self.settings.batch_size) {
            self.feed.fill(batch, |s, codes, tracks, meta| {
                source.fill(s, codes, tracks, meta)
            });
            self.feed.label(batch, |s, labels| source.labels(s, labels));
            let mut outputs = vec![T::ZERO; batch.len() * self.factors];
            self.validator.forward(
                &self.params,
                &self.feed.batch(Noise::default(), false),
                &mut outputs,
            );
            right += hits(&outputs, self.feed.labels());
            loss += outputs
                .iter()
                .zip(self.feed.labels())
                .map(|(p, y)| cross_entropy(p.f64(), y.f64()))
                .sum::<f64>();
        }
        let numbers = (samples.len() * self.factors) as f64;
        (loss / numbers, right / numbers)
    }

    /// Ends an epoch: validation, best weights, files.
    fn validate(&mut self, progress: &mut Progress) -> Result<()> {
        let (loss, accuracy) = self.measure();
        let epoch = progress.epoch + 1;
        if !loss.is_finite() {
            return Err(Error::invalid(format!(
                "the validation loss is {loss} after epoch {epoch}; {}",
                last_good(&self.folder, "write over it with -oc")
            )));
        }
        let best = progress.best_loss.is_none_or(|b| loss < b);
        if best {
            (progress.best_loss, progress.best_epoch) = (Some(loss), epoch);
        }
        if let Some(record) = progress.history.last_mut() {
            (record.validation_loss, record.validation_accuracy) = (loss, accuracy);
        }
        progress.epoch = epoch;
        (progress.batch, progress.loss_sum) = (0, 0.0);
        (progress.hits, progress.seconds) = (0.0, 0.0);
        progress.stopped = epoch - progress.best_epoch > self.settings.patience;
        let weights = StateDict {
            tensors: tensors(self.layout(), &self.params, ""),
            ..StateDict::default()
        };
        if best {
            write_safetensors(self.folder.join(BEST), &weights)?;
        }
        write_safetensors(self.folder.join(LAST), &weights)?;
        history::write(&self.folder.join(HISTORY), &progress.history)?;
        // Last: an epoch whose state is there has all its other files.
        self.save(progress)?;
        if let Some(r) = progress.history.last() {
            self.reporter.line(&format!(
                "epoch {epoch}: train loss {:.5}, accuracy {:.4}, validation loss {:.5}{}, accuracy {:.4}, {:.1} s, {:.0} samples/s",
                r.train_loss,
                r.train_accuracy,
                r.validation_loss,
                if best { " (best)" } else { "" },
                r.validation_accuracy,
                r.seconds,
                r.samples_per_s
            ));
        }
        if progress.stopped && epoch < self.settings.epochs {
            self.reporter.line(&format!(
                "early stopping: no gain since epoch {}",
                progress.best_epoch
            ));
        }
        if interrupted() && !self.finished(progress) {
            return Err(stopped(&self.folder, self.reporter));
        }
        Ok(())
    }
}

fn outcome(progress: &Progress, was_finished: bool) -> Outcome {
    Outcome {
        epochs: progress.epoch,
        best_epoch: progress.best_epoch,
        best_loss: progress.best_loss.unwrap_or(f64::NAN),
        was_finished,
    }
}

/// Probabilities on their label's side of one half.
fn hits<T: Number>(probabilities: &[T], labels: &[T]) -> f64 {
    let pairs = probabilities.iter().zip(labels);
    pairs
        .filter(|(p, y)| (p.f64() > 0.5) == (y.f64() > 0.5))
        .count() as f64
}

/// Of one probability, clipped as Keras clips it.
fn cross_entropy(p: f64, label: f64) -> f64 {
    let p = p.clamp(1e-7, 1.0 - 1e-7);
    -(label * p.ln() + (1.0 - label) * (1.0 - p).ln())
}
