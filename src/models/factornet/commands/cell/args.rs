//! The arguments of `cisgrad prepare cell`.

use crate::args::ThreadArgs;
use crate::args::named_file::{NamedFile, check_names};
use crate::args::numbers::number;
use crate::data::tracks::reverse_order;
use crate::{Error, Result};
use std::path::PathBuf;
use std::str::FromStr;

#[derive(clap::Args)]
pub struct Args {
    /// Folder to make, or an empty one
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Tracks (bigWig), each with its name: the inputs of a network beside the sequence, in this order
    #[arg(long, value_name = "NAME=FILE", num_args = 1.., required_unless_present = "peaks")]
    pub track: Vec<NamedFile>,
    /// Peaks (BED, narrowPeak) of factors: the conservative ones, which are bound, and relaxed ones, which are not taken as unbound
    #[arg(long, value_name = "FACTOR=CONSERVATIVE[,RELAXED]", num_args = 1..)]
    pub peaks: Vec<FactorPeaks>,
    /// Numbers of the cell line, each with its name (factornet train -m)
    #[arg(long, value_name = "NAME=VALUE", num_args = 1..)]
    pub meta: Vec<NamedNumber>,
    /// Genome that tracks and peaks are held against: FASTA (fast with its .fai) or 2bit [default: the
    /// chromosomes on which the first track has values]
    #[arg(long, value_name = "FASTA", required_unless_present = "track")]
    pub genome: Option<PathBuf>,
    /// Folders of cell lines that are used together with this one: names must be the same, and the tracks' means near
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub with: Vec<PathBuf>,
    /// Copy files, do not link to them
    #[arg(long)]
    pub copy: bool,
    #[command(flatten)]
    pub threads: ThreadArgs,
}

impl Args {
    /// # Errors
    /// A name that comes twice; one of a pair of stranded tracks without the other; names that a list or a file cannot have.
    pub fn check(&self) -> Result<()> {
        let tracks = || self.track.iter().map(|track| track.name.as_str());
        let factors = || self.peaks.iter().map(|factor| factor.name.as_str());
        let meta = || self.meta.iter().map(|value| value.name.as_str());
        check_names("tracks", tracks())?;
        check_names("factors", factors())?;
        check_names("meta values", meta())?;
        reverse_order(&tracks().collect::<Vec<_>>())?;
        let odd = |name: &&str| name.starts_with(['#', '.']) || name.contains(['/', '\\']);
        match tracks().chain(factors()).find(odd) {
            None => Ok(()),
            Some(name) => Err(Error::usage(format!(
                "the name '{name}': files are called so in the folder; expected one without / and \\ that does not begin with # or ."
            ))),
        }
    }

    /// The files that are linked to or copied.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let tracks = self.track.iter().map(|track| &track.path);
        let peaks = self.peaks.iter();
        let peaks = peaks.flat_map(|factor| [Some(&factor.conservative), factor.relaxed.as_ref()]);
        tracks.chain(peaks.flatten())
    }
}

/// A factor and its peaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorPeaks {
    pub name: String,
    pub conservative: PathBuf,
    pub relaxed: Option<PathBuf>,
}

impl FromStr for FactorPeaks {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<FactorPeaks, String> {
        let expected = || {
            "expected FACTOR=CONSERVATIVE or FACTOR=CONSERVATIVE,RELAXED, as CTCF=ctcf.bed.gz"
                .to_string()
        };
        let named: NamedFile = text.parse().map_err(|_| expected())?;
        let files = named.path.to_str().ok_or_else(expected)?;
        let (conservative, relaxed) = match files.split_once(',') {
            None => (files, None),
            Some((first, second)) => (first, Some(second)),
        };
        if conservative.is_empty() || relaxed.is_some_and(str::is_empty) {
            return Err(expected());
        }
        Ok(FactorPeaks {
            name: named.name,
            conservative: conservative.into(),
            relaxed: relaxed.map(PathBuf::from),
        })
    }
}

/// A number of a cell line.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedNumber {
    pub name: String,
    pub value: f32,
}

impl FromStr for NamedNumber {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<NamedNumber, String> {
        let named: Option<NamedFile> = text.parse().ok();
        let value = named.as_ref().and_then(|named| named.path.to_str());
        let value = value.and_then(|value| number(value).ok());
        match (named, value.map(|value| value as f32)) {
            (Some(NamedFile { name, .. }), Some(value)) if value.is_finite() => {
                Ok(NamedNumber { name, value })
            }
            _ => Err("expected NAME=NUMBER, as GEPC1=-0.15".to_string()),
        }
    }
}
