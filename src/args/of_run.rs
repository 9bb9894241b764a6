//! Inputs that a command takes from the training run where no flag names them.

use crate::io::sources::Sources;
use crate::train::folder::CONFIG;
use crate::train::folder::config::InputFile;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// What a model's config.json says of an input.
pub enum Known<'a> {
    Nothing,
    /// It came through a pipe.
    Pipe,
    File(&'a Path),
}

/// Warns of files of the training run that are used again and are not what they were.
///
/// # Errors
/// One cannot be read.
pub fn warn_of_changed(files: &[InputFile], used: &[&Path], sources: &Sources) -> Result<()> {
    let again = |file: &&InputFile| file.pipe.is_none() && used.contains(&file.path.as_path());
    for file in files.iter().filter(again) {
        if sources.sha256(&file.path)? != file.sha256 {
            tell!(
                "warning: {} has changed since the model was trained",
                file.path.display()
            );
        }
    }
    Ok(())
}

/// The file or folder that `flag` names (empty where the command has no such flag), or in its place the one that the training run had for
/// it; `folder`: the model's.
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
    let remedy = match flag {
        "" => "put it back".to_string(),
        flag => format!("give {flag}"),
    };
    match (given, known) {
        (Some(given), _) => Ok(given.clone()),
        (None, Known::Pipe) => Err(Error::usage(format!(
            "{shown} was trained on what {} through a pipe, which cannot be read again{}",
            match flag {
                "" => "came".to_string(),
                flag => format!("{flag} gave"),
            },
            match flag {
                "" => String::new(),
                flag => format!(": give {flag}"),
            }
        ))),
        (None, Known::Nothing) => Err(Error::usage(format!(
            "{shown} knows no training data{}",
            match flag {
                "" => ": it was not trained here".to_string(),
                flag => format!(": give {flag}"),
            }
        ))),
        (None, Known::File(path)) if path.exists() => Ok(path.to_path_buf()),
        (None, Known::File(path)) => Err(Error::invalid(format!(
            "{}: the model was trained with {}, which is not there; {remedy}",
            folder.join(CONFIG).display(),
            path.display()
        ))),
    }
}
