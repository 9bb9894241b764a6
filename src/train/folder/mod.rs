//! A model's folder: what it is called, what it holds, who may write to it.

pub mod claim;
pub mod config;
pub mod foreign;
pub mod open;
pub mod state;
pub mod weights;

use crate::{Error, Result};
use std::path::{Path, PathBuf};

pub const CONFIG: &str = "config.json";
/// The weights with the lowest validation loss.
pub const BEST: &str = "model.best.safetensors";
pub const LAST: &str = "model.last.safetensors";
pub const HISTORY: &str = "history.tsv";
/// All that an interrupted run needs to go on.
pub const STATE: &str = "state.safetensors";

/// The files of every kind of model.
pub const FILES: [&str; 5] = [BEST, LAST, STATE, HISTORY, CONFIG];

/// The files `model.N.safetensors` in a folder: the weights of single epochs.
///
/// # Errors
/// The folder cannot be read.
pub fn numbered(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let path = entry.map_err(|e| Error::io(folder, e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name
            .strip_prefix("model.")
            .and_then(|rest| rest.strip_suffix(".safetensors"));
        if number.is_some_and(|n| n.parse::<u64>().is_ok()) {
            found.push(path);
        }
    }
    Ok(found)
}
