//! An input that is read more than once: a file as it is, or a stream, put into a temporary file.

use super::atomic::TemporaryFolder;
use super::sources::{HEAD, is_stream, shown, stream};
use super::text::{Bytes, Lines, check_stream};
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// An input whose lines can be read again and again, in memory that does not grow with it.
pub struct Stored {
    /// As messages name it.
    path: PathBuf,
    file: PathBuf,
    /// Holds the file of a stream, until this is dropped.
    folder: Option<TemporaryFolder>,
}

impl Stored {
    /// A stream (`-` is standard input) is read to its end.
    ///
    /// # Errors
    /// What the operating system says; a stream that is no text.
    pub fn open(path: &Path) -> Result<Stored> {
        let name = shown(path).to_path_buf();
        if !is_stream(path) {
            return Ok(Stored {
                path: name,
                file: path.to_path_buf(),
                folder: None,
            });
        }
        let folder = TemporaryFolder::make()?;
        let file = folder.path().join("stream");
        let mut from = stream(path)?;
        let mut head = Vec::new();
        let read = (&mut from).take(HEAD).read_to_end(&mut head);
        read.map_err(|e| Error::io(&name, e))?;
        // What is no text may have no end.
        check_stream(&name, &head)?;
        let mut to = File::create_new(&file).map_err(|e| Error::io(&file, e))?;
        let copied = to
            .write_all(&head)
            .and_then(|()| io::copy(&mut from, &mut to));
        copied.map_err(|e| {
            let place = folder.path().display();
            Error::io(
                &name,
                io::Error::new(e.kind(), format!("{e}, while it was copied to {place}")),
            )
        })?;
        Ok(Stored {
            path: name,
            file,
            folder: Some(folder),
        })
    }

    /// As messages name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its bytes are.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether its bytes came from a stream: a later run does not find them again.
    pub fn is_stream(&self) -> bool {
        self.folder.is_some()
    }

    /// Its lines from the first one, plain or packed as of [`Lines::open`].
    ///
    /// # Errors
    /// Those of [`Lines::open`].
    pub fn lines(&self) -> Result<Lines> {
        let file = File::open(&self.file).map_err(|e| Error::io(&self.path, e))?;
        Lines::of(&self.path, Bytes::File(file))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;

    fn first(stored: &Stored) -> String {
        let mut line = String::new();
        stored.lines().unwrap().read(&mut line).unwrap();
        line
    }

    #[test]
    fn a_stream_is_read_again_and_its_copy_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let to = path.clone();
        let writer = std::thread::spawn(move || std::fs::write(to, "a\nb\n").unwrap());
        let stored = Stored::open(&path).unwrap();
        writer.join().unwrap();
        assert_eq!((first(&stored), first(&stored)), ("a".into(), "a".into()));
        assert!(stored.is_stream() && stored.path() == path);
        let file = stored.file().to_path_buf();
        drop(stored);
        assert!(!file.exists());
    }

    #[test]
    fn a_file_stays_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "a\n").unwrap();
        let stored = Stored::open(&path).unwrap();
        assert_eq!(
            (stored.file(), first(&stored)),
            (path.as_path(), "a".into())
        );
        assert!(!stored.is_stream());
        let error = Stored::open(Path::new("/dev/zero"))
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("/dev/zero") && error.contains("NUL"),
            "{error}"
        );
    }
}
