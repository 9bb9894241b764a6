//! A folder that is written to is held against a second run.

use crate::{Error, Result};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

/// Makes the folder where it is not there and holds it until the file is dropped. The lock is the operating system's: a
/// kill leaves none behind.
///
/// # Errors
/// Another run holds it; what the operating system says.
pub fn hold(folder: &Path) -> Result<File> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    let lock = File::open(folder).map_err(|e| Error::io(folder, e))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::invalid(format!(
            "{}: another run writes into this folder",
            folder.display()
        ))),
        // A file system without locks: as good as it gets.
        Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(e)) => Err(Error::io(folder, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_until_the_lock_is_dropped() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        let lock = hold(&folder).unwrap();
        let error = hold(&folder).unwrap_err().to_string();
        assert!(
            error.ends_with("a/b: another run writes into this folder"),
            "{error}"
        );
        drop(lock);
        hold(&folder).unwrap();
    }
}
