//! Files of a run that grow step by step, so that memory does not grow with the results and a run that was stopped goes on.

use super::atomic::{TemporaryFolder, write_atomic};
use super::held::hold;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How far the run has come; the last file that is made.
const STATE: &str = "state.json";
const BUFFER: usize = 1 << 16;

#[derive(Serialize, Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
struct State {
    fingerprint: String,
    /// Steps that are whole: lines, sequences.
    done: u64,
    /// By file, how many bytes belong to them.
    bytes: BTreeMap<String, u64>,
}

/// Where the files are.
enum Place {
    /// A folder that stays when a run is stopped, held against other runs.
    Held { folder: PathBuf, _lock: File },
    /// One that goes in any case.
    Temporary(TemporaryFolder),
}

impl Place {
    fn folder(&self) -> &Path {
        match self {
            Place::Held { folder, .. } => folder,
            Place::Temporary(folder) => folder.path(),
        }
    }
}

/// Files that grow, in a folder of their own.
pub struct GrownFiles {
    place: Place,
    /// With the last whole step.
    state: State,
    /// Those that were added to, with their sizes.
    files: BTreeMap<String, (File, u64)>,
}

impl GrownFiles {
    /// Opens a folder for a run of this fingerprint: an empty one, which is made, or that of a run that was stopped. `others`
    /// ends the message of a folder that is another run's: what is different and what to do.
    ///
    /// # Errors
    /// A folder that another run writes into, is of another fingerprint, or has lost what it had; what the operating system
    /// says.
    pub fn open(folder: &Path, fingerprint: &str, others: &str) -> Result<GrownFiles> {
        let place = Place::Held {
            folder: folder.to_path_buf(),
            _lock: hold(folder)?,
        };
        let path = folder.join(STATE);
        let state = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str::<State>(&text).map_err(|e| damaged(&path, e))?,
            Err(e) if e.kind() == ErrorKind::NotFound => State {
                fingerprint: fingerprint.to_string(),
                ..State::default()
            },
            Err(e) => return Err(Error::io(&path, e)),
        };
        if state.fingerprint != fingerprint {
            return Err(Error::invalid(format!("{}: {others}", path.display())));
        }
        for (name, &kept) in &state.bytes {
            let part = folder.join(name);
            let found = std::fs::metadata(&part).map_or(0, |found| found.len());
            if found < kept {
                let found = format!("{found} bytes; expected {kept} of the run so far");
                return Err(damaged(&part, found));
            }
        }
        let new = GrownFiles {
            place,
            state,
            files: BTreeMap::new(),
        };
        new.keep()?;
        Ok(new)
    }

    /// In a folder that is removed at the end in any case, for a run that no other one can go on with.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn temporary() -> Result<GrownFiles> {
        Ok(GrownFiles {
            place: Place::Temporary(TemporaryFolder::make()?),
            state: State::default(),
            files: BTreeMap::new(),
        })
    }

    /// The folder, for messages.
    pub fn folder(&self) -> &Path {
        self.place.folder()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Steps that are whole.
    pub fn done(&self) -> u64 {
        self.state.done
    }

    /// Adds to a file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        let failed = |e| Error::io(&path, e);
        let (file, size) = match self.files.entry(name.to_string()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let kept = self.state.bytes.get(name).copied().unwrap_or(0);
                let mut options = OpenOptions::new();
                let options = options.read(true).write(true).create(true).truncate(false);
                let mut file = options.open(&path).map_err(failed)?;
                // What came after the last whole step.
                file.set_len(kept).map_err(failed)?;
                file.seek(SeekFrom::End(0)).map_err(failed)?;
                entry.insert((file, kept))
            }
        };
        file.write_all(bytes).map_err(failed)?;
        *size += bytes.len() as u64;
        Ok(())
    }

    /// All that was added so far belongs to this many steps. [`GrownFiles::keep`] puts it on the disk.
    pub fn whole(&mut self, done: u64) {
        self.state.done = done;
        for (name, (_, size)) in &self.files {
            self.state.bytes.insert(name.clone(), *size);
        }
    }

    /// Makes sure that a later run can go on from the last whole step.
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

    /// Whether whole steps have added to a file.
    pub fn holds(&self, name: &str) -> bool {
        self.state.bytes.get(name).is_some_and(|&bytes| bytes > 0)
    }

    /// What whole steps have added to a file, from its beginning.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read(&self, name: &str) -> Result<Box<dyn Read>> {
        let Some(&bytes) = self.state.bytes.get(name) else {
            return Ok(Box::new(std::io::empty()));
        };
        let path = self.path(name);
        let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
        Ok(Box::new(BufReader::with_capacity(BUFFER, file).take(bytes)))
    }

    /// Removes the folder.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn remove(self) -> Result<()> {
        match self.place {
            Place::Held { folder, .. } => {
                std::fs::remove_dir_all(&folder).map_err(|e| Error::io(&folder, e))
            }
            Place::Temporary(_) => Ok(()),
        }
    }
}

/// A file of a run that cannot be gone on with.
fn damaged(path: &Path, found: impl std::fmt::Display) -> Error {
    Error::format(
        path,
        format!("damaged ({found}): the run cannot go on; remove the folder and begin anew"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(files: &GrownFiles, name: &str) -> String {
        let mut text = String::new();
        files.read(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn error(folder: &Path, fingerprint: &str) -> String {
        let opened = GrownFiles::open(folder, fingerprint, "of another run: repeat the first");
        opened.err().unwrap().to_string()
    }

    #[test]
    fn a_run_goes_on_behind_its_last_whole_step() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("x.partial");
        let open = || GrownFiles::open(&folder, "a", "").unwrap();
        let mut files = open();
        files.add("n", b"one").unwrap();
        files.whole(3);
        files.add("n", b"torn").unwrap();
        files.keep().unwrap();
        assert_eq!(text(&files, "n"), "one");
        assert!(error(&folder, "a").contains("x.partial: another run writes into this folder"));
        drop(files);
        let found = error(&folder, "b");
        assert!(
            found.ends_with("state.json: of another run: repeat the first"),
            "{found}"
        );
        let mut files = open();
        assert_eq!(files.done(), 3);
        files.add("n", b"two").unwrap();
        files.whole(4);
        assert_eq!(text(&files, "n"), "onetwo");
        assert_eq!(text(&files, "m"), "");
        assert!(files.holds("n") && !files.holds("m"));
        files.remove().unwrap();
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        assert_eq!(open().done(), 0);
    }

    #[test]
    fn what_was_lost_is_told_before_anything_is_added() {
        let place = tempfile::tempdir().unwrap();
        let mut files = GrownFiles::open(place.path(), "a", "").unwrap();
        files.add("n", b"one").unwrap();
        files.whole(1);
        files.keep().unwrap();
        std::fs::write(files.path("n"), "o").unwrap();
        drop(files);
        let found = error(place.path(), "a");
        assert!(found.contains("1 bytes; expected 3"), "{found}");
        std::fs::write(place.path().join(STATE), "{").unwrap();
        let found = error(place.path(), "a");
        assert!(found.contains("state.json: damaged (EOF"), "{found}");
    }
}
