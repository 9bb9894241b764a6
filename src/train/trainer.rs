//! The training loop: epochs of shuffled batches, validation, schedule, checkpoints.

use super::batch::Samples;
use super::folder::config::Precision;
use super::folder::state::{Progress, State, last_good};
use super::folder::weights::Number;
use super::folder::{BEST, HISTORY, LAST};
use super::interrupt::{interrupted, stopped};
use super::worker::{Epoch, Job, Moments, Trains, worker};
use crate::engine::params::STREAM_SHUFFLE;
use crate::engine::{Device, Philox, Real};
use crate::io::history::{self, EpochRecord};
use crate::io::state_dict::write_safetensors;
use crate::models::tisfm::network::Network;
use crate::optim::{OptimizerSettings, Shrink};
use crate::report::progress::Reporter;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Clone, Debug)]
pub struct TrainSettings {
    pub epochs: u64,
    pub batch_size: usize,
    pub lr: f64,
    /// Epochs without a gain before the rate is cut.
    pub patience: u32,
    /// Stop when the rate has fallen to this.
    pub early_stopping: Option<f64>,
    pub optimizer: OptimizerSettings,
    pub seed: u64,
    pub drop_last: bool,
    /// Keep the weights of every epoch.
    pub save_all: bool,
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

/// One model in training.
pub struct Trainer<'a, T: Number> {
    network: Network<T>,
    settings: TrainSettings,
    samples: Samples<'a>,
    train: &'a [usize],
    validation: &'a [usize],
    folder: PathBuf,
    device: &'a Device,
    precision: Precision,
    reporter: &'a Reporter,
}

impl<'a, T: Number> Trainer<'a, T> {
    #[allow(clippy::too_many_arguments)] // what a run consists of, each once
    pub fn new(
        network: Network<T>,
        settings: TrainSettings,
        samples: Samples<'a>,
        train: &'a [usize],
        validation: &'a [usize],
        folder: &Path,
        device: &'a Device,
        precision: Precision,
        reporter: &'a Reporter,
    ) -> Self {
        Trainer {
            network,
            settings,
            samples,
            train,
            validation,
            folder: folder.to_path_buf(),
            device,
            precision,
            reporter,
        }
    }

    /// Trains to the end, from the folder's state where `resume` asks for it and there is one.
    ///
    /// # Errors
    /// A loss that is not finite; a file that cannot be written; [`Error::Interrupted`] after the
    /// state was saved.
    pub fn run(mut self, resume: bool) -> Result<Outcome> {
        let mut worker = worker(
            self.device,
            self.precision,
            &self.network,
            &self.settings.optimizer,
            Job {
                samples: self.samples,
                batch_size: self.settings.batch_size,
                seed: self.settings.seed,
            },
        )?;
        self.network.layout = worker.layout().clone();
        let parameters = self.network.params.len();
        let mut moments = Moments {
            m: vec![T::ZERO; parameters],
            v: vec![T::ZERO; parameters],
        };
        let mut progress = Progress::new(self.settings.lr, self.settings.patience);
        if resume && let Some(state) = State::<T>::read(&self.folder, &self.network.layout)? {
            progress = state.progress;
            self.network.params = state.params;
            (moments.m, moments.v) = (state.m, state.v);
            if self.finished(&progress) {
                return Ok(self.outcome(&progress, true));
            }
        }
        worker.load(&self.network.params, &moments)?;
        self.note_idle_penalty();
        while !self.finished(&progress) {
            self.epoch(&mut *worker, &mut moments, &mut progress)?;
            self.validate(&mut *worker, &mut moments, &mut progress)?;
        }
        Ok(self.outcome(&progress, false))
    }

    /// A penalty on a parameter that nothing moves does nothing.
    fn note_idle_penalty(&self) {
        let settings = &self.settings.optimizer;
        let idle = |name: &&String| self.network.layout.get(name).is_some_and(|p| !p.learns());
        if settings.shrink != Shrink::None {
            for name in settings.penalised.iter().filter(idle) {
                self.reporter.line(&format!(
                    "note: {name} gets no gradient here: the penalty does nothing"
                ));
            }
        }
    }

    fn finished(&self, progress: &Progress) -> bool {
        progress.stopped || progress.epoch >= self.settings.epochs
    }

    fn outcome(&self, progress: &Progress, was_finished: bool) -> Outcome {
        Outcome {
            epochs: progress.epoch,
            best_epoch: progress.best_epoch,
            best_loss: progress.best_loss.unwrap_or(f64::NAN),
            was_finished,
        }
    }

    fn save(&self, moments: &Moments<T>, progress: &Progress) -> Result<()> {
        let (layout, params) = (&self.network.layout, &self.network.params);
        State::write(
            &self.folder,
            layout,
            progress,
            params,
            &moments.m,
            &moments.v,
        )
    }

    /// The steps of one epoch that are still to be done.
    fn epoch(
        &mut self,
        worker: &mut dyn Trains<T>,
        moments: &mut Moments<T>,
        progress: &mut Progress,
    ) -> Result<()> {
        let started = Instant::now();
        let before = progress.seconds;
        let order = Philox::new(self.settings.seed)
            .permutation(STREAM_SHUFFLE + progress.epoch, self.train.len());
        let order: Vec<usize> = order.into_iter().map(|i| self.train[i]).collect();
        let batches = self.batches(order.len());
        let bar = self
            .reporter
            .epoch(progress.epoch + 1, self.settings.epochs, order.len());
        let size = self.settings.batch_size;
        worker.begin(Epoch {
            order: &order,
            lr: progress.plateau.lr,
            steps: progress.steps - progress.batch as u64,
        })?;
        while progress.batch < batches {
            let until = (progress.batch + worker.stride()).min(batches);
            for loss in worker.steps(progress.batch..until)? {
                if !loss.is_finite() {
                    return Err(Error::invalid(format!(
                        "the loss is {loss} in epoch {}, step {}: lower --lr or look at the signals; {}",
                        progress.epoch + 1,
                        progress.batch + 1,
                        last_good(&self.folder, "it can be used again")
                    )));
                }
                progress.loss_sum += loss;
                let rows = size.min(order.len() - progress.batch * size);
                progress.batch += 1;
                progress.steps += 1;
                bar.advance(rows);
            }
            if interrupted() {
                progress.seconds = before + started.elapsed().as_secs_f64();
                worker.store(&mut self.network.params, moments)?;
                self.save(moments, progress)?;
                return Err(stopped(&self.folder, self.reporter));
            }
        }
        progress.seconds = before + started.elapsed().as_secs_f64();
        bar.finish();
        Ok(())
    }

    fn batches(&self, rows: usize) -> usize {
        if self.settings.drop_last && rows >= self.settings.batch_size {
            rows / self.settings.batch_size
        } else {
            rows.div_ceil(self.settings.batch_size)
        }
    }

    /// Ends an epoch: validation loss, best weights, schedule, files.
    fn validate(
        &mut self,
        worker: &mut dyn Trains<T>,
        moments: &mut Moments<T>,
        progress: &mut Progress,
    ) -> Result<()> {
        let predictions = worker.predict(self.validation)?;
        worker.store(&mut self.network.params, moments)?;
        let loss = mean_loss(&predictions, self.samples, self.validation);
        let epoch = progress.epoch + 1;
        if !loss.is_finite() {
            return Err(Error::invalid(format!(
                "the validation loss is {loss} after epoch {epoch}, step {}; {}",
                progress.batch,
                last_good(&self.folder, "it can be used again")
            )));
        }
        let seen = (progress.batch * self.settings.batch_size).min(self.train.len());
        progress.history.push(EpochRecord {
            epoch,
            train_loss: progress.loss_sum / seen as f64,
            validation_loss: loss,
            lr: progress.plateau.lr,
            seconds: progress.seconds,
            seq_per_s: seen as f64 / progress.seconds.max(1e-9),
        });
        let best = progress.best_loss.is_none_or(|b| loss < b);
        if best {
            progress.best_loss = Some(loss);
            progress.best_epoch = epoch;
        }
        progress.plateau.observe(loss);
        (
            progress.epoch,
            progress.batch,
            progress.loss_sum,
            progress.seconds,
        ) = (epoch, 0, 0.0, 0.0);
        progress.stopped = self
            .settings
            .early_stopping
            .is_some_and(|t| progress.plateau.reached(t));
        let weights = self.network.state_dict();
        if best {
            write_safetensors(self.folder.join(BEST), &weights)?;
        }
        if self.settings.save_all {
            write_safetensors(
                self.folder.join(format!("model.{epoch}.safetensors")),
                &weights,
            )?;
        }
        write_safetensors(self.folder.join(LAST), &weights)?;
        history::write(self.folder.join(HISTORY), &progress.history)?;
        // Last: an epoch whose state is there has all its other files.
        self.save(moments, progress)?;
        if let Some(last) = progress.history.last() {
            self.reporter.epoch_done(last, best);
        }
        if progress.stopped && epoch < self.settings.epochs {
            self.reporter.line(&format!(
                "early stopping: the learning rate has fallen to {:e}",
                progress.plateau.lr
            ));
        }
        if interrupted() && !self.finished(progress) {
            return Err(stopped(&self.folder, self.reporter));
        }
        Ok(())
    }
}

/// Mean over rows and outputs of the squared error.
pub fn mean_loss<T: Real>(predictions: &[T], samples: Samples<'_>, rows: &[usize]) -> f64 {
    let mut sum = 0.0;
    for (p, &row) in predictions.chunks(samples.outputs).zip(rows) {
        for (p, s) in p.iter().zip(samples.signals(row)) {
            sum += (p.f64() - s) * (p.f64() - s);
        }
    }
    sum / predictions.len() as f64
}
