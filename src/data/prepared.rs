//! A prepared data set: a folder with signals, sequences, regions and a split, and `prepare.json`, which says how they were made.

use crate::data::consensus::Losses;
use crate::data::transforms::FittedChain;
use crate::io::atomic::write_atomic;
use crate::io::sources::is_fleeting;
use crate::io::text::read_text;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Signals, a row for each window.
pub const SIGNALS: &str = "signals.tsv";
/// The windows' sequences, FASTA.
pub const SEQUENCES: &str = "sequences.fa";
/// The windows, BED.
pub const REGIONS: &str = "regions.bed";
/// How they were made.
pub const PREPARED: &str = "prepare.json";

/// An input as it was. Tracks are large: they are known by size and time, not by a hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The flag that named it.
    pub flag: String,
    /// What the user called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub path: PathBuf,
    /// 0 of a pipe.
    pub bytes: u64,
    /// When it was last changed, in seconds since 1970; absent where the system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
}

impl Input {
    /// # Errors
    /// What the operating system says.
    pub fn of(flag: &str, name: Option<&str>, path: &Path) -> Result<Input> {
        // What comes through a pipe has neither a size nor a time that says anything later.
        if is_fleeting(path) {
            return Ok(Input {
                flag: flag.to_string(),
                name: name.map(str::to_string),
                path: path.to_path_buf(),
                bytes: 0,
                modified: None,
            });
        }
        let found = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        let since = |time: std::time::SystemTime| {
            let since = time.duration_since(std::time::UNIX_EPOCH);
            since.ok().map(|since| since.as_secs())
        };
        Ok(Input {
            flag: flag.to_string(),
            name: name.map(str::to_string),
            path: std::path::absolute(path).map_err(|e| Error::io(path, e))?,
            bytes: found.len(),
            modified: found.modified().ok().and_then(since),
        })
    }
}

/// What a file of reads gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptReads {
    pub output: String,
    /// Reads, or fragments.
    pub kept: u64,
    /// What counts are told per million of.
    pub ends: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// What `prepare.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    pub version: String,
    pub inputs: Vec<Input>,
    /// Every setting, by its flag: with the inputs they make the folder again.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// Bases of a window.
    pub width: u32,
    pub outputs: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<KeptReads>,
    pub split: String,
    pub peaks: usize,
    pub windows: usize,
    pub left_out: Losses,
    pub train: usize,
    pub validation: usize,
    pub test: usize,
    /// What was done to the signals, with the numbers that were fitted on training rows.
    pub transform: FittedChain,
}

impl Prepared {
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(PREPARED);
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|e| Error::format(&path, e.to_string()))?;
        write_atomic(&path, |file| writeln!(file, "{text}"))
    }

    /// # Errors
    /// No such folder or file; a file that is not one of ours.
    pub fn read(folder: &Path) -> Result<Prepared> {
        let path = folder.join(PREPARED);
        let text = read_text(&path)?;
        serde_json::from_str(&text).map_err(|e| {
            let message =
                format!("not what cisgrad prepare peaks writes ({e}); make the folder again");
            Error::format_at(&path, e.line() as u64, message)
        })
    }
}
