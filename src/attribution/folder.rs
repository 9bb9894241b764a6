//! A run's folder: what is computed is added to files in OUT/partial, sequence after sequence, so that memory does not grow with the
//! sequences and a run that was stopped goes on.

use crate::io::atomic::write_atomic;
use crate::io::whole_folder::check_free;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What a finished folder holds beside its results: what it was made of.
pub const RECORD: &str = "explain.json";
const PARTIAL: &str = "partial";
const STATE: &str = "state.json";

/// How far a run has come.
#[derive(Serialize, Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
struct State {
    fingerprint: String,
    /// Sequences that are whole.
    done: usize,
    /// By file, how many bytes belong to them.
    bytes: BTreeMap<String, u64>,
}

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

/// A file of a run that cannot be gone on with.
fn damaged(path: &Path, found: &str) -> Error {
    Error::format(
        path,
        format!("{found}: the run cannot go on; begin anew in another folder"),
    )
}

/// Files that grow.
pub struct Parts {
    out: PathBuf,
    folder: PathBuf,
    state: State,
    files: BTreeMap<String, File>,
}

impl Parts {
    /// Looks at a folder, changing nothing.
    ///
    /// # Errors
    /// It holds files, or another run's; without `resume` also an unfinished run.
    pub fn check(out: &Path, resume: bool) -> Result<()> {
        let other = |what: &str, todo: &str| {
            Err(Error::invalid(format!(
                "--out {}: {what}; nothing was changed: {todo}",
                out.display()
            )))
        };
        let (partial, record) = (out.join(PARTIAL).is_dir(), out.join(RECORD).is_file());
        match (resume, partial, record) {
            (false, true, _) => other(
                "an explanation that was not finished",
                "--resume goes on with it, or choose another folder",
            ),
            (false, false, true) => other("an explanation is there", "choose another folder"),
            (true, true, _) | (true, _, true) => Ok(()),
            (_, false, false) => check_free("--out", out),
        }
    }

    /// Opens the folder for a run of this fingerprint.
    ///
    /// # Errors
    /// Those of [`Parts::check`]; what is there is of another run, or damaged; what the operating system says.
    pub fn open(out: &Path, fingerprint: &str, resume: bool) -> Result<Begun> {
        Self::check(out, resume)?;
        let folder = out.join(PARTIAL);
        let differs = |path: &Path| {
            Error::invalid(format!(
                "{}: of another model, other sequences or other flags than this run's: repeat the command as it was, or choose another --out",
                path.display()
            ))
        };
        let record = out.join(RECORD);
        if record.is_file() {
            let text = std::fs::read_to_string(&record).map_err(|e| Error::io(&record, e))?;
            let found: Record =
                serde_json::from_str(&text).map_err(|e| damaged(&record, &e.to_string()))?;
            if found.fingerprint != fingerprint {
                return Err(differs(&record));
            }
            // The record is written last: what may be left of the parts is of no use.
            return match std::fs::remove_dir_all(&folder) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&folder, e)),
                _ => Ok(Begun::Finished),
            };
        }
        let path = folder.join(STATE);
        let state: State = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| damaged(&path, &e.to_string()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => State {
                fingerprint: fingerprint.to_string(),
                ..State::default()
            },
            Err(e) => return Err(Error::io(&path, e)),
        };
        if state.fingerprint != fingerprint {
            return Err(differs(&path));
        }
        for (name, &kept) in &state.bytes {
            let part = folder.join(name);
            let found = std::fs::metadata(&part).map_or(0, |found| found.len());
            if found < kept {
                let found = format!("{found} bytes; expected {kept} of the run so far");
                return Err(damaged(&part, &found));
            }
        }
        std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        let parts = Parts {
            out: out.to_path_buf(),
            folder,
            state,
            files: BTreeMap::new(),
        };
        parts.write_state()?;
        Ok(Begun::Open(parts))
    }

    pub fn out(&self) -> &Path {
        &self.out
    }

    /// Sequences that are whole.
    pub fn done(&self) -> usize {
        self.state.done
    }

    /// Adds to a file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let failed = |e| Error::io(&path, e);
        let kept = self.state.bytes.entry(name.to_string()).or_insert(0);
        let file = match self.files.entry(name.to_string()) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let mut options = OpenOptions::new();
                let options = options.read(true).write(true).create(true).truncate(false);
                let mut file = options.open(&path).map_err(failed)?;
                // What came after the last whole sequence.
                file.set_len(*kept).map_err(failed)?;
                file.seek(SeekFrom::End(0)).map_err(failed)?;
                entry.insert(file)
            }
        };
        file.write_all(bytes).map_err(failed)?;
        *kept += bytes.len() as u64;
        Ok(())
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
        for (name, file) in &self.files {
            file.sync_data()
                .map_err(|e| Error::io(self.folder.join(name), e))?;
        }
        self.state.done = done;
        self.write_state()
    }

    fn write_state(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.state).unwrap_or_default();
        write_atomic(self.folder.join(STATE), |w| w.write_all(text.as_bytes()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What a file holds, from its beginning; nothing where none was added.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read(&self, name: &str) -> Result<Box<dyn Read>> {
        match self.state.bytes.get(name) {
            None => Ok(Box::new(std::io::empty())),
            Some(&bytes) => {
                let path = self.path(name);
                let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
                Ok(Box::new(BufReader::new(file).take(bytes)))
            }
        }
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
        self.state.bytes.get(name).is_some_and(|&bytes| bytes > 0)
    }

    /// A file of f64, from its beginning.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn doubles(&self, name: &str) -> Result<Doubles> {
        Ok(Doubles {
            path: self.path(name),
            from: self.read(name)?,
        })
    }

    /// A file of rows of so many numbers, to be read in any order.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn rows(&self, name: &str, width: usize) -> Result<Rows> {
        let path = self.path(name);
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
        std::fs::remove_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, e))
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
