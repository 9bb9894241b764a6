//! What is computed, added to files in a folder beside the output, block after block, so that memory does not grow with the
//! variants and a run that was stopped goes on.

use crate::io::atomic::{TemporaryFolder, write_atomic};
use crate::io::sources::is_fleeting;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const STATE: &str = "state.json";

/// How far a run has come.
#[derive(Serialize, Deserialize, Clone, Default, Debug)]
#[serde(deny_unknown_fields)]
struct State {
    fingerprint: String,
    /// Lines of the VCF file that are whole.
    done: u64,
    /// By file, how many bytes belong to them.
    bytes: BTreeMap<String, u64>,
}

/// Where the files are.
enum Place {
    /// `OUT.partial`, which stays when a run is stopped.
    Beside(PathBuf),
    /// Of an output that has no folder to go on from: a device or a pipe.
    Temporary(TemporaryFolder),
}

/// Files that grow.
pub struct Parts {
    place: Place,
    /// As it is on the disk after [`Parts::keep`]: with the last whole block.
    state: State,
    files: BTreeMap<String, (File, u64)>,
}

fn beside(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_os_string();
    name.push(".partial");
    PathBuf::from(name)
}

impl Parts {
    /// Looks at what is beside an output, changing nothing.
    ///
    /// # Errors
    /// Without `resume` an unfinished run; with it an output that is a device or a pipe.
    pub fn check(out: &Path, resume: bool) -> Result<()> {
        let folder = beside(out);
        match resume {
            true if is_fleeting(out) => Err(Error::usage(format!(
                "--resume with --out {}: a stream, of which no run can go on; expected a file",
                out.display()
            ))),
            false if !is_fleeting(out) && folder.exists() => Err(Error::invalid(format!(
                "{}: a run that was not finished; --resume goes on with it, or remove the folder",
                folder.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Opens the folder for a run of this fingerprint: a new one, or with `resume` that of a run that was stopped, if there
    /// is one.
    ///
    /// # Errors
    /// Those of [`Parts::check`]; what is there is of another run, or damaged; what the operating system says.
    pub fn open(out: &Path, fingerprint: &str, resume: bool) -> Result<Parts> {
        Self::check(out, resume)?;
        let new = State {
            fingerprint: fingerprint.to_string(),
            ..State::default()
        };
        let place = match is_fleeting(out) {
            true => Place::Temporary(TemporaryFolder::make()?),
            false => Place::Beside(beside(out)),
        };
        let mut parts = Parts {
            place,
            state: new,
            files: BTreeMap::new(),
        };
        let path = parts.path(STATE);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let state: State = serde_json::from_str(&text).map_err(|e| {
                    Error::format(&path, format!("not a state of this program ({e})"))
                })?;
                if state.fingerprint != fingerprint {
                    return Err(Error::invalid(format!(
                        "{}: of another model, other variants or other flags than this run's: repeat the command as it was, or remove the folder",
                        path.display()
                    )));
                }
                parts.state = state;
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let folder = parts.folder();
                std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
                parts.keep()?;
            }
            Err(e) => return Err(Error::io(&path, e)),
        }
        Ok(parts)
    }

    /// The folder, for messages.
    pub fn folder(&self) -> &Path {
        match &self.place {
            Place::Beside(folder) => folder,
            Place::Temporary(folder) => folder.path(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Lines that are whole.
    pub fn done(&self) -> u64 {
        self.state.done
    }

    /// Adds to a file.
    ///
    /// # Errors
    /// What the operating system says; a file that has lost what it had.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        let failed = |e| Error::io(&path, e);
        if !self.files.contains_key(name) {
            let kept = self.state.bytes.get(name).copied().unwrap_or(0);
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false);
            let mut file = options.open(&path).map_err(failed)?;
            let found = file.metadata().map_err(failed)?.len();
            if found < kept {
                return Err(Error::format(
                    &path,
                    format!(
                        "{found} bytes; expected {kept} of the run so far: remove the folder and begin anew"
                    ),
                ));
            }
            // What came after the last whole block.
            file.set_len(kept).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
            self.files.insert(name.to_string(), (file, kept));
        }
        if let Some((file, size)) = self.files.get_mut(name) {
            file.write_all(bytes).map_err(failed)?;
            *size += bytes.len() as u64;
        }
        Ok(())
    }

    /// All that was added so far belongs to this many lines. [`Parts::keep`] puts it on the disk.
    pub fn whole(&mut self, done: u64) {
        self.state.done = done;
        for (name, (_, size)) in &self.files {
            self.state.bytes.insert(name.clone(), *size);
        }
    }

    /// Makes sure that a later run can go on from the last whole block.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn keep(&self) -> Result<()> {
        for (name, (file, _)) in &self.files {
            file.sync_data()
                .map_err(|e| Error::io(self.path(name), e))?;
        }
        let text = serde_json::to_string_pretty(&self.state).unwrap_or_default();
        write_atomic(self.path(STATE), |w| w.write_all(text.as_bytes()))
    }

    /// What belongs to whole blocks of a file, from its beginning; nothing where none was added.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read(&self, name: &str) -> Result<Box<dyn Read>> {
        let Some(&bytes) = self.state.bytes.get(name) else {
            return Ok(Box::new(std::io::empty()));
        };
        let path = self.path(name);
        let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
        Ok(Box::new(
            BufReader::with_capacity(1 << 16, file).take(bytes),
        ))
    }

    /// Removes the folder.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn remove(self) -> Result<()> {
        match self.place {
            Place::Beside(folder) => {
                std::fs::remove_dir_all(&folder).map_err(|e| Error::io(&folder, e))
            }
            Place::Temporary(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: &Parts, name: &str) -> String {
        let mut text = String::new();
        parts.read(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_run_goes_on_behind_its_last_whole_block() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("x.tsv");
        let mut parts = Parts::open(&out, "a", false).unwrap();
        parts.add("n", b"one").unwrap();
        parts.whole(3);
        parts.add("n", b"torn").unwrap();
        parts.keep().unwrap();
        assert_eq!(text(&parts, "n"), "one");
        drop(parts);
        let error = Parts::open(&out, "a", false).err().unwrap().to_string();
        assert!(
            error.contains("x.tsv.partial: a run that was not finished; --resume"),
            "{error}"
        );
        let error = Parts::open(&out, "b", true).err().unwrap().to_string();
        assert!(error.contains("of another model"), "{error}");
        let mut parts = Parts::open(&out, "a", true).unwrap();
        assert_eq!(parts.done(), 3);
        parts.add("n", b"two").unwrap();
        parts.whole(4);
        assert_eq!(
            (text(&parts, "n"), text(&parts, "m")),
            ("onetwo".into(), String::new())
        );
        parts.remove().unwrap();
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        let parts = Parts::open(&out, "c", true).unwrap();
        assert_eq!(parts.done(), 0);
    }

    #[test]
    fn a_file_that_lost_bytes_is_told() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("x.tsv");
        let mut parts = Parts::open(&out, "a", false).unwrap();
        parts.add("n", b"one").unwrap();
        parts.whole(1);
        parts.keep().unwrap();
        std::fs::write(parts.path("n"), "o").unwrap();
        drop(parts);
        let mut parts = Parts::open(&out, "a", true).unwrap();
        let error = parts.add("n", b"two").unwrap_err().to_string();
        assert!(error.contains("1 bytes; expected 3"), "{error}");
    }
}
