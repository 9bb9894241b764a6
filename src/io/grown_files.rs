//! Files of a run that grow step by step, so that memory does not grow with the results and a run that was stopped goes on.

use super::atomic::{TemporaryFolder, write_atomic};
use super::held::hold;
use super::seen::Seen;
use super::text::excerpt;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Write};
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
    /// By file, what belongs to them.
    files: BTreeMap<String, Seen>,
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
    /// Those that were opened, with all that was added.
    files: BTreeMap<String, (File, Seen)>,
}

impl GrownFiles {
    /// Looks at what is in a folder's place, changing nothing: whether a run was stopped there.
    ///
    /// # Errors
    /// Another run writes into it; a file, or a folder that holds something else.
    pub fn stopped(folder: &Path) -> Result<bool> {
        if !folder.try_exists().map_err(|e| Error::io(folder, e))? {
            return Ok(false);
        }
        let other = |what| {
            Err(Error::invalid(format!(
                "{}: {what}, and the run keeps there what it computes: move it, or choose another output",
                folder.display()
            )))
        };
        if !folder.is_dir() {
            return other("a file");
        }
        let _held = hold(folder)?;
        if folder.join(STATE).is_file() {
            return Ok(true);
        }
        let mut entries = std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))?;
        match entries.next() {
            None => Ok(false),
            Some(_) => other("a folder with other files"),
        }
    }

    /// Opens a folder for a run of this fingerprint: an empty one, which is made, or that of a run that was stopped. `others`
    /// ends the message of a folder that is another run's: what is different and what to do.
    ///
    /// # Errors
    /// Those of [`GrownFiles::stopped`]; a folder of another fingerprint, or that has lost what it had; what the operating
    /// system says.
    pub fn open(folder: &Path, fingerprint: &str, others: &str) -> Result<GrownFiles> {
        let stopped = GrownFiles::stopped(folder)?;
        let place = Place::Held {
            folder: folder.to_path_buf(),
            _lock: hold(folder)?,
        };
        let mut new = GrownFiles {
            place,
            state: State {
                fingerprint: fingerprint.to_string(),
                ..State::default()
            },
            files: BTreeMap::new(),
        };
        if stopped {
            let path = new.path(STATE);
            let text = std::fs::read(&path).map_err(|e| Error::io(&path, e))?;
            new.state = serde_json::from_slice(&text).map_err(|e| damaged(&path, e))?;
            if new.state.fingerprint != fingerprint {
                return Err(Error::invalid(format!("{}: {others}", path.display())));
            }
            for (name, &kept) in &new.state.files {
                if Path::new(name).file_name() != Some(name.as_ref()) {
                    return Err(damaged(
                        &path,
                        format!("{} is no file's name", excerpt(name)),
                    ));
                }
                new.files
                    .insert(name.clone(), reopened(&new.path(name), kept)?);
            }
        }
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
        let (file, all) = match self.files.entry(name.to_string()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                // What a run that was stopped before its first step has left.
                let mut options = OpenOptions::new();
                let options = options.read(true).write(true).create(true).truncate(true);
                let file = options.open(&path).map_err(failed)?;
                entry.insert((file, Seen::default()))
            }
        };
        file.write_all(bytes).map_err(failed)?;
        all.add(bytes);
        Ok(())
    }

    /// All that was added so far belongs to this many steps. [`GrownFiles::keep`] puts it on the disk.
    pub fn whole(&mut self, done: u64) {
        self.state.done = done;
        for (name, (_, all)) in &self.files {
            self.state.files.insert(name.clone(), *all);
        }
    }

    /// Makes sure that a later run can go on from the last whole step.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn keep(&self) -> Result<()> {
        for (name, (file, _)) in &self.files {
            let synced = file.sync_data();
            synced.map_err(|e| Error::io(self.path(name), e))?;
        }
        let text = serde_json::to_string_pretty(&self.state).unwrap_or_default();
        write_atomic(self.path(STATE), |w| w.write_all(text.as_bytes()))
    }

    /// Whether whole steps have added to a file.
    pub fn holds(&self, name: &str) -> bool {
        self.state
            .files
            .get(name)
            .is_some_and(|kept| kept.bytes > 0)
    }

    /// What whole steps have added to a file, from its beginning.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read(&self, name: &str) -> Result<Box<dyn Read>> {
        let Some(kept) = self.state.files.get(name) else {
            return Ok(Box::new(std::io::empty()));
        };
        let path = self.path(name);
        let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
        Ok(Box::new(
            BufReader::with_capacity(BUFFER, file).take(kept.bytes),
        ))
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

/// A file of a run that was stopped, cut behind its last whole step.
fn reopened(path: &Path, kept: Seen) -> Result<(File, Seen)> {
    let failed = |e| Error::io(path, e);
    // Of a link what it leads to would be cut; a pipe would be waited for.
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(damaged(path, "not a file")),
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(damaged(path, "not there")),
        Err(e) => return Err(failed(e)),
    }
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let mut file = opened.map_err(failed)?;
    let found = Seen::of(&mut file, kept.bytes).map_err(failed)?;
    if found.bytes < kept.bytes {
        let (found, kept) = (found.bytes, kept.bytes);
        let found = format!("{found} bytes; expected {kept} of the run so far");
        return Err(damaged(path, found));
    }
    if found != kept {
        return Err(damaged(path, "not the bytes that were written"));
    }
    file.set_len(kept.bytes).map_err(failed)?;
    Ok((file, found))
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
        let path = files.path("n");
        std::fs::write(&path, "o").unwrap();
        drop(files);
        let found = error(place.path(), "a");
        assert!(found.contains("1 bytes; expected 3"), "{found}");
        std::fs::write(&path, "onf").unwrap();
        let found = error(place.path(), "a");
        assert!(found.contains("n: damaged (not the bytes"), "{found}");
        std::fs::remove_file(&path).unwrap();
        let found = error(place.path(), "a");
        assert!(found.contains("n: damaged (not there)"), "{found}");
        let text =
            r#"{"fingerprint": "a", "done": 1, "files": {"../n": {"bytes": 0, "crc32c": 0}}}"#;
        std::fs::write(place.path().join(STATE), text).unwrap();
        let found = error(place.path(), "a");
        assert!(found.contains("'../n' is no file's name"), "{found}");
        std::fs::write(place.path().join(STATE), "{").unwrap();
        let found = error(place.path(), "a");
        assert!(found.contains("state.json: damaged (EOF"), "{found}");
    }

    #[test]
    fn what_is_not_a_runs_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("mine"), "x").unwrap();
        let found = error(place.path(), "a");
        assert!(found.contains("a folder with other files"), "{found}");
        let found = error(&place.path().join("mine"), "a");
        assert!(found.contains("mine: a file, and the run keeps"), "{found}");
        assert!(!GrownFiles::stopped(&place.path().join("none")).unwrap());
    }
}
