//! What every command stands on: genome, blacklist, annotation, and the cell lines' tracks.

use crate::data::Notes;
use crate::data::packed_genome::PackedGenome;
use crate::data::regions::Regions;
use crate::data::tracks::{Scale, Storage, Transform, read_tracks};
use crate::data::windows::annotations::{Annotations, Promoter};
use crate::data::windows::blacklist::Blacklist;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::sources::Sources;
use crate::models::factornet::Spec;
use crate::models::factornet::cell_line::CellFolder;
use crate::models::factornet::config::Description;
use crate::models::factornet::samples::inputs::{CellInputs, Inputs};
use crate::models::factornet::track_means::{CellMeans, SeenTrack, compare};
use crate::numbers::is_or_are;
use crate::train::folder::config::named;
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

    /// Tracks and meta values of cell lines, in the order of the network's inputs. Warns of tracks without values and of
    /// those whose mean is far from the ones that the model was trained on.
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
        let warnings = tracks
            .iter()
            .flat_map(|track| track.warnings(self.chromosomes()));
        for warning in warnings {
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
            let input = CellInputs {
                tracks: own.iter().cloned().zip(factors).collect(),
                meta,
            };
            let seen = self.seen(wanted.tracks, &input);
            let shown = cell.path.display().to_string();
            notes.extend(compare(&shown, &seen, wanted.trained));
            inputs.push(input);
        }
        Ok(Inputs {
            genome: Arc::clone(&self.genome),
            cells: inputs,
            transform: wanted.transform,
            gencode: wanted.gencode,
        })
    }

    /// The inputs of a network that takes no track and no meta value.
    pub fn without_cell(&self, gencode: bool, transform: Transform) -> Inputs {
        Inputs {
            genome: Arc::clone(&self.genome),
            cells: vec![CellInputs {
                tracks: Vec::new(),
                meta: Vec::new(),
            }],
            transform,
            gencode,
        }
    }

    /// A cell line's tracks with their means as a network sees them; without those that have no value at all.
    fn seen(&self, names: &[String], cell: &CellInputs) -> Vec<SeenTrack> {
        let seen = names
            .iter()
            .zip(&cell.tracks)
            .map(|(name, (track, factor))| {
                let mean = track.mean_where_held(self.chromosomes());
                SeenTrack {
                    name: name.clone(),
                    factor: *factor,
                    mean: mean * f64::from(*factor),
                }
            });
        seen.filter(|track| track.mean.is_finite()).collect()
    }

    /// The means of these cell lines' tracks, for the model's folder; nothing without tracks.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub fn track_means(
        &self,
        names: &[String],
        cells: &[CellFolder],
        inputs: &Inputs,
    ) -> Result<Vec<CellMeans>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let of = |(cell, input): (&CellFolder, &CellInputs)| {
            let seen = self.seen(names, input).into_iter();
            Ok(CellMeans {
                cell: named(&cell.path)?.into(),
                means: seen.map(|track| (track.name, track.mean)).collect(),
            })
        };
        cells.iter().zip(&inputs.cells).map(of).collect()
    }

    /// `--strict`: every track of every cell line has values on these chromosomes.
    ///
    /// # Errors
    /// The first one without.
    pub fn check_held(
        &self,
        inputs: &Inputs,
        chromosomes: impl IntoIterator<Item = u32>,
    ) -> Result<()> {
        let mut lacks = chromosomes
            .into_iter()
            .filter_map(|number| inputs.lack_of(number));
        match lacks.next() {
            None => Ok(()),
            Some(lack) => Err(Error::invalid(format!(
                "--strict: {lack}; say with --chrom-sizes which chromosomes to use, or leave --strict out and it reads as 0"
            ))),
        }
    }
}

/// What a network takes beside the sequence.
pub struct Wanted<'a> {
    pub tracks: &'a [String],
    pub meta: &'a [String],
    pub gencode: bool,
    /// `--track-scale`.
    pub scale: &'a str,
    pub transform: Transform,
    /// The tracks' means in training; empty where they are not known, and in training.
    pub trained: &'a [CellMeans],
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
            transform: model.track_transform,
            trained: &model.track_means,
        }
    }
}

fn missing(cell: &CellFolder, list: &str, what: &str, name: &str, there: Vec<&str>) -> Error {
    let list = cell.list(list);
    Error::invalid(if there.is_empty() {
        format!("{list}: no {what} '{name}' (no {what} at all); the model takes it")
    } else {
        format!(
            "{list}: no {what} '{name}'; there {} {}",
            is_or_are(there.len()),
            there.join(", ")
        )
    })
}
