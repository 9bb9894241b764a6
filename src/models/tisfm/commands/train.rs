//! `cisgrad tisfm train`.

use super::model_args::warn_of_other_motifs;
pub use super::train_args::Args;
use crate::args::{Unannounced, outputs};
use crate::data::Notes;
use crate::data::dataset::Dataset;
use crate::data::split::rows::{Split, SplitSpec, split_files};
use crate::engine::Philox;
use crate::engine::params::STREAM_SPLIT;
use crate::io::meme::read_meme;
use crate::io::state_dict;
use crate::models::tisfm::config::{Config, DataFiles, Description};
use crate::models::tisfm::network::{Blueprint, Network};
use crate::models::tisfm::penalty_path::{PenaltyPath, Steps, nonzero, step_folder};
use crate::models::tisfm::samples::{Rows, TrainingRows};
use crate::models::tisfm::{Dimensions, KIND, MotifKernels, Spec, builtin, saved};
use crate::numbers::{counted, has_or_have, is_or_are, rounded};
use crate::optim::{OptimizerSettings, Schedule, Shrink};
use crate::report::progress::Reporter;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::folder::config::{InputFile, Precision, named, no_model};
use crate::train::folder::weights::Number;
use crate::train::folder::{BEST, CONFIG};
use crate::train::model::Kinds;
use crate::train::worker::check_fits;
use crate::train::{TrainSettings, Trainer, interrupt};
use crate::{Error, Result};
use std::path::PathBuf;

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    args.check()?;
    let precision = args.precision.precision();
    let spec = builtin::find(&args.architecture)?;
    let device = args.device.open(Some(precision))?;
    interrupt::watch();
    let (kernels, motifs) = args.motifs(&spec)?;
    let (dataset, unused) =
        Dataset::read(&args.atac_file, &args.sequences, args.genome.as_deref())?;
    if let Some(window) = args.window_size
        && window != dataset.length
    {
        return Err(Error::invalid(format!(
            "--window-size {window}: the sequences of {} are {} long",
            args.sequences.display(),
            counted(dataset.length, "base")
        )));
    }
    let split = args.split(&dataset)?;
    let blueprint = Blueprint {
        spec,
        dimensions: Dimensions {
            window: dataset.length,
            outputs: dataset.outputs.len(),
        },
        kernels,
        trainable: args.trainable(),
    };
    let config = args.config(&blueprint, motifs, &dataset, precision)?;
    let mut notes = args.ignored(&blueprint.spec);
    if unused > 0 {
        let have = has_or_have(unused);
        notes.push(format!(
            "note: {} {have} no row in {}",
            counted(unused, "sequence"),
            args.atac_file.display()
        ));
    }
    let data = Data {
        dataset: &dataset,
        split: &split,
        notes,
    };
    match precision {
        Precision::F32 | Precision::Bf16 => {
            train::<f32>(args, known, device, blueprint, config, &data)
        }
        Precision::F64 => train::<f64>(args, known, device, blueprint, config, &data),
    }
}

/// What is trained on, and what there is to say of it.
struct Data<'a> {
    dataset: &'a Dataset,
    split: &'a Split,
    notes: Notes,
}

fn train<T: Number>(
    args: &Args,
    known: Kinds,
    device: Unannounced,
    blueprint: Blueprint,
    config: Config,
    data: &Data<'_>,
) -> Result<()> {
    let (dataset, split) = (data.dataset, data.split);
    let reporter = Reporter::new();
    let network = args.start::<T>(blueprint, &config, known)?;
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
            signals: &dataset.signals,
            length: dataset.length,
            outputs: dataset.outputs.len(),
        },
        train: &split.train,
        validation: &split.validation,
        seed: args.seed,
    };
    let device = &device.announce();
    data.notes.iter().for_each(|note| reporter.line(note));
    check_fits::<T, _, _>(device, &network.blueprint, &samples, args.batch_size)?;
    if let Some(note) = claim.starts_anew()? {
        reporter.line(&note);
    }
    // Only now: all that can be wrong with the inputs has been seen.
    let _lock = claim.take::<T, _>(&config, &network.layout)?;
    let folder = claim.folder;
    if args.resume {
        split.check_written(folder, &dataset.names)?;
    }
    config.write(folder)?;
    split.write(folder, &dataset.names)?;
    let lambdas = args.lambdas();
    let shrink = lambdas
        .first()
        .map_or(Shrink::None, |&l| args.kind().shrink(l));
    let settings = TrainSettings {
        epochs: args.number_of_epochs,
        batch_size: args.batch_size,
        lr: args.lr,
        schedule: Schedule::Plateau {
            patience: if lambdas.len() > 1 { 20 } else { 10 },
            stop_at: args.early_stopping.then_some(args.early_stopping_threshold),
        },
        optimizer: OptimizerSettings::adamw(shrink, penalised.clone()),
        seed: args.seed,
        drop_last: args.drop_last,
        save_all: args.save_all,
    };
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
            step_lr: args.step_lr.unwrap_or(args.lr / 10.0),
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
            reporter: &reporter,
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
        reporter: &reporter,
    };
    let outcome = trainer.run(network.params, args.resume)?;
    reporter.line(&outcome.describe(folder));
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
    /// The files that the flags name.
    fn inputs(&self) -> Vec<PathBuf> {
        let mut files = vec![self.atac_file.clone(), self.sequences.clone()];
        files.extend(self.meme_file.clone());
        files.extend(self.genome.iter().flat_map(|g| outputs::genome_files(g)));
        files.push(PathBuf::from(&self.architecture));
        if let Some(folder) = &self.split_folder {
            files.extend(split_files(folder));
        }
        if let Some(model) = &self.model {
            files.extend(outputs::model_files(model, &KIND));
            files.push(model.clone());
        }
        files
    }

    fn claim<'a>(&'a self, known: Kinds<'a>) -> Claim<'a> {
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

    /// Kernels and names of the motifs, where the architecture has a motif layer.
    fn motifs(&self, spec: &Spec) -> Result<(Option<MotifKernels>, Vec<String>)> {
        match (&self.meme_file, spec.strands()) {
            (Some(file), Some(_)) => {
                let motifs = read_meme(file)?;
                let names = motifs.iter().map(|m| m.id.clone()).collect();
                Ok((
                    Some(MotifKernels::new(&motifs, self.calibrate_motifs)),
                    names,
                ))
            }
            (None, Some(_)) => Err(Error::usage(format!(
                "--architecture {} needs --meme-file",
                spec.name
            ))),
            (_, None) => Ok((None, Vec::new())),
        }
    }

    /// Flags that do nothing here.
    fn ignored(&self, spec: &Spec) -> Notes {
        let class = self
            .class_name
            .as_ref()
            .map(|_| "note: --class-name is ignored; --architecture decides".to_string());
        let motifs = self.meme_file.as_ref().filter(|_| spec.strands().is_none());
        let motifs = motifs.map(|_| {
            let name = &spec.name;
            format!("note: {name} has no motif layer; --meme-file is ignored")
        });
        class.into_iter().chain(motifs).collect()
    }

    fn split(&self, dataset: &Dataset) -> Result<Split> {
        let spec = match (&self.split_folder, &self.split) {
            (Some(folder), _) => SplitSpec::Folder(folder.clone()),
            (None, Some(rule)) => rule.parse()?,
            (None, None) => return Err(Error::usage("a split is needed")),
        };
        let philox = Philox::new(self.seed);
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
            return Network::initialise(blueprint, self.seed);
        };
        let (weights, file) = if path.is_dir() && path.join(CONFIG).exists() {
            let theirs = saved::open(path, known)?;
            let (ours, outputs) = (&config.model.outputs, &theirs.config.model.outputs);
            if outputs != ours {
                eprintln!(
                    "warning: {} was trained on the outputs {}, this run's are {}",
                    path.display(),
                    outputs.join(", "),
                    ours.join(", ")
                );
            }
            (theirs.weights, theirs.file)
        } else {
            let file = match path.is_dir() {
                true if !path.join(BEST).exists() => return Err(no_model(path)),
                true => path.join(BEST),
                false => path.clone(),
            };
            (state_dict::read(&file)?, file)
        };
        if let (Some(kernels), Some(strands)) = (&blueprint.kernels, blueprint.spec.strands()) {
            warn_of_other_motifs(kernels, strands, &config.model.motifs, &weights);
        }
        Network::from_state_dict(blueprint, &weights, &file)
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
        Ok(self.penalize_layers.clone())
    }

    fn config(
        &self,
        blueprint: &Blueprint,
        motifs: Vec<String>,
        dataset: &Dataset,
        precision: Precision,
    ) -> Result<Config> {
        let mut files = vec![
            InputFile::of(&self.atac_file)?,
            InputFile::of(&self.sequences)?,
        ];
        if let Some(file) = self
            .meme_file
            .as_ref()
            .filter(|_| blueprint.kernels.is_some())
        {
            files.push(InputFile::of(file)?);
        }
        if let Some(genome) = &self.genome {
            files.push(InputFile::of(genome)?);
        }
        let flags = serde_json::json!({
            "number_of_epochs": self.number_of_epochs,
            "batch_size": self.batch_size,
            "lr": self.lr,
            "step_lr": self.step_lr,
            "penalty_param": self.lambdas(),
            "penalty_type": format!("{:?}", self.penalty_type).to_lowercase(),
            "mcp_param": self.mcp_param,
            "penalize_layers": self.penalize_layers,
            "early_stopping": self.early_stopping,
            "early_stopping_threshold": self.early_stopping_threshold,
            "calibrate_motifs": self.calibrate_motifs,
            "drop_last": self.drop_last,
            "seed": self.seed,
            "split": self.split,
            "split_folder": self.split_folder.as_deref().map(named).transpose()?,
            "model": self.model.as_deref().map(named).transpose()?,
        });
        Ok(Config {
            version: env!("CARGO_PKG_VERSION").to_string(),
            kind: KIND.name.to_string(),
            model: Description {
                architecture: blueprint.spec.clone(),
                motifs,
                motif_width: blueprint.kernels.as_ref().map_or(0, MotifKernels::width),
                outputs: dataset.outputs.clone(),
                window: dataset.length,
                trainable: self.trainable(),
                data: Some(DataFiles {
                    atac_file: named(&self.atac_file)?.into(),
                    sequences: named(&self.sequences)?.into(),
                    genome: self
                        .genome
                        .as_deref()
                        .map(named)
                        .transpose()?
                        .map(Into::into),
                }),
            },
            precision,
            files,
            flags: match flags {
                serde_json::Value::Object(map) => map,
                _ => serde_json::Map::new(),
            },
        })
    }
}
