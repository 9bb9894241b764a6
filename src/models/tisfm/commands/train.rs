//! `cisgrad tisfm train`.

pub use super::train_args::Args;
use super::train_args::PositionStart;
use super::train_inputs::{Read, Rules};
use super::train_members::run_members;
use crate::args::lr_decay::Decay;
use crate::args::recipe::POINTER;
use crate::args::{Unannounced, outputs};
use crate::data::Notes;
use crate::data::batch_offsets::BatchOffsets;
use crate::data::dataset::Dataset;
use crate::data::split::rows::{Split, SplitSpec};
use crate::data::uninformative::{check, without_bases};
use crate::dna::motif::Motif;
use crate::engine::Philox;
use crate::engine::params::STREAM_SPLIT;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::io::state_dict::{self, StateDict};
use crate::models::tisfm::config::{Config, DataFiles, Description};
use crate::models::tisfm::measured::{TEST, Tested};
use crate::models::tisfm::network::{Blueprint, Network};
use crate::models::tisfm::penalty_path::{PenaltyPath, Steps, nonzero, step_folder};
use crate::models::tisfm::samples::{Rows, TrainingRows};
use crate::models::tisfm::targets::Targets;
use crate::models::tisfm::{Dimensions, KIND, MotifKernels, Spec, builtin, foreign, saved};
use crate::numbers::{counted, is_or_are, rounded};
use crate::optim::{OptimizerSettings, Schedule, Shrink};
use crate::report::progress::Reporter;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::folder::config::{InputFile, Precision, named, no_model, own_flag};
use crate::train::folder::weights::Number;
use crate::train::folder::{BEST, CONFIG, epoch_digits, weights_file};
use crate::train::model::Kinds;
use crate::train::worker::check_fits;
use crate::train::{TrainSettings, Trainer, interrupt};
use crate::{Error, Result};
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The learning rate in config.json.
const RATE: &str = "lr";

/// What the runs of a command share.
pub(super) struct Around<'a> {
    pub known: Kinds<'a>,
    pub device: &'a Unannounced,
    pub sources: &'a Sources,
    pub reporter: &'a Reporter,
    /// Other runs read the same inputs after this one.
    pub more: bool,
    pub rules: &'a Rules,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let spec = args.checked()?;
    let around = Around {
        known,
        device: &args.device.open(Some(args.precision.precision()))?,
        sources: &Sources::new(),
        reporter: &Reporter::new(),
        more: args.ensemble.given(),
        rules: &Rules::default(),
    };
    match args.ensemble.given() {
        false => run_one(args, spec, &around),
        true => run_members(args, &spec, &around),
    }
}

/// Trains what the flags say; `spec`: what [`Args::checked`] gave.
pub(super) fn run_one(args: &Args, spec: Spec, around: &Around<'_>) -> Result<()> {
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
        epochs_before: match lambdas.len() {
            // A path's steps are numbered anew.
            2.. => 0,
            _ => args.epochs_before()?,
        },
    };
    let baselines = match args.no_baselines {
        true => Arc::default(),
        false => around.rules.of(dataset, split),
    };
    let tested = Tested {
        rows: samples.rows,
        dataset,
        test: &split.test,
        baselines: &baselines,
        batch_size: args.batch_size(),
        device,
        reporter,
    };
    if args.recipe.is_none() && !args.ensemble.given() {
        reporter.line(POINTER);
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
    /// What can be said of the flags before anything is read; the architecture.
    pub(super) fn checked(&self) -> Result<Spec> {
        self.check()?;
        self.epochs_before()?;
        if let Some(model) = &self.model {
            self.check_apart(model)?;
        }
        builtin::find(self.architecture())
    }

    /// The files that the flags name.
    fn inputs(&self) -> Vec<PathBuf> {
        let mut files = self.inputs.files();
        files.push(PathBuf::from(self.architecture()));
        if let Some(model) = &self.model {
            files.extend(outputs::model_files(model, &KIND));
            files.push(model.clone());
        }
        files
    }

    pub(super) fn claim<'a>(&'a self, known: Kinds<'a>) -> Claim<'a> {
        Claim {
            folder: &self.model_output,
            flag: "--model-output",
            entry: if self.resume {
                Entry::Resume
            } else {
                Entry::Free
            },
            kind: &KIND,
            known,
        }
    }

    /// The motifs with their kernels, where the architecture has a motif layer.
    pub(super) fn motifs(
        &self,
        spec: &Spec,
        sources: &Sources,
        notes: &mut Notes,
    ) -> Result<(Option<MotifKernels>, Vec<Motif>)> {
        match (&self.inputs.meme_file, spec.strands()) {
            (Some(file), Some(_)) => {
                let motifs = parse_meme(sources.lines(file)?, notes)?;
                let kernels = MotifKernels::new(&motifs, self.calibrate_motifs());
                Ok((Some(kernels), motifs))
            }
            (None, Some(_)) => Err(Error::usage(format!(
                "--architecture {} needs --meme-file",
                spec.name
            ))),
            (_, None) => Ok((None, Vec::new())),
        }
    }

    /// Flags that do nothing here.
    pub(super) fn ignored(&self, spec: &Spec) -> Notes {
        let class = self
            .class_name
            .as_ref()
            .map(|_| "note: --class-name is ignored; --architecture decides".to_string());
        let heads = self
            .num_of_heads
            .map(|_| "note: --num-of-heads is ignored; --architecture decides".to_string());
        let flags = [
            (self.inputs.meme_file.is_some(), "--meme-file is ignored"),
            (
                self.calibrate_motifs_given(),
                "--calibrate-motifs does nothing",
            ),
        ];
        let motifs = flags
            .iter()
            .filter(|(given, _)| *given && spec.strands().is_none())
            .map(|(_, what)| format!("note: {} has no motif layer; {what}", spec.name));
        class.into_iter().chain(heads).chain(motifs).collect()
    }

    pub(super) fn split(&self, dataset: &Dataset) -> Result<Split> {
        let spec = match (&self.inputs.split_folder, &self.inputs.split) {
            (Some(folder), _) => SplitSpec::Folder(folder.clone()),
            (None, Some(rule)) => rule.parse()?,
            (None, None) => return Err(Error::usage("a split is needed")),
        };
        let philox = Philox::new(self.split_seed.unwrap_or(self.seed));
        let mut index = 0;
        spec.split(dataset, || {
            index += 1;
            philox.bits(STREAM_SPLIT, index)
        })
    }

    /// Fresh weights, or those that --model names.
    fn start<T: Number>(
        &self,
        blueprint: Blueprint,
        config: &Config,
        known: Kinds,
    ) -> Result<Network<T>> {
        let Some(path) = &self.model else {
            let tables: HashSet<String> = match self.position_start {
                PositionStart::Zero => blueprint.spec.position_tables().collect(),
                PositionStart::Normal => HashSet::new(),
            };
            let mut network = Network::<T>::initialise(blueprint, self.seed)?;
            let params = network.layout.params.iter();
            for param in params.filter(|param| tables.contains(&param.name)) {
                network.params[param.range()].fill(T::ZERO);
            }
            return Ok(network);
        };
        let warn = |weights: &StateDict| {
            if let (Some(kernels), Some(strands)) = (&blueprint.kernels, blueprint.spec.strands()) {
                let shown = |place| config.model.shown_motif(place);
                let warning = foreign::of_other_motifs(kernels, strands, shown, weights);
                warning.iter().for_each(|warning| tell!("{warning}"));
            }
        };
        if self.calibrate_motifs_given() && blueprint.kernels.is_some() {
            tell!(
                "note: --calibrate-motifs does nothing here: --model gives the motifs' scales and biases"
            );
        }
        if path.is_dir() && path.join(CONFIG).exists() {
            let theirs = saved::open(path, known)?;
            let (ours, outputs) = (&config.model.outputs, &theirs.config.model.outputs);
            if outputs != ours {
                tell!(
                    "warning: {} was trained on the outputs {}, this run's are {}",
                    path.display(),
                    outputs.join(", "),
                    ours.join(", ")
                );
            }
            // By the same identifiers in the same order no factor has another's name: what differs was trained.
            if theirs.config.model.motifs != config.model.motifs {
                warn(&theirs.weights);
            }
            return Network::from_state_dict(blueprint, &theirs.weights, &theirs.file);
        }
        let file = match path.is_dir() {
            true if !path.join(BEST).exists() => return Err(no_model(path)),
            true => path.join(BEST),
            false => weights_file(path),
        };
        let weights = foreign::read(&blueprint.spec, &file)?;
        warn(&weights.state);
        let (network, notes) = Network::from_foreign(blueprint, weights)?;
        for note in notes {
            tell!("{note}");
        }
        Ok(network)
    }

    /// The original goes on in the folder of the weights, with the rate that it finds there.
    fn check_apart(&self, weights: &Path) -> Result<()> {
        let folder = match (weights.is_dir(), weights.parent()) {
            (true, _) => weights,
            (false, Some(folder)) if !folder.as_os_str().is_empty() => folder,
            (false, _) => Path::new("."),
        };
        match (folder.canonicalize(), self.model_output.canonicalize()) {
            (Ok(folder), Ok(out)) if folder == out => Err(Error::usage(format!(
                "--model {}: it lies in --model-output itself: choose another folder; a run of this program goes on in its own folder with --resume and without --model",
                weights.display()
            ))),
            _ => Ok(()),
        }
    }

    /// The epoch of the weights that the run starts from, after which its own are numbered.
    fn epochs_before(&self) -> Result<u64> {
        let Some(file) = self.model.as_deref().map(weights_file) else {
            return Ok(0);
        };
        let Some(digits) = epoch_digits(&file) else {
            return Ok(0);
        };
        let last = |before: &u64| before.checked_add(self.epochs()).is_some();
        let number = digits.parse().ok().filter(last);
        number.ok_or_else(|| {
            Error::usage(format!(
                "--model {}: epochs are numbered after that of the weights, and {digits} is too large a number: rename the file",
                file.display()
            ))
        })
    }

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

    fn config(
        &self,
        blueprint: &Blueprint,
        motifs: &[Motif],
        dataset: &Dataset,
        precision: Precision,
        sources: &Sources,
    ) -> Result<Config> {
        let file = |flag: &str, path: &Path| InputFile::of(sources, flag, path);
        let mut files = vec![
            file("--atac-file", &self.inputs.atac_file)?,
            file("--sequences", &self.inputs.sequences)?,
        ];
        if let Some(meme) = self
            .inputs
            .meme_file
            .as_ref()
            .filter(|_| blueprint.kernels.is_some())
        {
            files.push(file("--meme-file", meme)?);
        }
        if let Some(genome) = &self.inputs.genome {
            files.push(file("--genome", genome)?);
        }
        let flags = serde_json::json!({
            "number_of_epochs": self.epochs(),
            "batch_size": self.batch_size(),
            "lr": self.lr(),
            "step_lr": self.step_lr,
            "penalty_param": self.lambdas(),
            "penalty_type": self.penalty_type.name(),
            "mcp_param": self.mcp_param,
            "penalize_layers": self.penalize_layers,
            "early_stopping": self.early_stopping,
            "early_stopping_threshold": self.early_stopping_threshold,
            "calibrate_motifs": self.calibrate_motifs(),
            "drop_last": self.drop_last,
            "seed": self.seed,
            "split": self.inputs.split,
            "split_folder": self.inputs.split_folder.as_deref().map(named).transpose()?,
            "model": self.model.as_deref().map(named).transpose()?,
        });
        let mut flags = match flags {
            Value::Object(map) => map,
            _ => serde_json::Map::new(),
        };
        // Left out where they change nothing: runs of versions without them can be gone on with.
        let own = self.own_flags().into_iter();
        flags.extend(own.filter_map(|(name, value)| Some((name.to_string(), value?))));
        let genome = self.inputs.genome.as_deref().map(named).transpose()?;
        let data = DataFiles {
            atac_file: named(&self.inputs.atac_file)?.into(),
            sequences: named(&self.inputs.sequences)?.into(),
            genome: genome.map(Into::into),
        };
        Ok(Config {
            version: env!("CARGO_PKG_VERSION").to_string(),
            kind: KIND.name.to_string(),
            model: Description {
                data: Some(data),
                columns: self.columns(),
                ..Description::of(blueprint, motifs, dataset.outputs.clone())
            },
            precision,
            files,
            flags,
        })
    }
}
