//! The data of a training run, or others in their place: for the commands that hold predictions against signals.

use crate::args::of_run::{Known, given_or_known, warn_of_changed};
use crate::args::say;
use crate::data::Notes;
use crate::data::dataset::Dataset;
use crate::data::split::rows::{Split, SplitSpec, split_files};
use crate::io::signals::RowColumns;
use crate::io::sources::Sources;
use crate::models::tisfm::measured::misleading;
use crate::models::tisfm::saved::SavedModel;
use crate::numbers::counted;
use crate::{Error, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

#[derive(clap::Args, Default)]
pub struct DataArgs {
    /// Signals [default: those of the training run; predict takes them with --split alone]
    #[arg(long, value_name = "FILE")]
    pub atac_file: Option<PathBuf>,
    /// Sequences: name and sequence a line, FASTA, or BED with --genome [default: those of the training run; predict needs them
    /// without --split]
    #[arg(long, value_name = "FILE")]
    pub sequences: Option<PathBuf>,
    /// Split [default: the training run's, kept in the model folder; predict takes it with --split alone]
    #[arg(long, value_name = "DIR")]
    pub split_folder: Option<PathBuf>,
    /// The command has none of these flags.
    #[arg(skip)]
    pub no_flags: bool,
}

impl DataArgs {
    /// The files that the flags name.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let given = [&self.atac_file, &self.sequences];
        let mut files: Vec<PathBuf> = given.into_iter().flatten().cloned().collect();
        if let Some(folder) = &self.split_folder {
            files.extend(split_files(folder));
        }
        files
    }

    /// The split of the training run, or the one given in its place.
    ///
    /// # Errors
    /// A model that was not trained here and no split; a split that is not one of these rows.
    pub fn split(&self, model: &SavedModel, dataset: &Dataset) -> Result<Split> {
        if self.split_folder.is_none() && model.config.model.data.is_none() {
            return Err(Error::usage(format!(
                "{} was not trained here and holds no split: give --split-folder",
                model.folder().display()
            )));
        }
        let folder = self.split_folder.as_deref().unwrap_or(model.folder());
        SplitSpec::Folder(folder.to_path_buf()).split(dataset, || 0)
    }

    /// The data set of the training run, or the files given in its place, less the offsets of the batches that the model knows.
    ///
    /// # Errors
    /// Files that are not there any more, or are not of this model's outputs; a column of the training run's that is not there.
    pub fn dataset(&self, model: &SavedModel, genome: Option<&Path>) -> Result<Dataset> {
        let known = model.config.model.data.as_ref();
        let choose = |given: &Option<PathBuf>, flag: &str, known: Option<&PathBuf>| {
            let flag = if self.no_flags { "" } else { flag };
            file_of_run(model, given.as_ref(), flag, known)
        };
        let signals = choose(&self.atac_file, "--atac-file", known.map(|d| &d.atac_file))?;
        let sequences = choose(&self.sequences, "--sequences", known.map(|d| &d.sequences))?;
        let genome = genome.map(Path::to_path_buf);
        let of_run = known.and_then(|data| data.genome.as_ref());
        let genome = match (&genome, of_run) {
            (None, None) => None,
            _ => Some(file_of_run(model, genome.as_ref(), "--genome", of_run)?),
        };
        let genome = genome.as_deref();
        let sources = Sources::new();
        let used = [Some(signals.as_path()), Some(&sequences), genome];
        let used: Vec<&Path> = used.into_iter().flatten().collect();
        warn_of_changed(&model.config.files, &used, &sources)?;
        let description = &model.config.model;
        let dataset = read(&sources, &signals, &description.columns, &sequences, genome)?;
        check_outputs(&signals, &dataset, description.outputs.len())?;
        let mut dataset = by_name(&signals, dataset, &description.outputs)?;
        if let Some(offsets) = &description.batch_offsets {
            say(&offsets.take_off(&mut dataset));
        }
        Ok(dataset)
    }
}

/// The file that a flag names, or in its place the one that the training run had for it.
///
/// # Errors
/// Those of [`given_or_known`].
pub fn file_of_run(
    model: &SavedModel,
    given: Option<&PathBuf>,
    flag: &str,
    known: Option<&PathBuf>,
) -> Result<PathBuf> {
    let known = match known {
        Some(known) if model.config.pipe(known).is_some() => Known::Pipe,
        Some(known) => Known::File(known),
        None => Known::Nothing,
    };
    given_or_known(given, flag, model.folder(), known)
}

/// The data set with its outputs in the model's order.
fn by_name(signals: &Path, mut dataset: Dataset, model: &[String]) -> Result<Dataset> {
    if dataset.outputs == model {
        return Ok(dataset);
    }
    let (theirs, ours) = (dataset.outputs.join(", "), model.join(", "));
    let place = |name| dataset.outputs.iter().position(|found| found == name);
    let places: Option<Vec<usize>> = model.iter().map(place).collect();
    let all: Option<HashSet<usize>> = places.as_ref().map(|p| p.iter().copied().collect());
    match places {
        Some(places) if all.is_some_and(|all| all.len() == model.len()) => {
            tell!(
                "note: {}: the outputs stand in the order {theirs}; they are taken by name, in the model's order {ours}",
                signals.display()
            );
            dataset.order_outputs(&places);
            Ok(dataset)
        }
        // Of weights that came without names there is only the order.
        _ if model
            .iter()
            .enumerate()
            .all(|(i, name)| *name == nameless(i)) =>
        {
            tell!(
                "warning: the model's outputs have no names; those of {} are taken in their order: {theirs}",
                signals.display()
            );
            Ok(dataset)
        }
        _ => Err(Error::invalid(format!(
            "{}: its outputs are {theirs}, the model's {ours}: name the columns as the model does, in any order",
            signals.display()
        ))),
    }
}

/// What an output is called whose name nobody knows; `place` counts from 0.
pub fn nameless(place: usize) -> String {
    format!("output_{}", place + 1)
}

/// # Errors
/// `--response-num` is not the number of outputs.
pub fn check_response_num(given: usize, signals: &Path, dataset: &Dataset) -> Result<()> {
    if given == dataset.outputs.len() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "--response-num {given}: {} has {}",
        signals.display(),
        counted(dataset.outputs.len(), "output")
    )))
}

/// The rows of both files (`own`: columns of the signals that are no outputs); says what was noticed.
pub fn read(
    sources: &Sources,
    signals: &Path,
    own: &RowColumns,
    sequences: &Path,
    genome: Option<&Path>,
) -> Result<Dataset> {
    let mut notes = Notes::new();
    let (table, sequences) = (sources.lines(signals)?, sources.lines(sequences)?);
    let read = Dataset::read(table, own, sequences, genome, &mut notes);
    say(&notes);
    let dataset = read?.0;
    if let Some(which) = misleading(&dataset.outputs) {
        tell!("note: {}: {which}", signals.display());
    }
    Ok(dataset)
}

/// # Errors
/// Another number of outputs than the model's.
pub fn check_outputs(signals: &Path, dataset: &Dataset, model: usize) -> Result<()> {
    if dataset.outputs.len() == model {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{} has {}, the model {model}",
        signals.display(),
        counted(dataset.outputs.len(), "output")
    )))
}
