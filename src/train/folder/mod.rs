//! A model's folder: what it is called, what it holds, who may write to it.

pub mod claim;
pub mod config;
pub mod foreign;
pub mod open;
pub mod read_files;
pub mod state;
pub mod weights;

use crate::{Error, Result};
use std::path::{Path, PathBuf};

pub const CONFIG: &str = "config.json";
/// The weights with the lowest validation loss.
pub const BEST: &str = "model.best.safetensors";
/// Those with the lowest training loss, of kinds that keep them.
pub const TRAIN_BEST: &str = "model.train.best.safetensors";
pub const LAST: &str = "model.last.safetensors";
pub const HISTORY: &str = "history.tsv";
/// All that an interrupted run needs to go on.
pub const STATE: &str = "state.safetensors";

/// The list of an ensemble's models, in the folder that holds theirs.
pub const ENSEMBLE: &str = "ensemble.json";

/// The files of every kind of model.
pub const FILES: [&str; 5] = [BEST, LAST, STATE, HISTORY, CONFIG];

/// The file that a name of weights stands for: `model.7` is the original's name, `model.7.safetensors` ours.
pub fn weights_file(named: &Path) -> PathBuf {
    let mut ours = named.as_os_str().to_owned();
    ours.push(ENDING);
    let ours = PathBuf::from(ours);
    match !named.exists() && ours.is_file() {
        true => ours,
        false => named.to_path_buf(),
    }
}

/// The number of the epoch whose weights a file has by its name, ours (`model.7.safetensors`) or the original's (`model.7`), as it
/// stands there: digits and nothing else. None for what is no file.
pub fn epoch_digits(file: &Path) -> Option<&str> {
    let name = file.file_name()?.to_str()?;
    let number = name.strip_prefix("model.")?;
    let number = number.strip_suffix(ENDING).unwrap_or(number);
    let digits = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    (digits && file.is_file()).then_some(number)
}

/// The model folder and the file, where a path names weights of a model folder (`DIR/model.7`).
pub fn weights_in_folder(named: &Path) -> Option<(PathBuf, PathBuf)> {
    let file = weights_file(named);
    let name = file.file_name()?.to_str()?;
    let known = [BEST, LAST, TRAIN_BEST].contains(&name) || epoch_digits(&file).is_some();
    let folder = match file.parent()? {
        here if here.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    let found = known && file.is_file() && folder.join(CONFIG).is_file();
    found.then(|| (folder.to_path_buf(), file.clone()))
}

const ENDING: &str = ".safetensors";

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
        if path.extension().is_some_and(|e| e == "safetensors") && epoch_digits(&path).is_some() {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_with_plain_digits_are_of_an_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            "model.7",
            "model.08.safetensors",
            "model.+7",
            "model.",
            "model.x",
            "other.7",
        ] {
            std::fs::write(at(name), "").unwrap();
        }
        std::fs::create_dir(at("model.9")).unwrap();
        std::fs::create_dir(at("model.9.safetensors")).unwrap();
        assert_eq!(epoch_digits(&at("model.7")), Some("7"));
        assert_eq!(epoch_digits(&at("model.08.safetensors")), Some("08"));
        for name in [
            "model.+7", "model.", "model.x", "other.7", "model.9", "model.10",
        ] {
            assert_eq!(epoch_digits(&at(name)), None, "{name}");
        }
        assert_eq!(
            numbered(folder.path()).unwrap(),
            [at("model.08.safetensors")]
        );
    }
}
