//! A table that commands add to, a row or a column each: text, packed or plain, to which several runs may add at once.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::atomic::write_atomic;
use super::descriptors::descriptor;
use super::text::read_text;
use crate::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrownTable {
    path: PathBuf,
}

impl GrownTable {
    /// Reads nothing; a pipe would give what is in it to nobody.
    ///
    /// # Errors
    /// What is there is not a file: `flag` names it.
    pub fn at(flag: &str, path: &Path) -> Result<Self> {
        let refused = |what: &str| {
            Err(Error::usage(format!(
                "{flag} {}: {what}; a table to which is added is read first: name a file",
                path.display()
            )))
        };
        match std::fs::metadata(path) {
            _ if descriptor(path).is_some() => refused("a stream that this command was given"),
            Ok(found) if found.is_dir() => refused("a folder"),
            Ok(found) if !found.is_file() => refused("a pipe or a device"),
            _ => Ok(GrownTable {
                path: path.to_path_buf(),
            }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its lines; none where there is no file yet.
    ///
    /// # Errors
    /// No text; what the operating system says.
    pub fn lines(&self) -> Result<Vec<String>> {
        match read_text(&self.path) {
            Ok(text) => Ok(text.lines().map(String::from).collect()),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(Vec::new())
            }
            Err(e) => Err(e),
        }
    }

    /// Writes what `change` makes of the lines that are there now; a second run waits until they are written.
    ///
    /// # Errors
    /// Those of `change` and of [`GrownTable::lines`]; the file cannot be written.
    pub fn change(&self, change: impl FnOnce(Vec<String>) -> Result<Vec<String>>) -> Result<()> {
        let (_lock, new) = self.lock().map_err(|e| Error::io(&self.path, e))?;
        let written = self
            .lines()
            .and_then(change)
            .and_then(|lines| write_atomic(&self.path, |w| writeln!(w, "{}", lines.join("\n"))));
        if written.is_err() && new {
            // What cannot be removed is an empty table, to which can be added.
            let _ = std::fs::remove_file(&self.path);
        }
        written
    }

    /// The file, made where there is none, held against other runs; whether it was made. A run that waited finds another file
    /// under the name, which has taken the place of the one that it has opened, and tries again.
    fn lock(&self) -> io::Result<(File, bool)> {
        loop {
            let (file, new) = match File::open(&self.path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let made = File::options()
                        .create_new(true)
                        .write(true)
                        .open(&self.path);
                    match made {
                        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                        made => (made?, true),
                    }
                }
                opened => (opened?, false),
            };
            match file.lock() {
                // A file system without locks: as good as it gets.
                Err(e) if e.kind() == io::ErrorKind::Unsupported => return Ok((file, new)),
                locked => locked?,
            }
            let there = std::fs::metadata(&self.path);
            if there.is_ok_and(|there| file.metadata().is_ok_and(|own| same(&own, &there))) {
                return Ok((file, new));
            }
        }
    }
}

#[cfg(unix)]
fn same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_lost_where_many_add_at_once_packed_or_plain() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["t.tsv", "t.tsv.gz"] {
            let table = GrownTable::at("--out", &folder.path().join(name)).unwrap();
            assert!(table.lines().unwrap().is_empty());
            std::thread::scope(|scope| {
                for thread in 0..6 {
                    let table = &table;
                    scope.spawn(move || {
                        for line in 0..5 {
                            let added = |mut lines: Vec<String>| {
                                lines.push(format!("{thread} {line}"));
                                Ok(lines)
                            };
                            table.change(added).unwrap();
                        }
                    });
                }
            });
            let mut lines = table.lines().unwrap();
            lines.sort();
            lines.dedup();
            assert_eq!(lines.len(), 30, "{name}: {lines:?}");
        }
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 2, "no lock is left behind");
    }

    #[test]
    fn a_change_that_fails_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.tsv");
        let table = GrownTable::at("--out", &path).unwrap();
        let fails = |_: Vec<String>| Err(Error::invalid("no"));
        assert!(table.change(fails).is_err() && !path.exists());
        std::fs::write(&path, "a\n").unwrap();
        assert!(table.change(fails).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [
            &pipe,
            folder.path(),
            Path::new("/dev/zero"),
            Path::new("/dev/stdout"),
            Path::new("/dev/fd/1"),
        ] {
            let error = GrownTable::at("--stat-out", path).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{error}");
            let message = error.to_string();
            assert!(
                message.contains("--stat-out") && message.ends_with("name a file"),
                "{message}"
            );
        }
    }
}
