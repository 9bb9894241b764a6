//! The training loop of every kind of model: epochs of batches, validation, schedule, files.

use super::batch::Samples;
use super::batch_size::BatchSize;
use super::events::Events;
use super::folder::config::Precision;
use super::folder::state::{Progress, State, last_good};
use super::folder::weights::{Number, tensors};
use super::folder::{BEST, HISTORY, LAST, TRAIN_BEST};
use super::interrupt::{interrupted, stopped};
use super::model::{Model, Tally};
use super::settings::{BestBy, TrainSettings, annealed};
use super::worker::{Epoch, Job, Moments, Worker, worker};
use crate::engine::{Device, Layout};
use crate::io::history::{self, EpochRecord};
use crate::io::state_dict::{StateDict, write_safetensors};
use crate::numbers::{counted, rate, rounded};
use crate::optim::{Schedule, Shrink};
use crate::report::progress::{Reporter, duration};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// Above every score that [`Model::overall`] can give, which is 1 less a correlation or an auPRC.
const UNDEFINED: f64 = 3.0;

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The number of the last one.
    pub epochs: u64,
    pub best_epoch: u64,
    /// That epoch's validation loss, and what it was chosen by where that is another number.
    pub best_loss: f64,
    pub chosen_by: Option<(&'static str, f64)>,
    /// It was finished before: nothing was done.
    pub was_finished: bool,
}

impl Outcome {
    /// In a sentence.
    pub fn describe(&self, folder: &Path) -> String {
        if self.was_finished {
            format!(
                "{}: finished already after epoch {}",
                folder.display(),
                self.epochs
            )
        } else {
            let by = match self.chosen_by {
                Some((name, value)) => format!(
                    "best validation {name} {value:.4}, loss {:.5}",
                    self.best_loss
                ),
                None => format!("best validation loss {:.5}", self.best_loss),
            };
            format!(
                "{by} in epoch {} of {}: {}",
                self.best_epoch,
                self.epochs,
                folder.join(BEST).display()
            )
        }
    }
}

/// What a run consists of, besides the parameters.
pub struct Trainer<'a, M, S> {
    pub model: &'a M,
    pub samples: &'a S,
    pub settings: TrainSettings,
    /// It is there, and this run's own.
    pub folder: &'a Path,
    pub device: &'a Device,
    pub precision: Precision,
    pub reporter: &'a Reporter,
    /// Called before the first step of a run that is not finished: what is known of the weights so far will not hold any more.
    pub begins: Begins<'a>,
}

/// What is to be done before a model's weights change.
pub type Begins<'a> = &'a (dyn Fn() -> Result<()> + Sync);

/// A run's numbers while it trains.
struct Numbers<T> {
    layout: Layout,
    params: Vec<T>,
    moments: Moments<T>,
    progress: Progress,
}

impl<M: Model, S: Samples> Trainer<'_, M, S> {
    /// Trains `params` (in the order of the model's layout) to the end, from the folder's state where `resume` says so and
    /// there is one.
    ///
    /// # Errors
    /// A loss that is not finite; samples that cannot be drawn; a file that cannot be written; [`Error::Interrupted`] after
    /// the state was saved.
    pub fn run<T: Number>(&self, params: Vec<T>, resume: bool) -> Result<Outcome> {
        let mut worker = worker::<T, M, S>(
            self.device,
            self.precision,
            Job {
                model: self.model,
                samples: self.samples,
                optimizer: &self.settings.optimizer,
                batch_size: self.batch_size(),
                seed: self.settings.seed,
            },
        )?;
        let zeros = vec![T::ZERO; params.len()];
        let mut run = Numbers {
            layout: worker.layout().clone(),
            params,
            moments: Moments {
                m: zeros.clone(),
                v: zeros,
            },
            progress: Progress {
                plateau: self.settings.schedule.start(self.settings.lr),
                ..Progress::default()
            },
        };
        if resume && let Some(state) = State::<T>::read(self.folder, &run.layout)? {
            run.progress = state.progress;
            run.params = state.params;
            (run.moments.m, run.moments.v) = (state.m, state.v);
            // A state of before it was kept: the rate is the same.
            let before = *run.progress.given_lr.get_or_insert(self.settings.lr);
            let epochs = run.progress.epoch < self.settings.epochs;
            if before != self.settings.lr && epochs {
                // Early stopping by the rate that was is none by the rate that is.
                run.progress.stopped = false;
            }
            self.check_weights(&run.progress)?;
            if self.finished(&run.progress) {
                return Ok(self.outcome(&run.progress, true));
            }
        }
        if run.progress.batch == 0 {
            self.take_rate(&mut run.progress);
        }
        self.note_other_device(&mut run.progress);
        let measures = self.model.measures().len();
        run.progress.measures.resize(measures, 0.0);
        worker.load(&run.params, &run.moments)?;
        self.note_idle_penalty(&run.layout);
        self.note_long_warmup();
        (self.begins)()?;
        let mut events = self.events(&run.progress)?;
        while !self.finished(&run.progress) {
            let seen = self.epoch(&mut *worker, &mut run)?;
            self.validate(&mut *worker, &mut run, seen)?;
            if let Some(events) = &mut events {
                events.add(&run.progress.history)?;
            }
        }
        Ok(self.outcome(&run.progress, false))
    }

    /// # Errors
    /// An epoch was finished, and its weights are not there.
    fn check_weights(&self, progress: &Progress) -> Result<()> {
        let gone = |name: &&&str| !self.folder.join(name).exists();
        match [BEST, LAST].iter().find(gone) {
            Some(name) if progress.epoch > 0 => Err(Error::invalid(format!(
                "--resume: {} is not there, though {} of its model are done: put it back, or remove {} to train the model anew",
                self.folder.join(name).display(),
                counted(progress.epoch, "epoch"),
                self.folder.display()
            ))),
            _ => Ok(()),
        }
    }

    /// A rate that is still rising when training ends.
    fn note_long_warmup(&self) {
        let (warmup, epochs) = (self.settings.warmup, self.settings.epochs);
        if warmup > 0 && warmup >= epochs {
            self.reporter.line(&format!(
                "note: the learning rate rises for {} and the run has {}: it never reaches its value",
                counted(warmup, "epoch"),
                counted(epochs, "epoch")
            ));
        }
    }

    /// Begins the schedule anew where the run was given another rate than before: between two epochs.
    fn take_rate(&self, progress: &mut Progress) {
        let lr = self.settings.lr;
        if progress
            .given_lr
            .replace(lr)
            .is_some_and(|before| before != lr)
        {
            progress.plateau = self.settings.schedule.start(lr);
        }
    }

    /// The number of an epoch for people.
    fn number(&self, epoch: u64) -> u64 {
        self.settings.epochs_before + epoch
    }

    fn outcome(&self, progress: &Progress, was_finished: bool) -> Outcome {
        Outcome {
            epochs: self.number(progress.epoch),
            best_epoch: progress.best_epoch,
            best_loss: progress.best_loss.unwrap_or(f64::NAN),
            chosen_by: match (self.settings.best_by, self.model.overall()) {
                (BestBy::Overall, Some(overall)) => {
                    let best = progress.best_score.filter(|&score| score < UNDEFINED);
                    best.map(|score| (overall.name, 1.0 - score))
                }
                _ => None,
            },
            was_finished,
        }
    }

    /// Devices round differently.
    fn note_other_device(&self, progress: &mut Progress) {
        let here = match self.device {
            Device::Cpu { .. } => "cpu",
            Device::Cuda { .. } => "cuda",
        };
        match progress.device.replace(here.to_string()) {
            Some(before) if before != here => self.reporter.line(&format!(
                "note: --resume: the run used {before} so far and uses {here} from now on: the weights will not be, byte for byte, those of a run on one device"
            )),
            _ => {}
        }
    }

    /// A penalty on a parameter that nothing moves does nothing.
    fn note_idle_penalty(&self, layout: &Layout) {
        let settings = &self.settings.optimizer;
        let idle = |name: &&String| layout.get(name).is_some_and(|p| !p.learns());
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

    /// The rate of the running epoch's steps.
    fn lr(&self, progress: &Progress) -> f64 {
        let given = progress.given_lr.unwrap_or(self.settings.lr);
        let plateau = progress.plateau.as_ref();
        let rate = plateau.map_or(given, |plateau| plateau.lr);
        let warmup = self.settings.warmup;
        let rising = match progress.epoch < warmup {
            true => (progress.epoch as f64 + 1.0) / (warmup as f64 + 1.0),
            false => 1.0,
        };
        let falling = match self.settings.anneal {
            true => annealed(progress.epoch, self.settings.epochs),
            false => 1.0,
        };
        rate * rising * falling
    }

    /// The steps of one epoch that are still to be done; how many samples the epoch has trained on.
    fn epoch<T: Number>(
        &self,
        worker: &mut dyn Worker<T, S::Sample>,
        run: &mut Numbers<T>,
    ) -> Result<usize> {
        let started = Instant::now();
        let before = run.progress.seconds;
        let (samples, notes) = self.samples.epoch(run.progress.epoch)?;
        if run.progress.batch == 0 {
            notes.iter().for_each(|note| self.reporter.line(note));
        }
        let (all, size) = (samples.len(), self.batch_size().rows);
        let batches = self.batches(all);
        let epoch = self.number(run.progress.epoch + 1);
        let epochs = self.number(self.settings.epochs);
        let label = match self.left(&run.progress) {
            Some(left) => format!("epoch {epoch}/{epochs} (the run: {left} left)"),
            None => format!("epoch {epoch}/{epochs}"),
        };
        let bar = self.reporter.bar(&label, all, self.model.kind().rows);
        worker.begin(Epoch {
            samples,
            lr: self.lr(&run.progress),
            steps: run.progress.steps - run.progress.batch as u64,
        })?;
        while run.progress.batch < batches {
            let from = run.progress.batch;
            for stepped in worker.steps(from..(from + worker.stride()).min(batches))? {
                let progress = &mut run.progress;
                let kind = self.model.kind();
                if !stepped.loss.is_finite() {
                    return Err(Error::invalid(format!(
                        "the loss is {} in epoch {epoch}, step {}: {}; {}",
                        stepped.loss,
                        progress.batch + 1,
                        kind.remedy,
                        last_good(self.folder, kind)
                    )));
                }
                progress.loss_sum += stepped.loss;
                for (sum, more) in progress.measures.iter_mut().zip(stepped.measures) {
                    *sum += more;
                }
                let rows = size.min(all - progress.batch * size);
                progress.batch += 1;
                progress.steps += 1;
                bar.advance(rows);
            }
            if interrupted() {
                run.progress.seconds = before + started.elapsed().as_secs_f64();
                worker.store(&mut run.params, &mut run.moments)?;
                self.save(run)?;
                return Err(stopped(self.folder, self.reporter));
            }
        }
        run.progress.seconds = before + started.elapsed().as_secs_f64();
        bar.finish();
        Ok((batches * size).min(all))
    }

    /// The time that the rest of the run takes, where an epoch has told how long one is. Early stopping may end it before.
    fn left(&self, progress: &Progress) -> Option<String> {
        let done = &progress.history;
        let seconds: f64 = done.iter().map(|record| record.seconds).sum();
        let left = self.settings.epochs.saturating_sub(progress.epoch);
        (!done.is_empty()).then(|| duration(seconds / done.len() as f64 * left as f64))
    }

    /// The event file of the run, with all epochs that are done.
    fn events(&self, progress: &Progress) -> Result<Option<Events>> {
        let Some(folder) = &self.settings.log_dir else {
            return Ok(None);
        };
        let (rate, anew) = (self.model.kind().rate, progress.history.is_empty());
        let mut events = Events::open(folder, self.folder, rate, anew)?;
        events.add(&progress.history)?;
        Ok(Some(events))
    }

    fn batch_size(&self) -> BatchSize {
        BatchSize::of(self.settings.batch_size, self.samples.most())
    }

    fn batches(&self, samples: usize) -> usize {
        let size = self.batch_size().rows;
        if self.settings.drop_last && samples >= size {
            samples / size
        } else {
            samples.div_ceil(size)
        }
    }

    /// Ends an epoch that has trained on `seen` samples: validation loss, best weights, schedule, files.
    fn validate<T: Number>(
        &self,
        worker: &mut dyn Worker<T, S::Sample>,
        run: &mut Numbers<T>,
        seen: usize,
    ) -> Result<()> {
        let measures = self.model.measures();
        let overall = self.model.overall();
        let (mut tally, mut measured) = (Tally::default(), vec![0.0; measures.len()]);
        let mut all = (Vec::new(), Vec::new());
        let mut numbers = 0;
        let samples = self.samples.validation();
        worker.validate(samples, &mut |outputs: &[T], targets: &[f64]| {
            self.model.tally(outputs, targets, &mut tally);
            for (sum, measure) in measured.iter_mut().zip(measures) {
                *sum += measure.sum(outputs, targets);
            }
            if overall.is_some() {
                all.0.extend(outputs.iter().map(|x| x.f64()));
                all.1.extend_from_slice(targets);
            }
            numbers += outputs.len();
        })?;
        worker.store(&mut run.params, &mut run.moments)?;
        let loss = tally.mean();
        let (lr, moves) = (self.lr(&run.progress), self.rate_moves());
        let progress = &mut run.progress;
        let epoch = self.number(progress.epoch + 1);
        if !loss.is_finite() {
            return Err(Error::invalid(format!(
                "the validation loss is {loss} after epoch {epoch}; {}",
                last_good(self.folder, self.model.kind())
            )));
        }
        let outputs = (seen * self.model.row().outputs) as f64;
        let mut more = BTreeMap::new();
        let sums = progress.measures.iter().zip(&measured);
        for (measure, (trained, validated)) in measures.iter().zip(sums) {
            more.insert(format!("train_{}", measure.name), trained / outputs);
            let share = validated / numbers as f64;
            more.insert(format!("validation_{}", measure.name), share);
        }
        let width = self.model.row().outputs;
        let together = overall.and_then(|overall| (overall.of)(&all.0, &all.1, width));
        if let (Some(overall), Some(value)) = (overall, together) {
            more.insert(format!("validation_{}", overall.name), value);
        }
        if moves {
            more.insert("lr".to_string(), lr);
        }
        let rate = seen as f64 / progress.seconds.max(1e-9);
        more.insert(self.model.kind().rate.to_string(), rate);
        progress.history.push(EpochRecord {
            epoch,
            train_loss: progress.loss_sum / seen as f64,
            validation_loss: loss,
            seconds: progress.seconds,
            more,
        });
        // The lower the better. What is not defined is worse than all that is; among such epochs the loss decides.
        let score = match (self.settings.best_by, together) {
            (BestBy::Loss, _) => loss,
            (BestBy::Overall, Some(together)) => 1.0 - together,
            (BestBy::Overall, None) => UNDEFINED + loss,
        };
        let before = progress.best_score.or(progress.best_loss);
        let best = before.is_none_or(|before| score < before);
        if best {
            progress.best_score = Some(score);
            (progress.best_loss, progress.best_epoch) = (Some(loss), epoch);
        }
        if let Some(plateau) = &mut progress.plateau {
            plateau.observe(score);
        }
        progress.epoch += 1;
        (progress.batch, progress.loss_sum, progress.seconds) = (0, 0.0, 0.0);
        progress.measures.fill(0.0);
        self.take_rate(progress);
        let schedule = self.settings.schedule;
        let why = schedule.stop(progress.plateau.as_ref(), epoch, progress.best_epoch);
        let patience = self.settings.stop_after;
        let why = why.or_else(|| {
            let stalled = Schedule::Constant {
                patience: patience?,
            };
            stalled.stop(None, epoch, progress.best_epoch)
        });
        progress.stopped = why.is_some();
        self.write(run, best)?;
        if let Some(last) = run.progress.history.last() {
            self.reporter.line(&self.describe(last, best));
        }
        if let Some(why) = why.filter(|_| run.progress.epoch < self.settings.epochs) {
            self.reporter.line(&format!("early stopping: {why}"));
        }
        if interrupted() && !self.finished(&run.progress) {
            return Err(stopped(self.folder, self.reporter));
        }
        Ok(())
    }

    /// The columns of history.tsv.
    fn columns(&self) -> Vec<String> {
        columns(self.model, self.rate_moves())
    }

    /// Whether the rate of one epoch can be another than that of the one before.
    fn rate_moves(&self) -> bool {
        self.settings.anneal || matches!(self.settings.schedule, Schedule::Plateau { .. })
    }

    /// An epoch in a line.
    fn describe(&self, record: &EpochRecord, best: bool) -> String {
        let number = |column: &str| record.more.get(column).copied();
        let measures = |part: &str| -> String {
            let names = self.model.measures().iter().map(|m| m.name);
            let shown = names.filter_map(|name| {
                let value = number(&format!("{part}_{name}"))?;
                Some(format!(", {name} {value:.4}"))
            });
            shown.collect()
        };
        let together = self.model.overall().and_then(|overall| {
            let value = number(&format!("validation_{}", overall.name))?;
            Some(format!(", {} {value:.4}", overall.name))
        });
        // Behind the number that decided.
        let mark = if best { " (best)" } else { "" };
        let (of_loss, of_overall) = match (self.settings.best_by, &together) {
            (BestBy::Overall, Some(_)) => ("", mark),
            _ => (mark, ""),
        };
        let together = together.unwrap_or_default();
        let lr = number("lr").map_or(String::new(), |lr| format!(", lr {:e}", rounded(lr)));
        let kind = self.model.kind();
        format!(
            "epoch {}: train loss {:.5}{}, validation loss {:.5}{of_loss}{}{together}{of_overall}{lr}, {:.1} s, {}",
            record.epoch,
            record.train_loss,
            measures("train"),
            record.validation_loss,
            measures("validation"),
            record.seconds,
            rate(number(kind.rate).unwrap_or_default(), kind.rows)
        )
    }

    fn write<T: Number>(&self, run: &Numbers<T>, best: bool) -> Result<()> {
        let weights = StateDict {
            tensors: tensors(&run.layout, &run.params, ""),
            ..StateDict::default()
        };
        if best {
            write_safetensors(self.folder.join(BEST), &weights)?;
        }
        if self.settings.save_train_best && trained_best(&run.progress.history) {
            write_safetensors(self.folder.join(TRAIN_BEST), &weights)?;
        }
        if self.settings.save_all {
            let name = format!("model.{}.safetensors", self.number(run.progress.epoch));
            write_safetensors(self.folder.join(name), &weights)?;
        }
        write_safetensors(self.folder.join(LAST), &weights)?;
        let history = &run.progress.history;
        history::write(&self.folder.join(HISTORY), &self.columns(), history)?;
        // Last: an epoch whose state is there has all its other files.
        self.save(run)
    }

    fn save<T: Number>(&self, run: &Numbers<T>) -> Result<()> {
        let (m, v) = (&run.moments.m, &run.moments.v);
        State::write(self.folder, &run.layout, &run.progress, &run.params, m, v)
    }
}

/// The columns of a model's history.tsv; `rate_moves`: its learning rate has one.
pub fn columns<M: Model>(model: &M, rate_moves: bool) -> Vec<String> {
    let mut columns = vec!["epoch".to_string()];
    for part in ["train", "validation"] {
        columns.push(format!("{part}_loss"));
        let measures = model.measures().iter();
        columns.extend(measures.map(|m| format!("{part}_{}", m.name)));
    }
    columns.extend(
        model
            .overall()
            .map(|overall| format!("validation_{}", overall.name)),
    );
    if rate_moves {
        columns.push("lr".to_string());
    }
    columns.push("seconds".to_string());
    columns.push(model.kind().rate.to_string());
    columns
}

/// The last epoch has a lower training loss than every one before it.
fn trained_best(history: &[EpochRecord]) -> bool {
    history.split_last().is_some_and(|(last, before)| {
        let mut losses = before.iter().map(|record| record.train_loss);
        losses.all(|loss| last.train_loss < loss)
    })
}
