//! What a network is given where its predictions are explained: sequences, or windows of a genome with the tracks of a cell line.

use super::super::args::SharedArgs;
use super::super::beside_bases::BesideBases;
use super::super::members::Member;
use super::super::of_run::{OfRun, of_run};
use super::super::outputs;
use super::windows::Windows;
use crate::args::{DeviceArgs, PrecisionArg};
use crate::attribution::listed::Listed;
use crate::attribution::subjects::Subjects;
use crate::data::Notes;
use crate::data::windows::annotations::Annotations;
use crate::io::sequences::parse_sequences;
use crate::io::sources::Sources;
use crate::models::factornet::cell_line::{CellFolder, Lists};
use crate::models::factornet::genome_inputs::{GenomeInputs, Wanted};
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::spec::Spec;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Of FactorNet models")]
#[group(skip)]
pub struct CellArgs {
    /// Folder of the cell line, with its tracks [default: the first model's first of training]
    #[arg(short = 'i', long, value_name = "DIR")]
    inputdir: Option<PathBuf>,
    /// The chromosomes in use, with their sizes [default: those of the genome]
    #[arg(long, value_name = "FILE")]
    pub chrom_sizes: Option<PathBuf>,
    #[command(flatten)]
    beside: BesideBases,
}

impl CellArgs {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let cell = self.inputdir.iter().map(|_| "--inputdir");
        let sizes = self.chrom_sizes.iter().map(|_| "--chrom-sizes");
        cell.chain(sizes).chain(self.beside.given()).collect()
    }
}

/// What the flags name.
pub struct Asked<'a> {
    pub genome: Option<&'a PathBuf>,
    pub cell: &'a CellArgs,
    pub batch_size: usize,
    pub precision: Option<PrecisionArg>,
    pub device: &'a DeviceArgs,
}

/// What inputs are cut from.
pub struct Ground {
    /// Of the cell line whose tracks and other numbers there are.
    pub cell: Option<PathBuf>,
    pub inputs: Inputs,
    pub annotations: Option<Annotations>,
}

/// Whether a network takes more than bases.
pub fn takes_more(network: &Spec) -> bool {
    !network.tracks.is_empty() || network.meta > 0
}

impl Asked<'_> {
    /// Sequences alone; `flag` names their file.
    ///
    /// # Errors
    /// A network that takes more than bases; those of reading them.
    pub fn sequences(
        &self,
        flag: &str,
        file: &Path,
        first: &Member,
        sources: &Sources,
        notes: &mut Notes,
    ) -> Result<Box<dyn Subjects>> {
        let network = &first.model.config.model.network;
        if takes_more(network) {
            return Err(Error::usage(format!(
                "{flag}: {} takes more than bases (tracks: {}; other numbers: {}): give --bed, --genome and -i",
                first.folder.display(),
                network.tracks.join(", "),
                network.meta
            )));
        }
        let lines = sources.lines(file)?;
        let sequences = parse_sequences(lines, self.genome.map(PathBuf::as_path), notes)?;
        Ok(Box::new(Listed::new(
            sequences,
            network.length,
            None,
            notes,
        )?))
    }

    /// The inputs around the middles of a BED's intervals.
    ///
    /// # Errors
    /// No genome or cell line is known; those of reading them.
    pub fn windows(
        &self,
        bed: &Path,
        first: &Member,
        sources: &Sources,
        notes: &mut Notes,
    ) -> Result<Box<dyn Subjects>> {
        let ground = self.ground(first, sources, notes)?;
        let network = &first.model.config.model.network;
        let lines = sources.lines(bed)?;
        let annotations = ground.annotations.as_ref();
        let windows = Windows::read(lines, ground.inputs, annotations, network, notes)?;
        Ok(Box::new(windows))
    }

    /// Genome, tracks and annotation that a model's inputs are cut from.
    ///
    /// # Errors
    /// No genome or cell line is known; those of reading them.
    pub fn ground(&self, first: &Member, sources: &Sources, notes: &mut Notes) -> Result<Ground> {
        let described = &first.model.config.model;
        let files = self.shared(first)?.files()?;
        let network = &described.network;
        let cell = self.cell_line(first)?;
        // That no region is left out is as it should be here.
        let genome = GenomeInputs::open(&files, sources, network.length, &mut Notes::new())?;
        let wanted = Wanted::of(described, self.cell.beside.track_scale.as_deref());
        let inputs = match &cell {
            Some(cell) => {
                let cells = std::slice::from_ref(cell);
                genome.inputs(files.storage, cells, &wanted, notes)?
            }
            None => genome.without_cell(described.gencode, described.track_transform),
        };
        let annotations = genome.annotations(&files, sources, described.gencode, notes)?;
        Ok(Ground {
            cell: cell.map(|cell| cell.path),
            inputs,
            annotations,
        })
    }

    /// Every file that [`Asked::ground`] reads.
    ///
    /// # Errors
    /// No genome or cell line is known; the cell line's lists cannot be read.
    pub fn files(&self, first: &Member) -> Result<Vec<PathBuf>> {
        let cell = self.cell_line(first)?;
        Ok(outputs::inputs(&self.shared(first)?, cell.as_slice()))
    }

    /// What inputs are made of beside the bases, to tell whether a later run has the same: the scale of tracks, and each file with its size
    /// and when it was changed.
    ///
    /// # Errors
    /// As of [`Asked::files`].
    pub fn fingerprint(&self, first: &Member) -> Result<String> {
        let state = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            // Where the system knows no time the size must do.
            Some((
                path.canonicalize().ok()?,
                found.len(),
                found.modified().ok(),
            ))
        };
        let files: Vec<_> = self.files(first)?.iter().filter_map(state).collect();
        Ok(format!("{:?} {files:?}", self.cell.beside.track_scale))
    }

    fn shared(&self, first: &Member) -> Result<SharedArgs> {
        let of_run = OfRun {
            genome: self.genome,
            chrom_sizes: self.cell.chrom_sizes.as_ref(),
            blacklist: None,
            beside: &self.cell.beside,
            batch_size: self.batch_size,
            precision: self.precision,
            device: self.device,
        };
        of_run.shared_without_blacklist(first)
    }

    /// How tracks are multiplied, where a flag says it.
    pub fn track_scale(&self) -> Option<&str> {
        self.cell.beside.track_scale.as_deref()
    }

    /// `None` for a network that takes nothing of a cell line.
    fn cell_line(&self, first: &Member) -> Result<Option<CellFolder>> {
        let described = &first.model.config.model;
        if described.network.tracks.is_empty() && described.meta.is_empty() {
            return Ok(None);
        }
        let given = self.cell.inputdir.as_ref();
        let (model, folder) = (&first.model, &first.folder);
        let folder = of_run(model, folder, given, "--inputdir", "inputdirs")?;
        let lists = Lists {
            factors: false,
            meta: !first.model.config.model.meta.is_empty(),
        };
        CellFolder::read(&folder, lists).map(Some)
    }
}
