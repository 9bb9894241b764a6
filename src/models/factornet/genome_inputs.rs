//! What every command stands on: genome, blacklist, annotation, and the cell lines' tracks.

use crate::data::Notes;
use crate::data::packed_genome::PackedGenome;
use crate::data::regions::Regions;
use crate::data::tracks::{Scale, Storage, read_tracks};
use crate::data::windows::annotations::{Annotations, Promoter};
use crate::data::windows::blacklist::Blacklist;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::sources::Sources;
use crate::models::factornet::Spec;
use crate::models::factornet::cell_line::CellFolder;
use crate::models::factornet::config::Description;
use crate::models::factornet::samples::inputs::{CellInputs, Inputs};
use crate::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// The files that genome-wide inputs are read from, and how.
#[derive(Clone, Debug)]
pub struct Files {
    pub genome: PathBuf,
    /// Which chromosomes are in use, where a file says so.
    pub sizes: Option<PathBuf>,
    pub blacklist: Option<PathBuf>,
    /// Folder with BED files of annotation features.
    pub annotations: PathBuf,
    /// Takes the place of that folder, but for the features that a GTF does not have: those are the folder's where it was
    /// given.
    pub gtf: Option<PathBuf>,
    pub annotations_given: bool,
    pub promoter: Promoter,
    pub storage: Storage,
}

pub struct GenomeInputs {
    pub genome: Arc<PackedGenome>,
    pub blacklist: Blacklist,
    /// N in the genome.
    pub unknown: Regions,
}

impl GenomeInputs {
    /// Reads genome and blacklist, for inputs of `length` bases.
    ///
    /// # Errors
    /// Those of the readers.
    pub fn open(
        files: &Files,
        sources: &Sources,
        length: usize,
        notes: &mut Notes,
    ) -> Result<GenomeInputs> {
        let lines = |path: &PathBuf| sources.lines(path);
        let sizes = files.sizes.as_ref().map(lines).transpose()?;
        let sizes = sizes.map(Chromosomes::parse).transpose()?;
        let genome = PackedGenome::read(&files.genome, sizes.as_ref())?;
        let length = u32::try_from(length).map_err(|_| {
            Error::usage(format!(
                "-L {length}: more bases than a chromosome can have"
            ))
        })?;
        if files.blacklist.is_none() {
            notes.push(
                "note: no --blacklist: no region is left out but the chromosomes' ends".to_string(),
            );
        }
        let blacklist = files.blacklist.as_ref().map(lines).transpose()?;
        let blacklist = Blacklist::read(blacklist, length, genome.chromosomes(), notes)?;
        Ok(GenomeInputs {
            unknown: genome.unknown(),
            genome: Arc::new(genome),
            blacklist,
        })
    }

    pub fn chromosomes(&self) -> &Chromosomes {
        self.genome.chromosomes()
    }

    /// The annotation, where the model takes its features.
    ///
    /// # Errors
    /// Those of the readers.
    pub fn annotations(
        &self,
        files: &Files,
        sources: &Sources,
        gencode: bool,
        notes: &mut Notes,
    ) -> Result<Option<Annotations>> {
        if !gencode {
            return Ok(None);
        }
        let folder = &files.annotations;
        let chromosomes = self.chromosomes();
        let found = match &files.gtf {
            Some(gtf) => {
                let folder = files.annotations_given.then_some(folder.as_path());
                Annotations::from_gtf(
                    sources.lines(gtf)?,
                    folder,
                    files.promoter,
                    chromosomes,
                    notes,
                )?
            }
            None if !folder.is_dir() => {
                return Err(Error::usage(format!(
                    "no annotation in {}: the model takes features of an annotation (-g); give --annotations DIR or --gtf GTF",
                    folder.display()
                )));
            }
            None => Annotations::read(folder, chromosomes, notes)?,
        };
        Ok(Some(found))
    }

    /// Tracks and meta values of cell lines, in the order of the network's inputs.
    ///
    /// # Errors
    /// A track or meta value that a folder lacks; those of the readers.
    pub fn inputs(
        &self,
        storage: Storage,
        cells: &[CellFolder],
        wanted: &Wanted<'_>,
        notes: &mut Notes,
    ) -> Result<Inputs> {
        let scale: Scale = wanted.scale.parse()?;
        let mut files: Vec<PathBuf> = Vec::new();
        for cell in cells {
            for name in wanted.tracks {
                let found = cell.tracks.iter().find(|track| track.name == *name);
                let found = found.ok_or_else(|| {
                    missing(cell, "bigwig.txt", "track", name, cell.track_names())
                })?;
                found.line.check(&found.path)?;
                files.push(found.path.clone());
            }
        }
        let tracks = read_tracks(&files, self.chromosomes(), storage)?;
        for warning in tracks.iter().flat_map(|track| track.warnings()) {
            if !notes.contains(&warning) {
                notes.push(warning);
            }
        }
        let total = self.chromosomes().total() as f64;
        let known = 1.0 - self.unknown.bases() as f64 / total;
        let mut inputs = Vec::with_capacity(cells.len());
        for (number, cell) in cells.iter().enumerate() {
            let per_cell = wanted.tracks.len();
            let own = &tracks[number * per_cell..(number + 1) * per_cell];
            let factors = scale.factors(wanted.tracks, own, known)?;
            let mut meta = Vec::with_capacity(wanted.meta.len());
            for name in wanted.meta {
                let found = cell.meta.iter().find(|value| value.name == *name);
                let found = found.ok_or_else(|| {
                    missing(cell, "meta.txt", "meta value", name, cell.meta_names())
                })?;
                meta.push(found.value);
            }
            inputs.push(CellInputs {
                tracks: own.iter().cloned().zip(factors).collect(),
                meta,
            });
        }
        Ok(Inputs {
            genome: Arc::clone(&self.genome),
            cells: inputs,
            gencode: wanted.gencode,
        })
    }
}

/// What a network takes beside the sequence.
pub struct Wanted<'a> {
    pub tracks: &'a [String],
    pub meta: &'a [String],
    pub gencode: bool,
    /// `--track-scale`.
    pub scale: &'a str,
}

impl<'a> Wanted<'a> {
    /// What a model takes; the tracks' scale is the model's where none is given.
    pub fn of(model: &'a Description, scale: Option<&'a str>) -> Self {
        let network: &Spec = &model.network;
        Wanted {
            tracks: &network.tracks,
            meta: &model.meta,
            gencode: model.gencode,
            scale: scale.unwrap_or(&model.track_scale),
        }
    }
}

fn missing(cell: &CellFolder, list: &str, what: &str, name: &str, there: Vec<&str>) -> Error {
    let list = cell.list(list);
    Error::invalid(if there.is_empty() {
        format!("{list}: no {what} '{name}' (no {what} at all); the model takes it")
    } else {
        format!("{list}: no {what} '{name}'; there are {}", there.join(", "))
    })
}
