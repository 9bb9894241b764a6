//! One model, from flags to its folder.

use super::args::{Args, RATE};
use super::around::Around;
use super::held_out::{End, HeldOut};
use super::inputs::Read;
use crate::args::lr_decay::Decay;
use crate::args::outputs::check_model_folder;
use crate::args::recipe::POINTER;
use crate::data::Notes;
use crate::data::windows::annotations::Annotations;
use crate::data::windows::bins::Labeller;
use crate::data::windows::peaks::Peaks;
use crate::dna::motif::Motif;
use crate::dna::span::Span;
use crate::engine::Device;
use crate::models::factornet::KIND;
use crate::models::factornet::cell_line::{CellFolder, factor_files};
use crate::models::factornet::commands::outputs;
use crate::models::factornet::config::{Config, write_lists};
use crate::models::factornet::samples::placing::Placer;
use crate::models::factornet::samples::source::{Task, TaskSamples};
use crate::models::factornet::samples::{multi, single, unbound};
use crate::numbers::counted;
use crate::optim::{OptimizerSettings, Schedule};
use crate::train::batch::{Samples, Source};
use crate::train::folder::claim::Claim;
use crate::train::folder::config::{Precision, named, own_flag};
use crate::train::folder::weights::Number;
use crate::train::model::Model;
use crate::train::worker::check_fits;
use crate::train::{TrainSettings, Trainer, interrupt};
use crate::{Error, Result};
use std::path::PathBuf;

/// Trains one model; `read`: its inputs where they were read already.
pub(super) fn run_one(args: &Args, around: &Around<'_>, read: Option<&Read>) -> Result<()> {
    let inputs = read;
    let (cells, sources) = (around.cells, around.sources);
    let config = args.config(cells, around.precision, sources)?;
    let claim = args.claim(around.known);
    claim.check(&config)?;
    let mut read = outputs::inputs(&args.shared, &cells.all());
    read.extend(args.motif_file());
    // Chromosome names may stand among them: a name without a file of that name is passed over.
    read.extend(
        args.validation()
            .into_iter()
            .chain(args.test())
            .map(PathBuf::from),
    );
    check_model_folder(claim.flag, &[claim.folder.to_path_buf()], &KIND, &read)?;
    let motif = args.start_motif(sources)?;
    let motif = motif.as_ref();
    match around.precision {
        Precision::F64 => train::<f64>(args, around, config, motif, &claim, inputs),
        _ => train::<f32>(args, around, config, motif, &claim, inputs),
    }
}

fn train<T: Number>(
    args: &Args,
    around: &Around<'_>,
    mut config: Config,
    motif: Option<&Motif>,
    claim: &Claim<'_>,
    read: Option<&Read>,
) -> Result<()> {
    let (cells, sources, device) = (around.cells, around.sources, around.device);
    let mut notes = Notes::new();
    let own;
    let read = match read {
        Some(read) => read,
        None => {
            own = Read::of(args, around, &config, &mut notes)?;
            &own
        }
    };
    let Read {
        genome,
        annotations,
        inputs,
    } = read;
    let inputs = inputs.clone();
    let chromosomes = genome.chromosomes();
    let split = args.split(around, genome, &mut notes)?;
    if args.shared.strict {
        // No input of training or validation touches a chromosome that is all test.
        let tested =
            |number| split.test().spans(number) == [Span::new(0, chromosomes.length(number))];
        let learned = (0..chromosomes.len() as u32).filter(|&number| !tested(number));
        genome.check_held(&inputs, learned)?;
    }
    let tracks = &config.model.network.tracks;
    config.model.genome = genome.genome.digest();
    config.model.track_means = genome.track_means(tracks, &cells.train, &inputs)?;
    let mut peaks = |cells: &[CellFolder], factor: &str| {
        factor_files(cells, factor)?
            .into_iter()
            .map(|files| files.peaks(args.needed(), sources, chromosomes, &mut notes))
            .collect::<Result<Vec<_>>>()
    };
    let length = args.seqlen as u32;
    let labeller = |peaks: &Peaks| Labeller::new(peaks, chromosomes.len());
    // By cell line of validation, of each factor.
    let held_out = |labellers: Vec<Vec<Labeller>>| -> Result<HeldOut<'_>> {
        let cells = cells.held().into_iter().zip(labellers);
        let cells = cells
            .map(|((number, cell), labellers)| Ok((number, named(&cell.path)?.into(), labellers)));
        let placer = Placer {
            chromosomes,
            blacklist: &genome.blacklist,
            annotations: annotations.as_ref(),
            cell: 0,
        };
        let cells = cells.collect::<Result<_>>()?;
        let held = HeldOut::new(placer, split.validation(), &genome.unknown, cells);
        if args.calibrates() {
            held.check_bound(&config.model.factors)?;
        }
        Ok(held)
    };
    let (task, held, positives, device) = match &args.factor {
        Some(factor) => {
            let train = peaks(&cells.train, factor)?;
            let held = match cells.validation.is_empty() {
                true => None,
                false => Some(peaks(&cells.validation, factor)?),
            };
            let labelled = held.as_ref().unwrap_or(&train).iter();
            let labelled = labelled.map(|peaks| vec![labeller(peaks)]).collect();
            let held_out = held_out(labelled)?;
            let device = device.announce();
            around.say(&notes);
            let settings = single::Settings {
                chromosomes,
                blacklist: &genome.blacklist,
                unknown: Some(&genome.unknown),
                split: &split,
                length,
                negatives: args.negatives(),
                annotations: annotations.as_ref() as Option<&Annotations>,
                span: args.span(),
                max_shift: args.max_shift(),
                seed: args.seed,
            };
            let made = single::SingleTask::new(settings, &train, held.as_deref());
            let (task, notes) = made.map_err(|e| match e {
                Error::Invalid(message) => Error::invalid(format!("-f {factor}: {message}")),
                other => other,
            })?;
            around.say(&notes);
            let positives = task.positives().len();
            (Task::Single(task), held_out, positives, device)
        }
        None => {
            let mut all = Vec::new();
            for factor in &config.model.factors {
                all.extend(peaks(&cells.train, factor)?);
            }
            notes.extend(args.ignored());
            // Relaxed peaks are not read: what they alone cover is not bound.
            let held_out = held_out(vec![all.iter().map(labeller).collect()])?;
            let device = device.announce();
            around.say(&notes);
            let settings = multi::Settings {
                chromosomes,
                blacklist: &genome.blacklist,
                unknown: Some(&genome.unknown),
                split: &split,
                length,
                seed: args.seed,
            };
            let (task, notes) = multi::MultiTask::new(settings, &all)?;
            around.say(&notes);
            let factors: Vec<_> = config.model.factors.iter().cloned().zip(all).collect();
            around.say(&unbound::warnings(&task, &factors));
            let positives = task.positives();
            (Task::Multi(task), held_out, positives, device)
        }
    };
    if !around.more {
        sources.forget();
    }
    let samples = TaskSamples { task, inputs };
    config.model.training_share = training_share(&samples, config.model.factors.len())?;
    let size = args.batch_size();
    check_fits::<T, _, _>(&device, &config.model.network, &samples, size)?;
    let drawn = Drawn {
        samples,
        positives,
        held,
    };
    args.start::<T>(config, motif, &drawn, claim, (&device, around))
}

/// By factor, which share of the first epoch's windows is bound.
fn training_share(samples: &TaskSamples<'_>, factors: usize) -> Result<Vec<f64>> {
    let (drawn, _) = samples.epoch(0)?;
    let mut sums = vec![0.0; factors];
    let mut targets = vec![0.0; factors];
    for sample in &drawn {
        samples.targets(sample, &mut targets);
        sums.iter_mut().zip(&targets).for_each(|(sum, y)| *sum += y);
    }
    Ok(sums
        .into_iter()
        .map(|sum| sum / drawn.len() as f64)
        .collect())
}

/// What a run trains on and what it is held against.
struct Drawn<'a> {
    samples: TaskSamples<'a>,
    /// Of training.
    positives: usize,
    held: HeldOut<'a>,
}

impl Args {
    fn start<T: Number>(
        &self,
        mut config: Config,
        motif: Option<&Motif>,
        drawn: &Drawn<'_>,
        claim: &Claim<'_>,
        (device, around): (&Device, &Around<'_>),
    ) -> Result<()> {
        let reporter = around.reporter;
        let folder = claim.folder;
        let Drawn {
            samples,
            positives,
            held,
        } = drawn;
        let params = self.weights::<T>(&config, motif)?;
        if let Some(note) = claim.starts_anew()? {
            reporter.line(&note);
        }
        // Until here nothing was written, and a signal ends the program at once.
        interrupt::watch();
        if self.recipe.is_none() && !self.ensemble.given() {
            reporter.line(POINTER);
        }
        // Only now: all that can be wrong with the inputs has been seen.
        let layout = config.model.network.layout()?;
        let _lock = claim.take::<T, _>(&mut config, &layout)?;
        let (lr, before) = (self.rate(), own_flag(folder, RATE));
        config.write(folder)?;
        let model = &config.model;
        write_lists(model, folder)?;
        reporter.line(&format!(
            "{}; {}; {} for training, {} for validation, of {} and {}",
            counted(params.len(), "parameter"),
            counted(model.factors.len(), "factor"),
            counted(*positives, "positive"),
            counted(samples.validation().len(), "sample"),
            counted(self.seqlen, "base"),
            counted(model.network.tracks.len(), "track")
        ));
        let trainer = Trainer {
            model: &model.network,
            samples,
            settings: TrainSettings {
                epochs: self.epochs(),
                batch_size: self.batch_size(),
                lr,
                schedule: Schedule::Constant {
                    patience: self.patience(),
                },
                optimizer: OptimizerSettings::keras(),
                seed: self.seed,
                drop_last: false,
                save_all: false,
                save_train_best: false,
                best_by: self.best_by(),
                warmup: 0,
                anneal: self.lr_decay() == Decay::Cosine,
                stop_after: None,
                log_dir: self.log_dir.clone(),
                epochs_before: 0,
            },
            folder,
            device,
            precision: config.precision,
            reporter,
            begins: around.begins,
        };
        let outcome = trainer.run(params, self.resume)?;
        reporter.line(&outcome.describe(folder));
        if let Some(before) = before.filter(|_| outcome.was_finished) {
            // No step was taken with another rate.
            config.flags.insert(RATE.to_string(), before);
            config.write(folder)?;
        }
        let end = End {
            folder,
            known: claim.known,
            samples,
            held,
            device,
            batch_size: self.batch_size(),
            seed: self.seed,
            reporter,
        };
        end.run::<T>()
    }
}
