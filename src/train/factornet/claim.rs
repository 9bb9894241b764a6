//! The model folder of a run: made, locked, and never written over by chance.

use super::config::Config;
use crate::io::atomic::remove_leftovers;
use crate::train::checkpoint::STATE;
use crate::train::config::{BEST, CONFIG, HISTORY, LAST};
use crate::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// What a run writes into its folder.
const FILES: [&str; 9] = [
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

/// Makes the folder, or takes the one that is there where `resume` goes on with it or `overwrite` allows it (then what an
/// earlier run wrote is removed). The lock is the operating system's: a kill leaves none behind.
///
/// # Errors
/// The folder is there and neither is asked for; another run writes into it; it holds a run with other settings.
pub fn claim(folder: &Path, config: &Config, resume: bool, overwrite: bool) -> Result<File> {
    if folder.exists() && !resume && !overwrite {
        return Err(Error::invalid(format!(
            "{} exists: choose another -o, write over it with -oc, or go on with it by --resume",
            folder.display()
        )));
    }
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    let lock = File::open(folder).map_err(|e| Error::io(folder, e))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::invalid(format!(
                "{}: another run writes into this folder",
                folder.display()
            )));
        }
        Err(TryLockError::Error(e)) => return Err(Error::io(folder, e)),
    }
    if resume && folder.join(STATE).exists() {
        Config::read(folder)?.check_resumable(config, folder)?;
    } else {
        for file in FILES.map(|name| folder.join(name)) {
            if file.exists() {
                std::fs::remove_file(&file).map_err(|e| Error::io(&file, e))?;
            }
        }
    }
    remove_leftovers(folder)?;
    Ok(lock)
}
