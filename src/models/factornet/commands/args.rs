//! Arguments of all four commands. What a command does not need it accepts and ignores.

use crate::args::numbers::one_or_more;
use crate::args::{DeviceArgs, PrecisionArg, Unannounced};
use crate::data::tracks::Storage;
use crate::io::sources::is_there;
use crate::models::factornet::genome_inputs::Files;
use crate::models::factornet::saved::FactorNet;
use crate::train::folder::config::Precision;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

pub(super) const PROMOTER: &str = "500,100";
pub(super) const RESOURCES: &str = "resources";

#[derive(clap::Args, Clone, Debug)]
pub struct SharedArgs {
    /// Genome: FASTA (plain, gzip or bgzip) or 2bit [default: hg19.fa in --resources]
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// The chromosomes in use, with their sizes [default: those of --genome, else hg19.autoX.chrom.sizes in --resources]
    #[arg(long, value_name = "FILE")]
    pub chrom_sizes: Option<PathBuf>,
    /// BED file of regions to leave out [default: none with --genome, else blacklist.bed.gz in --resources]
    #[arg(long, value_name = "BED")]
    pub blacklist: Option<PathBuf>,
    /// Folder with BED files of CpG islands, CDS, introns, promoters and UTRs [default: --resources]
    #[arg(long, value_name = "DIR")]
    pub annotations: Option<PathBuf>,
    /// Take all of that but the CpG islands from this annotation instead
    #[arg(long, value_name = "GTF")]
    pub gtf: Option<PathBuf>,
    /// Promoters of a GTF: bases upstream and downstream of each transcription start
    #[arg(
        long,
        default_value = PROMOTER,
        value_name = "UP,DOWN",
        allow_hyphen_values = true
    )]
    pub promoter: String,
    /// Folder where the original keeps its genome, blacklist, annotations and motifs
    #[arg(long, default_value = RESOURCES, value_name = "DIR")]
    pub resources: PathBuf,
    /// Multiply tracks: none, mean (to a mean of 1), or NAME=FACTOR[,...] [default: none, or as the model was trained]
    #[arg(long, value_name = "SCALE")]
    pub track_scale: Option<String>,
    /// How track values are kept in memory: f32, or f16 for half the space
    #[arg(long, default_value = "f32", value_name = "TYPE")]
    pub track_storage: StorageArg,
    /// A chromosome that a track lacks or has no value on is an error where the run needs it, not 0 with a warning; in
    /// predict so is an interval on a chromosome that is not in use
    #[arg(long)]
    pub strict: bool,
    /// Samples that are computed at a time [default: 100]
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    pub batch_size: Option<usize>,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU) [default: f32; of a trained model its own, f32 for bf16]
    #[arg(long, value_name = "TYPE")]
    pub(super) precision: Option<PrecisionArg>,
    #[command(flatten)]
    pub(super) device: DeviceArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageArg {
    F32,
    F16,
}

/// Samples of a batch where no flag says how many.
pub const BATCH: usize = 100;

impl SharedArgs {
    pub fn batch_size(&self) -> usize {
        self.batch_size.unwrap_or(BATCH)
    }

    /// Finds the device.
    ///
    /// # Errors
    /// A device or precision that cannot be had.
    pub fn open(&self, trained: Option<Precision>) -> Result<(Unannounced, Precision)> {
        let precision = PrecisionArg::or_trained(self.precision, trained.unwrap_or_default());
        Ok((self.device.open(Some(precision))?, precision))
    }

    /// What is read of genome, blacklist and annotation.
    ///
    /// # Errors
    /// No genome is named; `--promoter` is not a pair of numbers.
    pub fn files(&self) -> Result<Files> {
        Ok(Files {
            genome: self.genome_file()?,
            sizes: self.sizes_file(),
            blacklist: self.blacklist_file(),
            annotations: self.annotations_folder().to_path_buf(),
            gtf: self.gtf.clone(),
            annotations_given: self.annotations.is_some(),
            promoter: self.promoter.parse()?,
            storage: match self.track_storage {
                StorageArg::F32 => Storage::F32,
                StorageArg::F16 => Storage::F16,
            },
        })
    }

    /// The genome's file.
    ///
    /// # Errors
    /// None is given and none is in --resources.
    pub fn genome_file(&self) -> Result<PathBuf> {
        match (&self.genome, self.resource("hg19.fa")) {
            (Some(given), _) => Ok(given.clone()),
            (None, Some(found)) => Ok(found),
            (None, None) => Err(Error::usage(format!(
                "no genome: give --genome FASTA, or keep hg19.fa in {}",
                self.resources.display()
            ))),
        }
    }

    /// The file of chromosome sizes, if one says which are in use. The original's belongs to the original's genome.
    pub fn sizes_file(&self) -> Option<PathBuf> {
        match (&self.chrom_sizes, &self.genome) {
            (Some(given), _) => Some(given.clone()),
            (None, None) => self.resource("hg19.autoX.chrom.sizes"),
            (None, Some(_)) => None,
        }
    }

    pub fn blacklist_file(&self) -> Option<PathBuf> {
        match (&self.blacklist, &self.genome) {
            (Some(given), _) => Some(given.clone()),
            (None, None) => self.resource("blacklist.bed.gz"),
            (None, Some(_)) => None,
        }
    }

    pub fn annotations_folder(&self) -> &Path {
        self.annotations.as_deref().unwrap_or(&self.resources)
    }

    /// A file in --resources, where it is there.
    pub fn resource(&self, name: &str) -> Option<PathBuf> {
        let path = self.resources.join(name);
        is_there(&path).then_some(path)
    }
}

/// Which of the model's factors a command is about; without a name all of them.
///
/// # Errors
/// A factor that the model does not know: lists those that it knows.
pub fn chosen(model: &FactorNet, factor: Option<&str>) -> Result<Vec<usize>> {
    let factors = &model.config.model.factors;
    match factor {
        None => Ok((0..factors.len()).collect()),
        Some(name) => match factors.iter().position(|f| f == name) {
            Some(index) => Ok(vec![index]),
            None => Err(Error::usage(format!(
                "-f {name}: the model predicts {}",
                factors.join(", ")
            ))),
        },
    }
}
