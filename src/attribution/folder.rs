//! A run's folder: what is computed is added to files in OUT/partial, sequence after sequence, so that memory does not grow with the
//! sequences and a run that was stopped goes on.

use crate::io::atomic::write_atomic;
use crate::io::grown_files::GrownFiles;
use crate::io::whole_folder::check_free;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What a finished folder holds beside its results: what it was made of.
pub const RECORD: &str = "explain.json";
const PARTIAL: &str = "partial";
/// Ends the message of a folder of another run.
const OTHERS: &str = "of another model, other sequences or other flags than this run's: repeat the command as it was, or choose another --out";

/// What was made, as [`RECORD`] keeps it.
#[derive(Serialize, Deserialize, Debug)]
pub struct Record {
    pub version: String,
    pub fingerprint: String,
    pub model: String,
    pub method: String,
    pub outputs: Vec<String>,
    pub sequences: usize,
}

/// What there is in a folder at the start.
pub enum Begun {
    /// A run of this fingerprint has finished there.
    Finished,
    Open(Parts),
}

/// Files that grow.
pub struct Parts {
    out: PathBuf,
    files: GrownFiles,
}

impl Parts {
    /// Looks at a folder, changing nothing.
    ///
    /// # Errors
    /// It holds files, or another run's, or another run writes into it; without `resume` also an unfinished run.
    pub fn check(out: &Path, resume: bool) -> Result<()> {
        let other = |what: &str, todo: &str| {
            Err(Error::invalid(format!(
                "--out {}: {what}; nothing was changed: {todo}",
                out.display()
            )))
        };
        let partial = GrownFiles::stopped(&out.join(PARTIAL))?;
        let record = out.join(RECORD).is_file();
        // Also one that was stopped before it kept anything.
        let begun = out.join(PARTIAL).is_dir()
            && std::fs::read_dir(out).is_ok_and(|entries| entries.count() == 1);
        match (resume, partial, record) {
            (false, true, _) => other(
                "an explanation that was not finished",
                "--resume goes on with it, or choose another folder",
            ),
            (false, false, true) => other("an explanation is there", "choose another folder"),
            (true, ..) if partial || record || begun => Ok(()),
            _ => check_free("--out", out),
        }
    }

    /// Opens the folder for a run of this fingerprint.
    ///
    /// # Errors
    /// Those of [`Parts::check`]; what is there is of another run, or damaged; what the operating system says.
    pub fn open(out: &Path, fingerprint: &str, resume: bool) -> Result<Begun> {
        Self::check(out, resume)?;
        let folder = out.join(PARTIAL);
        let record = out.join(RECORD);
        if record.is_file() {
            let text = std::fs::read_to_string(&record).map_err(|e| Error::io(&record, e))?;
            let found: Record = serde_json::from_str(&text).map_err(|e| {
                Error::format(&record, format!("damaged ({e}): choose another folder"))
            })?;
            if found.fingerprint != fingerprint {
                return Err(Error::invalid(format!("{}: {OTHERS}", record.display())));
            }
            // The record is written last: what may be left of the parts is of no use.
            return match std::fs::remove_dir_all(&folder) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&folder, e)),
                _ => Ok(Begun::Finished),
            };
        }
        Ok(Begun::Open(Parts {
            out: out.to_path_buf(),
            files: GrownFiles::open(&folder, fingerprint, OTHERS)?,
        }))
    }

    pub fn out(&self) -> &Path {
        &self.out
    }

    /// Sequences that are whole.
    pub fn done(&self) -> usize {
        self.files.done() as usize
    }

    /// Adds to a file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.files.add(name, bytes)
    }

    pub fn add_numbers(&mut self, name: &str, numbers: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.add(name, &bytes)
    }

    /// All that was added so far belongs to this many sequences.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn keep(&mut self, done: usize) -> Result<()> {
        self.files.whole(done as u64);
        self.files.keep()
    }

    /// What a file holds, from its beginning; nothing where none was added.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read(&self, name: &str) -> Result<Box<dyn Read>> {
        self.files.read(name)
    }

    /// Numbers of a file, from its beginning.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn numbers(&self, name: &str) -> Result<Numbers> {
        Ok(Numbers(self.read(name)?))
    }

    /// Whether anything was added to a file.
    pub fn holds(&self, name: &str) -> bool {
        self.files.holds(name)
    }

    /// A file of f64, from its beginning.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn doubles(&self, name: &str) -> Result<Doubles> {
        Ok(Doubles {
            path: self.files.path(name),
            from: self.read(name)?,
        })
    }

    /// A file of rows of so many numbers, to be read in any order.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn rows(&self, name: &str, width: usize) -> Result<Rows> {
        let path = self.files.path(name);
        let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
        Ok(Rows { path, file, width })
    }

    /// Ends the run: the results are in their places, and the parts go.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn finish(self, record: &Record) -> Result<()> {
        let text = serde_json::to_string_pretty(record).unwrap_or_default();
        write_atomic(self.out.join(RECORD), |w| {
            w.write_all(text.as_bytes())?;
            w.write_all(b"\n")
        })?;
        self.files.remove()
    }
}

/// Numbers of a file, one after the other.
pub struct Numbers(Box<dyn Read>);

impl Iterator for Numbers {
    type Item = std::io::Result<f32>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = [0; 4];
        match self.0.read_exact(&mut bytes) {
            Ok(()) => Some(Ok(f32::from_le_bytes(bytes))),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => None,
            Err(e) => Some(Err(e)),
        }
    }
}

/// Numbers of a file, so many at a time.
pub struct Doubles {
    path: PathBuf,
    from: Box<dyn Read>,
}

impl Doubles {
    /// # Errors
    /// What the operating system says; fewer than that are left.
    pub fn take(&mut self, count: usize) -> Result<Vec<f64>> {
        let mut bytes = vec![0; 8 * count];
        self.from
            .read_exact(&mut bytes)
            .map_err(|e| Error::io(&self.path, e))?;
        let numbers = bytes.chunks_exact(8);
        Ok(numbers
            .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
            .collect())
    }
}

/// Rows of numbers.
pub struct Rows {
    path: PathBuf,
    file: File,
    width: usize,
}

impl Rows {
    /// # Errors
    /// What the operating system says.
    pub fn row(&mut self, at: usize) -> Result<Vec<f32>> {
        let failed = |e| Error::io(&self.path, e);
        let bytes = self.width * 4;
        self.file
            .seek(SeekFrom::Start((at * bytes) as u64))
            .map_err(failed)?;
        let mut found = vec![0; bytes];
        self.file.read_exact(&mut found).map_err(failed)?;
        let numbers = found.chunks_exact(4);
        Ok(numbers
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(out: &Path, fingerprint: &str, resume: bool) -> Result<Parts> {
        match Parts::open(out, fingerprint, resume)? {
            Begun::Open(parts) => Ok(parts),
            Begun::Finished => Err(Error::invalid("finished")),
        }
    }

    #[test]
    fn a_run_goes_on_behind_its_last_whole_sequence() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        let mut parts = open(&out, "a", false).unwrap();
        parts.add_numbers("x", &[1.0, 2.0]).unwrap();
        parts.keep(1).unwrap();
        parts.add_numbers("x", &[3.0]).unwrap();
        drop(parts);
        assert!(open(&out, "a", false).is_err() && open(&out, "b", true).is_err());
        let mut parts = open(&out, "a", true).unwrap();
        assert_eq!(parts.done(), 1);
        parts.add_numbers("x", &[4.0, 5.0]).unwrap();
        parts.keep(2).unwrap();
        let numbers: Vec<f32> = parts.numbers("x").unwrap().map(|x| x.unwrap()).collect();
        assert_eq!(numbers, [1.0, 2.0, 4.0, 5.0]);
        assert_eq!(parts.rows("x", 2).unwrap().row(1).unwrap(), [4.0, 5.0]);
        let record = Record {
            version: "1".into(),
            fingerprint: "a".into(),
            model: "m".into(),
            method: "ism".into(),
            outputs: Vec::new(),
            sequences: 2,
        };
        parts.finish(&record).unwrap();
        assert!(matches!(Parts::open(&out, "a", true), Ok(Begun::Finished)));
        assert!(open(&out, "a", false).is_err() && open(&out, "b", true).is_err());
    }
}
