//! One run at a time in a model folder.

use crate::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

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
