//! Folders that appear whole or not at all.

use super::atomic::{TemporaryFolder, folder_of, is_temporary};
use crate::{Error, Result};
use std::io::ErrorKind;
use std::path::Path;

/// That a folder is not there, or is empty.
///
/// # Errors
/// It holds something; a file is in its place. `flag` names it.
pub fn check_free(flag: &str, folder: &Path) -> Result<()> {
    let found = match std::fs::read_dir(folder) {
        // What a killed run left has no name of a user's.
        Ok(mut entries) => {
            entries.any(|entry| entry.map_or(true, |e| !is_temporary(&e.file_name())))
        }
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) if e.kind() == ErrorKind::NotADirectory => {
            return Err(Error::format(
                folder,
                "a file; expected a folder, or no such name yet",
            ));
        }
        Err(e) => return Err(Error::io(folder, e)),
    };
    match found {
        false => Ok(()),
        true => Err(Error::invalid(format!(
            "{flag} {}: the folder holds files; nothing was changed: choose another one, or empty it",
            folder.display()
        ))),
    }
}

/// Makes a folder that [`check_free`] lets pass, and those that it lies in: `fill` puts files into a temporary one, and they get
/// their place when it returns.
///
/// # Errors
/// Those of `fill`, and what the operating system says; then nothing is left of the folder's files.
pub fn make_folder(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let there = folder.is_dir();
    let beside = match there {
        // What is there may be a link or another disk, and stays.
        true => folder,
        false => folder_of(folder),
    };
    std::fs::create_dir_all(beside).map_err(|e| Error::io(beside, e))?;
    let temporary = TemporaryFolder::make_in(beside)?;
    fill(temporary.path())?;
    let named = |e| Error::io(folder, e);
    // Again: in the meantime another run, or the user, may have put files there.
    check_free("the result's folder", folder)?;
    if !there {
        return std::fs::rename(temporary.path(), folder).map_err(named);
    }
    for entry in std::fs::read_dir(temporary.path()).map_err(named)? {
        let entry = entry.map_err(named)?;
        std::fs::rename(entry.path(), folder.join(entry.file_name())).map_err(named)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_whole_or_not_there() {
        let place = tempfile::tempdir().unwrap();
        let fill = |folder: &Path| {
            std::fs::write(folder.join("a"), "1").map_err(|e| Error::io(folder, e))?;
            std::fs::create_dir(folder.join("b")).map_err(|e| Error::io(folder, e))
        };
        let fail = |folder: &Path| fill(folder).and(Err(Error::invalid("no")));
        std::fs::create_dir(place.path().join("old")).unwrap();
        for name in ["new", "old", "x/y"] {
            let folder = place.path().join(name);
            check_free("--out", &folder).unwrap();
            make_folder(&folder, fail).unwrap_err();
            assert!(!folder.join("a").exists());
            make_folder(&folder, fill).unwrap();
            assert_eq!(names(&folder), ["a", "b"]);
            let full = check_free("--out", &folder).unwrap_err().to_string();
            assert!(full.contains("the folder holds files"), "{full}");
        }
        assert_eq!(names(place.path()), ["new", "old", "x"]);
        let file = place.path().join("new/a");
        assert!(check_free("--out", &file).is_err());
    }
}
