//! The model folder of a run: made, locked, and never written over by chance.

use super::{BEST, CONFIG, HISTORY, LAST, STATE};
use crate::io::atomic::remove_leftovers;
use crate::models::factornet::config::Config;
use crate::models::factornet::history;
use crate::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// What a run writes into its folder.
pub const FILES: [&str; 9] = [
    CONFIG,
    BEST,
    LAST,
    STATE,
    HISTORY,
    "chip.txt",
    "feature.txt",
    "bigwig.txt",
    "meta.txt",
];

/// A list such as chip.txt in a folder that holds no model: a cell line's folder, in which no model may be written since
/// its lists have the same names.
///
/// # Errors
/// The folder holds such a list.
pub fn refuse_input_folder(folder: &Path) -> Result<()> {
    let holds = |name: &str| folder.join(name).exists();
    let lists = ["chip.txt", "bigwig.txt", "meta.txt"];
    match lists.into_iter().find(|list| holds(list)) {
        Some(list) if !holds(CONFIG) && !holds("model.json") => Err(Error::invalid(format!(
            "{} holds {list} but no model: a cell line's folder? It is not written over",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// Whether a run may write into the folder; looks and changes nothing, so that a run whose inputs turn out to be wrong
/// has made no folder and removed no model.
///
/// # Errors
/// The folder is there and neither `resume` nor `overwrite` is asked for; it holds a run with other settings, or lists
/// of a cell line.
pub fn check(folder: &Path, config: &Config, resume: bool, overwrite: bool) -> Result<()> {
    if folder.exists() && !resume && !overwrite {
        return Err(Error::invalid(format!(
            "{} exists: choose another -o, write over it with -oc, or go on with it by --resume",
            folder.display()
        )));
    }
    if folder.exists() && !folder.is_dir() {
        return Err(Error::invalid(format!(
            "{} is a file; expected a folder",
            folder.display()
        )));
    }
    // Also where no epoch was finished: what is there may be another model, without a state.
    if resume && folder.join(CONFIG).exists() {
        Config::read(folder)?.check_resumable(config, folder)?;
    }
    // A state is the last thing that an epoch writes: a run that was killed in its first epoch has a line at most.
    let epochs = history::epochs(&folder.join(HISTORY))?;
    if resume && epochs > 1 && folder.join(LAST).exists() && !folder.join(STATE).exists() {
        return Err(Error::invalid(format!(
            "--resume: {} has a model of {epochs} epochs but no {STATE} to go on from; -oc starts over",
            folder.display()
        )));
    }
    refuse_input_folder(folder)
}

/// Makes the folder, or takes the one that is there where `resume` goes on with it or `overwrite` allows it (then what an
/// earlier run wrote is removed), and holds it against a second run.
///
/// # Errors
/// Those of [`check`]; another run writes into the folder.
pub fn claim(folder: &Path, config: &Config, resume: bool, overwrite: bool) -> Result<File> {
    check(folder, config, resume, overwrite)?;
    let lock = lock(folder)?;
    // Again, now that no other run can change it.
    check(folder, config, resume, true)?;
    if !(resume && folder.join(STATE).exists()) {
        for file in FILES.map(|name| folder.join(name)) {
            if file.exists() {
                std::fs::remove_file(&file).map_err(|e| Error::io(&file, e))?;
            }
        }
    }
    remove_leftovers(folder)?;
    Ok(lock)
}

/// Makes the folder where it is not there and holds it until the file is dropped. The lock is the operating system's: a
/// kill leaves none behind.
///
/// # Errors
/// Another run writes into it.
pub fn lock(folder: &Path) -> Result<File> {
    let refused = |e| Error::io(folder, e);
    std::fs::create_dir_all(folder).map_err(refused)?;
    let lock = File::open(folder).map_err(refused)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::invalid(format!(
            "{}: another run writes into this folder",
            folder.display()
        ))),
        Err(TryLockError::Error(e)) => Err(refused(e)),
    }
}
