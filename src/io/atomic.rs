//! Files that are either whole or not there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::{Error, Result};

/// Writes a file under a temporary name in the same folder, then renames it to `path`.
///
/// `path` holds the old content or the new, never a part: when `write` fails, the disk is full or
/// the process is killed, what was there stays. The data are on the disk before the rename. A
/// target that is no ordinary file (a pipe, a terminal, /dev/stdout) is written directly.
///
/// Errors: whatever `write` or the operating system reports, under the name `path`.
pub fn write_atomic(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    write_then_rename(path, write).map_err(|e| Error::io(path, e))
}

fn write_then_rename(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => {
            let mut writer = BufWriter::new(fs::OpenOptions::new().write(true).open(path)?);
            write(&mut writer)?;
            return writer.flush();
        }
        _ => {}
    }
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    let (file, temporary) = builder.tempfile_in(folder)?.into_parts();

    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    let file = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        // Some file systems cannot sync a folder; the file itself is safe either way.
        let _ = folder.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn the_whole_text_replaces_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.tsv");
        for text in ["first\n", "second, longer\n"] {
            write_atomic(&path, |w| w.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(names_in(dir.path()), ["table.tsv"]);
        }
    }

    #[test]
    fn a_writer_that_fails_halfway_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.tsv");
        let half = |w: &mut BufWriter<File>| {
            w.write_all(&[b'x'; 100_000])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        assert!(write_atomic(&path, half).is_err());
        assert!(names_in(dir.path()).is_empty());

        fs::write(&path, "old").unwrap();
        let error = write_atomic(&path, half).unwrap_err().to_string();
        assert!(error.contains("table.tsv"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names_in(dir.path()), ["table.tsv"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error_even_when_only_the_last_flush_meets_it() {
        let error = write_atomic("/dev/full", |w| w.write_all(b"short")).unwrap_err();
        assert!(error.to_string().starts_with("/dev/full: "), "{error}");
        assert!(!fs::metadata("/dev/full").unwrap().is_file());
    }

    #[test]
    fn a_folder_and_a_missing_folder_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(write_atomic(dir.path(), |_| Ok(())).is_err());
        assert!(write_atomic(dir.path().join("none/file"), |_| Ok(())).is_err());
        assert!(write_atomic("", |_| Ok(())).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_has_the_mode_that_an_ordinary_one_has() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (ours, plain) = (dir.path().join("ours"), dir.path().join("plain"));
        write_atomic(&ours, |_| Ok(())).unwrap();
        fs::write(&plain, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(ours), mode(plain));
    }
}
