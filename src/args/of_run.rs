//! Inputs that a command takes from the training run where no flag names them.

use crate::train::folder::CONFIG;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// What a model's config.json says of an input.
pub enum Known<'a> {
    Nothing,
    /// It came through a pipe.
    Pipe,
    File(&'a Path),
}

/// The file or folder that `flag` names, or in its place the one that the training run had for it; `folder`: the model's.
///
/// # Errors
/// The run had none, had it through a pipe, or it is not there any more. What was given is read, and said to be missing, as any other.
pub fn given_or_known(
    given: Option<&PathBuf>,
    flag: &str,
    folder: &Path,
    known: Known<'_>,
) -> Result<PathBuf> {
    let shown = folder.display();
    match (given, known) {
        (Some(given), _) => Ok(given.clone()),
        (None, Known::Pipe) => Err(Error::usage(format!(
            "{shown} was trained on what {flag} gave through a pipe, which cannot be read again: give {flag}"
        ))),
        (None, Known::Nothing) => Err(Error::usage(format!(
            "{shown} knows no training data: give {flag}"
        ))),
        (None, Known::File(path)) if path.exists() => Ok(path.to_path_buf()),
        (None, Known::File(path)) => Err(Error::invalid(format!(
            "{}: the model was trained with {}, which is not there; give {flag}",
            folder.join(CONFIG).display(),
            path.display()
        ))),
    }
}
