//! One model, or one penalty path, from flags to its folder.

use super::args::Args;
use super::around::Around;
use super::config::{MODEL, MODEL_HASH};
use super::inputs::Read;
use crate::args::lr_decay::Decay;
use crate::args::outputs;
use crate::args::recipe::POINTER;
use crate::data::Notes;
use crate::data::batch_offsets::BatchOffsets;
use crate::data::dataset::Dataset;
use crate::data::split::rows::Split;
use crate::data::uninformative::{check, without_bases};
use crate::io::atomic::remove_if_there;
use crate::io::state_dict;
use crate::models::tisfm::config::Config;
use crate::models::tisfm::measured::{TEST, Tested};
use crate::models::tisfm::network::{Blueprint, Network};
use crate::models::tisfm::penalty_path::{PenaltyPath, Steps, nonzero, step_folder};
use crate::models::tisfm::samples::{Rows, TrainingRows};
use crate::models::tisfm::targets::Targets;
use crate::models::tisfm::{Dimensions, KIND, Spec};
use crate::numbers::{counted, is_or_are, rounded};
use crate::optim::{OptimizerSettings, Schedule, Shrink};
use crate::train::folder::config::{Difference, Precision, own_flag};
use crate::train::folder::weights::Number;
use crate::train::folder::{BEST, CONFIG, STATE};
use crate::train::worker::check_fits;
use crate::train::{TrainSettings, Trainer, interrupt};
use crate::{Error, Result};
use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// The learning rate and the number of epochs in config.json.
const RATE: &str = "lr";
const EPOCHS: &str = "number_of_epochs";

/// Trains what the flags say; `spec`: what [`Args::checked`] gave.
pub fn run_one(args: &Args, spec: Spec, around: &Around<'_>) -> Result<()> {
    let mut read = Read::of(args, &spec, around.sources)?;
    let notes = std::mem::take(&mut read.notes);
    run_read(args, spec, around, &read, notes)
}

/// Trains one model from inputs that have been read; `notes`: what there is to say of them.
pub(super) fn run_read(
    args: &Args,
    spec: Spec,
    around: &Around<'_>,
    read: &Read,
    mut notes: Notes,
) -> Result<()> {
    let precision = args.precision.precision();
    let sources = around.sources;
    let split = args.split(&read.dataset)?;
    notes.extend(split.note());
    notes.extend(without_bases(
        &read.dataset.names,
        &read.dataset.codes,
        read.dataset.length,
    ));
    let offsets = BatchOffsets::of(&read.dataset, &split.train)?;
    let less = offsets.as_ref().map(|offsets| {
        let mut dataset = read.dataset.clone();
        notes.extend(offsets.take_off(&mut dataset));
        dataset
    });
    let dataset = less.as_ref().unwrap_or(&read.dataset);
    notes.extend(check(dataset, &split)?);
    let targets = Targets::of(dataset, &split);
    let blueprint = Blueprint {
        spec,
        dimensions: Dimensions {
            window: dataset.length,
            outputs: dataset.outputs.len(),
        },
        kernels: read.kernels.clone(),
        trainable: args.trainable(),
        loss: targets.loss,
    };
    let mut config = args.config(&blueprint, &read.motifs, dataset, precision, sources)?;
    config.model.batch_offsets = offsets;
    if !around.more {
        sources.forget();
    }
    // While inputs are read a signal ends the run at once.
    interrupt::watch();
    let data = Data {
        dataset,
        split: &split,
        targets,
        notes,
    };
    match precision {
        Precision::F32 | Precision::Bf16 => train::<f32>(args, around, blueprint, config, &data),
        Precision::F64 => train::<f64>(args, around, blueprint, config, &data),
    }
}

/// What is trained on, and what there is to say of it.
struct Data<'a> {
    dataset: &'a Dataset,
    split: &'a Split,
    targets: Targets<'a>,
    notes: Notes,
}

fn train<T: Number>(
    args: &Args,
    around: &Around<'_>,
    blueprint: Blueprint,
    mut config: Config,
    data: &Data<'_>,
) -> Result<()> {
    let (dataset, split) = (data.dataset, data.split);
    let (known, reporter) = (around.known, around.reporter);
    let network = args.start::<T>(blueprint, &config, known)?;
    if let Some(motif) = network.untied() {
        return Err(Error::invalid(format!(
            "--tie-kernels: the kernels of {} in {} are not each other's reverse complement, or have numbers outside of the motif's columns: train from the motifs, or from weights that were trained with --tie-kernels",
            config.model.shown_motif(motif).unwrap_or_default(),
            args.model.as_deref().unwrap_or(Path::new("")).display()
        )));
    }
    let penalised = args.penalised(&network)?;
    let claim = args.claim(known);
    claim.check(&config)?;
    if args.resume {
        args.check_start(&config)?;
        args.check_steps()?;
    }
    let mut folders = vec![claim.folder.to_path_buf()];
    if args.lambdas().len() > 1 {
        let steps = 0..args.lambdas().len();
        folders.extend(steps.map(|step| step_folder(claim.folder, step)));
    }
    outputs::check_model_folder(claim.flag, &folders, &KIND, &args.inputs())?;
    let samples = TrainingRows {
        rows: Rows {
            codes: &dataset.codes,
            targets: &data.targets.values,
            length: dataset.length,
        },
        train: &split.train,
        validation: &split.validation,
        seed: args.seed,
    };
    let device = &around.device.announce();
    data.notes.iter().for_each(|note| reporter.line(note));
    check_fits::<T, _, _>(device, &network.blueprint, &samples, args.batch_size())?;
    if let Some(note) = claim.starts_anew()? {
        reporter.line(&note);
    }
    // Only now: all that can be wrong with the inputs has been seen.
    let _lock = claim.take::<T, _>(&mut config, &network.layout)?;
    let folder = claim.folder;
    if args.resume {
        split.check_written(folder, &dataset.names)?;
    }
    let before = own_flag(folder, RATE);
    config.write(folder)?;
    split.write(folder, &dataset.names)?;
    let lambdas = args.lambdas();
    let shrink = lambdas
        .first()
        .map_or(Shrink::None, |&l| args.kind().shrink(l));
    let settings = TrainSettings {
        epochs: args.epochs(),
        batch_size: args.batch_size(),
        lr: args.lr(),
        schedule: Schedule::Plateau {
            patience: args.patience(),
            stop_at: args.early_stopping.then_some(args.early_stopping_threshold),
        },
        optimizer: OptimizerSettings::adamw(shrink, penalised.clone()),
        seed: args.seed,
        drop_last: args.drop_last,
        save_all: args.save_all,
        save_train_best: true,
        best_by: args.best_by(),
        warmup: args.warmup(),
        anneal: args.lr_decay == Decay::Cosine,
        stop_after: args.stop_after,
        log_dir: args.log_dir.clone(),
        epochs_before: match lambdas.len() {
            // A path's steps are numbered anew.
            2.. => 0,
            _ => args.epochs_before()?,
        },
    };
    let rules = || match args.no_baselines {
        true => Arc::default(),
        false => around.rules.of(dataset, split, reporter),
    };
    let tested = Tested {
        rows: samples.rows,
        dataset,
        test: &split.test,
        rules: &rules,
        batch_size: args.batch_size(),
        device,
        reporter,
    };
    if args.recipe.is_none() && !args.ensemble.given() {
        reporter.line(POINTER);
    }
    if let Some(transform) = &config.model.transform {
        reporter.line(&transform.sentence());
    }
    let parameters = &network.layout.params;
    reporter.line(&format!(
        "{}: {}, {} of them trained; {} training, {} validation, {} of {}",
        config.model.architecture.name,
        counted(
            parameters.iter().map(|p| p.len()).sum::<usize>(),
            "parameter"
        ),
        parameters
            .iter()
            .filter(|p| p.trainable)
            .map(|p| p.len())
            .sum::<usize>(),
        split.train.len(),
        split.validation.len(),
        counted(split.test.len(), "test sequence"),
        counted(dataset.length, "base")
    ));
    if lambdas.len() > 1 {
        let path = PenaltyPath {
            lambdas,
            kind: args.kind(),
            penalised,
            step_lr: args.step_lr.unwrap_or(settings.lr / 10.0),
        };
        let steps = Steps {
            path: &path,
            settings: &settings,
            samples: &samples,
            split,
            names: &dataset.names,
            folder,
            config: &config,
            device,
            reporter,
            tested,
            begins: around.begins,
        };
        return steps.run(network, args.resume);
    }
    let trainer = Trainer {
        model: &network.blueprint,
        samples: &samples,
        settings,
        folder,
        device,
        precision: config.precision,
        reporter,
        begins: &|| {
            (around.begins)()?;
            remove_if_there(&folder.join(TEST))
        },
    };
    let outcome = trainer.run(network.params, args.resume)?;
    reporter.line(&outcome.describe(folder));
    if let Some(before) = before.filter(|_| outcome.was_finished) {
        // No step was taken with another rate.
        config.flags.insert(RATE.to_string(), before);
        config.write(folder)?;
    }
    if !outcome.was_finished || !folder.join(TEST).exists() {
        tested.write(folder, &config)?;
    }
    if let Some(lambda) = lambdas.first() {
        let best = state_dict::read(folder.join(BEST))?;
        let found = nonzero(&best, &penalised);
        reporter.line(&format!(
            "penalty {}: {} of {} in {} {} not 0",
            rounded(*lambda),
            found.nonzero,
            counted(found.all, "weight"),
            penalised.join(", "),
            is_or_are(found.nonzero)
        ));
    }
    Ok(())
}

impl Args {
    /// The parameters that the penalty acts on.
    fn penalised<T: Number>(&self, network: &Network<T>) -> Result<Vec<String>> {
        let names: Vec<&str> = network
            .layout
            .params
            .iter()
            .map(|p| p.name.as_str())
            .collect();
        for name in &self.penalize_layers {
            if !self.lambdas().is_empty() && !names.contains(&name.as_str()) {
                return Err(Error::usage(format!(
                    "--penalize-layers {name}: no such parameter; there are {}",
                    names.join(", ")
                )));
            }
        }
        // One that is named twice is one.
        let mut once = HashSet::new();
        let named = self.penalize_layers.iter();
        Ok(named.filter(|name| once.insert(*name)).cloned().collect())
    }

    /// A run that is gone on with started from the weights that `--model` names now.
    ///
    /// # Errors
    /// From others.
    fn check_start(&self, config: &Config) -> Result<()> {
        let folder = &self.model_output;
        let before = |flag: &str| own_flag(folder, flag).filter(|value| !value.is_null());
        let now = |flag: &str| config.flags.get(flag).filter(|v| !v.is_null()).cloned();
        let shown = |value: Value| value.as_str().unwrap_or_default().to_string();
        if !folder.join(CONFIG).exists() {
            return Ok(());
        }
        let (model, hash) = (self.model.as_deref(), (before(MODEL_HASH), now(MODEL_HASH)));
        match hash {
            (Some(before), Some(now)) if before == now => Ok(()),
            (Some(_), Some(_)) => Err(Error::invalid(format!(
                "--resume: {0} was started from weights of {1} that have changed since: remove {0} to train it anew from those that are there, or choose another folder",
                folder.display(),
                model.unwrap_or(Path::new("")).display()
            ))),
            _ if before(MODEL) == now(MODEL) => Ok(()),
            _ => Err(Difference {
                what: "--model".to_string(),
                before: before(MODEL).map(shown),
                now: now(MODEL).map(shown),
            }
            .refused(folder)),
        }
    }

    /// A path's later steps started from what the earlier ones had after so many epochs.
    ///
    /// # Errors
    /// Another number of epochs, where a second step was begun.
    fn check_steps(&self) -> Result<()> {
        let folder = &self.model_output;
        let second = step_folder(folder, 1);
        let before = own_flag(folder, EPOCHS);
        match before {
            Some(before)
                if self.lambdas().len() > 1
                    && second.join(STATE).exists()
                    && before != self.epochs() =>
            {
                Err(Error::invalid(format!(
                    "--resume: {} started from what path_0 had after {before} epochs at most; with --number-of-epochs {} this would be another path: give the same number, or choose another folder",
                    second.display(),
                    self.epochs()
                )))
            }
            _ => Ok(()),
        }
    }
}
