//! What a run reads: files, which can be opened again, and streams (pipes, standard input), which give their bytes once.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::descriptors::names_descriptor;
use super::hash::{sha256, sha256_file};
use super::kept::Kept;
use super::text::{Bytes, Lines, check_stream};
use crate::{Error, Result};

/// Bytes of a stream that are looked at before the others are read.
pub(super) const HEAD: u64 = 1 << 16;

/// How standard input is named.
const STANDARD_INPUT: &str = "-";

/// The text inputs of a run. A file is opened as often as it is asked for. A stream is read to its end when it is first
/// asked for and kept, so that its hash and what is parsed come from the same bytes, and two flags that name the same
/// stream get the same text.
#[derive(Default)]
pub struct Sources {
    kept: Mutex<Vec<(Identity, Kept)>>,
}

/// Which stream a path leads to.
#[derive(Clone, Debug, PartialEq)]
enum Identity {
    #[cfg(unix)]
    Inode(u64, u64),
    Name(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Identity {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if let Ok(found) = std::fs::metadata(device(path)) {
                return Identity::Inode(found.dev(), found.ino());
            }
        }
        Identity::Name(path.to_path_buf())
    }
}

impl Sources {
    pub fn new() -> Sources {
        Sources::default()
    }

    /// A text from its beginning, plain or packed as of [`Lines::open`]; `-` is standard input.
    ///
    /// # Errors
    /// What the operating system says; a packing that is not read.
    pub fn lines(&self, path: &Path) -> Result<Lines> {
        match is_stream(path) {
            false => Lines::open(path),
            true => Lines::of(shown(path), Bytes::Kept(io::Cursor::new(self.kept(path)?))),
        }
    }

    /// [`Self::lines`] for the last input that is asked for: a stream is read as it comes and not kept.
    ///
    /// # Errors
    /// As of [`Self::lines`].
    pub fn into_lines(self, path: &Path) -> Result<Lines> {
        let new = self.find(&Identity::of(path)).is_none();
        match is_stream(path) && new {
            false => self.lines(path),
            true => Lines::of(shown(path), Bytes::Stream(stream(path)?)),
        }
    }

    /// SHA-256 of an input's bytes as they are (packed or not), in lower-case hexadecimal.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn sha256(&self, path: &Path) -> Result<String> {
        match is_stream(path) {
            false => sha256_file(path),
            true => Ok(sha256(self.kept(path)?.as_ref())),
        }
    }

    /// Lets go of what streams gave: nothing is read from here any more.
    pub fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
    }

    fn find(&self, identity: &Identity) -> Option<Kept> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, _)| known == identity);
        found.map(|(_, kept)| kept.clone())
    }

    fn kept(&self, path: &Path) -> Result<Kept> {
        let identity = Identity::of(path);
        if let Some(kept) = self.find(&identity) {
            return Ok(kept);
        }
        let (mut bytes, mut stream) = (Vec::new(), stream(path)?);
        let failed = |e| Error::io(shown(path), e);
        (&mut stream)
            .take(HEAD)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        // What is no text is refused before all of it is kept: it may have no end.
        check_stream(shown(path), &bytes)?;
        stream.read_to_end(&mut bytes).map_err(failed)?;
        let new = Kept(Arc::new(bytes));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((identity, new.clone()));
        Ok(new)
    }
}

pub(super) fn stream(path: &Path) -> Result<Box<dyn Read + Send>> {
    if path == Path::new(STANDARD_INPUT) {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(path).map_err(|e| Error::io(path, e))?))
}

/// The path at which the operating system knows a stream.
fn device(path: &Path) -> &Path {
    match path == Path::new(STANDARD_INPUT) {
        true => Path::new("/dev/stdin"),
        false => path,
    }
}

/// A path as messages name it.
pub(super) fn shown(path: &Path) -> &Path {
    match path == Path::new(STANDARD_INPUT) {
        true => Path::new("standard input"),
        false => path,
    }
}

/// Whether there are bytes to read: a file or a stream, not a folder.
pub fn is_there(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT) || std::fs::metadata(path).is_ok_and(|found| !found.is_dir())
}

/// Whether a path leads to something that gives its bytes once: a pipe, a terminal, standard input as `-`.
pub fn is_stream(path: &Path) -> bool {
    let special = |found: std::fs::Metadata| !found.is_file() && !found.is_dir();
    path == Path::new(STANDARD_INPUT) || std::fs::metadata(path).is_ok_and(special)
}

/// Whether a later command would not find the same bytes under this name: a stream, or one of the names by which a
/// process knows what it was given (`/dev/stdin`, `/dev/fd/63`).
pub fn is_fleeting(path: &Path) -> bool {
    is_stream(path) || names_descriptor(path)
}

/// That a path leads to no stream, for formats that are read by position or more than once.
///
/// # Errors
/// It does; `what` says in the plural what is read so.
pub fn check_no_stream(path: &Path, what: &str) -> Result<()> {
    match is_stream(path) {
        false => Ok(()),
        true => Err(Error::format(
            path,
            format!(
                "a pipe, and {what} are read by position or more than once: write it to a file and name that"
            ),
        )),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;
    use std::thread;

    /// A named pipe that gives `bytes` once.
    fn pipe(folder: &Path, bytes: &'static [u8]) -> (PathBuf, thread::JoinHandle<()>) {
        let path = folder.join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let to = path.clone();
        let writer = thread::spawn(move || std::fs::write(to, bytes).unwrap());
        (path, writer)
    }

    fn all(mut lines: Lines) -> Vec<String> {
        let (mut all, mut line) = (Vec::new(), String::new());
        while lines.read(&mut line).unwrap() {
            all.push(line.clone());
        }
        all
    }

    #[test]
    fn a_pipe_is_read_once_and_gives_the_same_by_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let (path, writer) = pipe(folder.path(), b"a\nb\n");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let sources = Sources::new();
        assert!(is_stream(&path) && is_fleeting(&link) && is_there(&path));
        assert_eq!(sources.sha256(&path).unwrap(), sha256(b"a\nb\n"));
        assert_eq!(all(sources.lines(&link).unwrap()), ["a", "b"]);
        assert_eq!(all(sources.lines(&path).unwrap()), ["a", "b"]);
        assert_eq!(all(sources.into_lines(&path).unwrap()), ["a", "b"]);
        writer.join().unwrap();
    }

    #[test]
    fn the_last_input_is_read_as_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, writer) = pipe(folder.path(), b"a\n");
        assert_eq!(all(Sources::new().into_lines(&path).unwrap()), ["a"]);
        writer.join().unwrap();
    }

    #[test]
    fn a_file_is_opened_anew_and_a_folder_is_no_input() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "a\n").unwrap();
        let sources = Sources::new();
        for _ in 0..2 {
            assert_eq!(all(sources.lines(&path).unwrap()), ["a"]);
            assert_eq!(sources.sha256(&path).unwrap(), sha256(b"a\n"));
        }
        assert!(!is_stream(&path) && !is_fleeting(&path) && is_there(&path));
        assert!(check_no_stream(&path, "genomes").is_ok());
        assert!(!is_there(folder.path()) && sources.lines(folder.path()).is_err());
        assert!(!is_there(&folder.path().join("none")));
    }

    #[test]
    fn names_of_descriptors_are_fleeting_whatever_they_lead_to() {
        for name in [
            "-",
            "/dev/stdin",
            "/dev/fd/63",
            "/proc/self/fd/0",
            "/proc/7/fd/3",
        ] {
            assert!(is_fleeting(Path::new(name)), "{name}");
        }
    }
}
