//! `cisgrad motifs export` of a tiSFM model.

use super::data_args::file_of_run;
use super::model_args::files_of_run;
use crate::args::motif_export::ExportArgs;
use crate::args::numbers::one_or_more;
use crate::args::of_run::warn_of_changed;
use crate::args::{outputs, say};
use crate::data::Notes;
use crate::data::uninformative::without_bases;
use crate::interpret::kernel_motifs::KernelMotifs;
use crate::io::sequences::parse_sequences;
use crate::io::sources::Sources;
use crate::models::tisfm::KIND;
use crate::models::tisfm::kernel_sites::Search;
use crate::models::tisfm::samples::Rows;
use crate::models::tisfm::saved;
use crate::report::progress::Reporter;
use crate::train::folder::config::{Found, found};
use crate::train::folder::weights_in_folder;
use crate::train::interrupt;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(next_help_heading = "Of a tiSFM model")]
#[group(skip)]
pub struct Args {
    /// Sequences: name and sequence per line, FASTA, or BED with --genome [default: those of the training run]
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
    /// Sites of a kernel at most, on each strand: the sequences where it fires most [default: one in 10,000 of all places, but at
    /// least a tenth of the sequences, from 20 to 100]
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    sites: Option<usize>,
}

impl Args {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let sequences = self.sequences.iter().map(|_| "--sequences");
        sequences
            .chain(self.sites.iter().map(|_| "--sites"))
            .collect()
    }
}

/// Whether a path names a model of this kind.
///
/// # Errors
/// What is there cannot be read.
pub fn owns(path: &Path, known: Kinds) -> Result<bool> {
    let folder = weights_in_folder(path).map(|(folder, _)| folder);
    let found = found(folder.as_deref().unwrap_or(path), known)?;
    Ok(matches!(found, Found::Model(name) if name == KIND.name))
}

pub fn run(given: &ExportArgs, own: &Args, known: Kinds) -> Result<KernelMotifs> {
    let model = saved::open(&given.model, known)?;
    let data = model.config.model.data.as_ref();
    let of_data = data.map(|data| &data.sequences);
    let file = file_of_run(&model, own.sequences.as_ref(), "--sequences", of_data)?;
    // Sequences of other places are cut from another genome.
    let of_data = match own.sequences {
        Some(_) => None,
        None => data.and_then(|data| data.genome.as_ref()),
    };
    let genome = match (&given.genome, of_data) {
        (None, None) => None,
        (given, of_data) => Some(file_of_run(&model, given.as_ref(), "--genome", of_data)?),
    };
    let mut read = files_of_run(&model);
    read.push(file.clone());
    read.extend(genome.iter().flat_map(|g| outputs::genome_files(g)));
    let written: Vec<(&str, &Path)> = given.out.iter().map(|o| ("--out", o.as_path())).collect();
    outputs::check(&written, &read)?;
    let (precision, device) = given.open(model.config.precision)?;
    let mut notes = Notes::new();
    let sources = Sources::new();
    let used: Vec<&Path> = [Some(file.as_path()), genome.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    warn_of_changed(&model.config.files, &used, &sources)?;
    let lines = sources.into_lines(&file)?;
    let sequences = parse_sequences(lines, genome.as_deref(), &mut notes)?;
    notes.extend(without_bases(
        &sequences.names,
        &sequences.codes,
        sequences.length,
    ));
    if sequences.is_empty() {
        return Err(Error::invalid(format!(
            "{}: no sequence to look at",
            file.display()
        )));
    }
    let device = device.announce();
    say(&notes);
    interrupt::watch();
    let samples = Rows {
        codes: &sequences.codes,
        targets: &[],
        length: sequences.length,
    };
    let bar = Reporter::new().bar("looking", sequences.len(), "sequences");
    let search = Search {
        batch_size: given.batch_size,
        sites: own.sites,
    };
    let found = model.kernel_motifs(&device, precision, samples, search, |n| bar.advance(n))?;
    bar.finish();
    Ok(found)
}
