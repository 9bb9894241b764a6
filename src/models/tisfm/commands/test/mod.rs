//! `cisgrad tisfm test`.

use super::model_args::ModelArgs;
use crate::args::{Digits, emit, say};
use crate::data::Notes;
use crate::data::dataset::Dataset;
use crate::data::split::rows::{PARTS, SplitSpec, split_files};
use crate::data::uninformative::{constant_outputs, undefined, without_bases};
use crate::io::sources::Sources;
use crate::metrics::regression::{mse, pearson, spearman};
use crate::models::tisfm::samples::Rows;
use crate::models::tisfm::saved::SavedModel;
use crate::numbers::counted;
use crate::report::progress::Reporter;
use crate::train::folder::CONFIG;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Signals [default: those of the training run]
    #[arg(long, value_name = "FILE")]
    atac_file: Option<PathBuf>,
    /// Sequences [default: those of the training run]
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
    /// Split [default: the training run's, kept in the model folder]
    #[arg(long, value_name = "DIR")]
    split_folder: Option<PathBuf>,
    /// Use the validation part of the split instead of the test part
    #[arg(long)]
    use_validation: bool,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let (model, precision, device) = args.model.open(known, args.inputs())?;
    let dataset = args.dataset(&model)?;
    if args.split_folder.is_none() && model.config.model.data.is_none() {
        return Err(Error::usage(format!(
            "{} was not trained here and holds no split: give --split-folder",
            args.model.model.display()
        )));
    }
    let split = SplitSpec::Folder(
        args.split_folder
            .clone()
            .unwrap_or_else(|| args.model.model.clone()),
    );
    let split = split.split(&dataset, || 0)?;
    let [_, validation, test] = PARTS;
    let device = device.announce();
    let (part, rows) = if args.use_validation {
        (validation, split.validation)
    } else {
        (test, split.test)
    };
    let constant = undefined(&constant_outputs(&dataset, &rows), part, &rows);
    let empty = without_bases(&dataset.names, &dataset.codes, dataset.length);
    for warning in empty.into_iter().chain(constant) {
        tell!("{warning}");
    }
    let outputs = dataset.outputs.len();
    let samples = Rows {
        codes: &dataset.codes,
        signals: &dataset.signals,
        length: dataset.length,
    };
    let bar = Reporter::new().bar("testing", rows.len(), "sequences");
    let predictions = model.predict(
        &device,
        precision,
        samples,
        &rows,
        args.model.batch_size,
        |n| bar.advance(n),
    )?;
    bar.finish();
    let predictions = predictions.to_f64();
    let column = |values: &[f64], o: usize| {
        values
            .iter()
            .skip(o)
            .step_by(outputs)
            .copied()
            .collect::<Vec<_>>()
    };
    let signals: Vec<f64> = rows
        .iter()
        .flat_map(|&r| dataset.signals(r))
        .copied()
        .collect();
    let digits = Digits::of_output(args.model.out.as_deref());
    emit(args.model.out.as_deref(), |w| {
        writeln!(w, "output\tmse\tpearson\tspearman\tsequences")?;
        let mut row = |name: &str, a: &[f64], b: &[f64]| {
            let [mse, pearson, spearman] =
                [mse(a, b), pearson(a, b), spearman(a, b)].map(|x| digits.of(x));
            writeln!(w, "{name}\t{mse}\t{pearson}\t{spearman}\t{}", rows.len())
        };
        for (o, name) in dataset.outputs.iter().enumerate() {
            row(name, &column(&predictions, o), &column(&signals, o))?;
        }
        row("all", &predictions, &signals)
    })
}

impl Args {
    /// The files that the flags name, besides the model's.
    fn inputs(&self) -> Vec<PathBuf> {
        let given = [&self.atac_file, &self.sequences];
        let mut files: Vec<PathBuf> = given.into_iter().flatten().cloned().collect();
        if let Some(folder) = &self.split_folder {
            files.extend(split_files(folder));
        }
        files
    }

    /// That a file of the training run is still where config.json says; one that was `given` is read, and said to be missing,
    /// as any other.
    fn check_found(&self, given: bool, path: &Path, flag: &str) -> Result<()> {
        if given || path.exists() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "{}: the model was trained with {}, which is not there; give {flag}",
            self.model.model.join(CONFIG).display(),
            path.display()
        )))
    }

    /// The data set of the training run, or the files given in its place.
    fn dataset(&self, model: &SavedModel) -> Result<Dataset> {
        let known = model.config.model.data.as_ref();
        let folder = self.model.model.display();
        let choose = |given: &Option<PathBuf>, flag: &str, known: Option<&PathBuf>| {
            let path = match (given, known) {
                (Some(given), _) => given,
                (None, Some(known)) if model.config.pipe(known).is_some() => {
                    return Err(Error::usage(format!(
                        "{folder} was trained on what {flag} gave through a pipe, which cannot be read again: give {flag}"
                    )));
                }
                (None, Some(known)) => known,
                (None, None) => {
                    return Err(Error::usage(format!(
                        "{folder} knows no training data: give {flag}"
                    )));
                }
            };
            self.check_found(given.is_some(), path, flag)?;
            Ok(path.clone())
        };
        let signals = choose(&self.atac_file, "--atac-file", known.map(|d| &d.atac_file))?;
        let sequences = choose(&self.sequences, "--sequences", known.map(|d| &d.sequences))?;
        let genome = self
            .model
            .genome
            .clone()
            .or_else(|| known.and_then(|d| d.genome.clone()));
        if let Some(genome) = &genome {
            self.check_found(self.model.genome.is_some(), genome, "--genome")?;
        }
        let sources = Sources::new();
        for file in model.config.files.iter().filter(|f| f.pipe.is_none()) {
            let used = [Some(&signals), Some(&sequences), genome.as_ref()];
            if used.contains(&Some(&file.path)) && sources.sha256(&file.path)? != file.sha256 {
                tell!(
                    "warning: {} has changed since the model was trained",
                    file.path.display()
                );
            }
        }
        let (signal_lines, sequence_lines) = (sources.lines(&signals)?, sources.lines(&sequences)?);
        let mut notes = Notes::new();
        let read = Dataset::read(signal_lines, sequence_lines, genome.as_deref(), &mut notes);
        say(&notes);
        let (dataset, _) = read?;
        if dataset.outputs.len() != model.config.model.outputs.len() {
            return Err(Error::invalid(format!(
                "{} has {}, the model {}",
                signals.display(),
                counted(dataset.outputs.len(), "output"),
                model.config.model.outputs.len()
            )));
        }
        if dataset.outputs != model.config.model.outputs {
            tell!(
                "warning: the outputs are called {}, the model's {}",
                dataset.outputs.join(", "),
                model.config.model.outputs.join(", ")
            );
        }
        Ok(dataset)
    }
}
