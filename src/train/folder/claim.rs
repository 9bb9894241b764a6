//! Who may write into a model folder: it is made, locked, and never written over by chance.

use super::config::{Config, Described, Found, found, other_kind};
use super::state::State;
use super::weights::Number;
use super::{BEST, ENSEMBLE, FILES, HISTORY, LAST, STATE, numbered};
use crate::engine::Layout;
use crate::io::atomic::remove_leftovers;
use crate::io::held::hold;
use crate::io::history;
use crate::numbers::counted;
use crate::train::model::Kind;
use crate::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// How a run enters its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The folder must not exist.
    Absent,
    /// The folder may exist, but not hold a model.
    Free,
    /// A model of the same kind is replaced.
    Overwrite,
    /// A run that is there goes on.
    Resume,
}

/// A folder that a run wants.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub folder: &'a Path,
    /// The flag that names it, for messages.
    pub flag: &'static str,
    pub entry: Entry,
    pub kind: &'static Kind,
    /// All kinds, to name another one.
    pub known: &'a [&'static Kind],
}

impl Claim<'_> {
    /// Whether the run may write into the folder; looks and changes nothing, so that a run whose inputs turn out to be
    /// wrong has made no folder and removed no model.
    ///
    /// # Errors
    /// The folder holds a model that is not to be touched, a run with other settings, a model without the state to go on
    /// from, or files of a model folder's names that this program did not write.
    pub fn check<D: Described>(&self, config: &Config<D>) -> Result<()> {
        let (folder, kind) = (self.folder, self.kind);
        let shown = folder.display();
        if !folder.exists() {
            return Ok(());
        }
        if !folder.is_dir() {
            return Err(Error::invalid(format!(
                "{shown} is a file; expected a folder"
            )));
        }
        if folder.join(ENSEMBLE).is_file() {
            return Err(Error::invalid(format!(
                "{shown} holds an ensemble ({ENSEMBLE}): choose another {}",
                self.flag
            )));
        }
        if self.entry == Entry::Resume
            && let Found::Foreign = found(folder, self.known)?
        {
            // Says what is wrong with the file.
            Config::<D>::read(folder, kind, self.known)?;
        }
        self.check_owner()?;
        let (flag, again) = (self.flag, kind.again);
        if self.entry == Entry::Absent {
            return Err(Error::invalid(format!(
                "{shown} exists: choose another {flag}, {again}"
            )));
        }
        if self.entry == Entry::Free && self.holds_numbers()? {
            return Err(Error::invalid(format!(
                "{shown} holds a model already: choose another {flag}, {again}"
            )));
        }
        if self.entry != Entry::Resume {
            return Ok(());
        }
        // Also where no epoch was finished: what is there may be another model, without a state.
        if let Found::Model(_) = found(folder, self.known)? {
            Config::read(folder, kind, self.known)?.check_resumable(config, kind, folder)?;
        }
        // A state is the last thing that an epoch writes: a run that was killed in its first epoch has a line at most.
        for part in self.parts()? {
            let epochs = history::epochs(&part.join(HISTORY))?;
            if epochs > 1 && !part.join(STATE).exists() {
                return Err(Error::invalid(format!(
                    "--resume: {} has a model of {} but no {STATE} to go on from; nothing was changed: choose another {flag}, {}",
                    part.display(),
                    counted(epochs, "epoch"),
                    kind.restart
                )));
            }
        }
        Ok(())
    }

    /// That files of our names there, and in the folders of a path's models, are ours.
    fn check_owner(&self) -> Result<()> {
        self.parts()?.iter().try_for_each(|part| self.owns(part))
    }

    fn owns(&self, folder: &Path) -> Result<()> {
        let kind = self.kind;
        match found(folder, self.known)? {
            Found::Model(name) if name == kind.name => return Ok(()),
            Found::Model(name) => return Err(other_kind(folder, kind, &name, self.known)),
            Found::Nothing | Found::Foreign => {}
        }
        // Of any kind: a cell line's folder has lists of the same names as a model of another kind.
        let of_kinds = self.known.iter().flat_map(|kind| kind.files);
        let names = FILES.iter().chain(of_kinds).map(|name| folder.join(name));
        let mut files = names.chain(numbered(folder)?);
        match files.find(|file| file.exists()) {
            None => Ok(()),
            Some(file) => Err(Error::invalid(format!(
                "{} has a name of a model folder's files, but this program made no model there; nothing was changed: choose another {}",
                file.display(),
                self.flag
            ))),
        }
    }

    /// The folder, and those of the models of a path in it.
    fn parts(&self) -> Result<Vec<PathBuf>> {
        let mut parts = vec![self.folder.to_path_buf()];
        let Some(begin) = self.kind.parts.filter(|_| self.folder.is_dir()) else {
            return Ok(parts);
        };
        for entry in std::fs::read_dir(self.folder).map_err(|e| Error::io(self.folder, e))? {
            let path = entry.map_err(|e| Error::io(self.folder, e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let number = name.strip_prefix(begin).map(str::parse::<u64>);
            if matches!(number, Some(Ok(_))) && path.is_dir() {
                parts.push(path);
            }
        }
        Ok(parts)
    }

    /// A run that failed before it had numbers to keep may start again.
    fn holds_numbers(&self) -> Result<bool> {
        let holds = |part: &PathBuf| [LAST, BEST, STATE].iter().any(|f| part.join(f).exists());
        Ok(self.parts()?.iter().any(holds))
    }

    /// What to say of a run that is to go on and has nothing to go on from.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn starts_anew(&self) -> Result<Option<String>> {
        let shown = self.folder.display();
        let state = |part: &PathBuf| part.join(STATE).exists();
        Ok(
            if self.entry != Entry::Resume || self.parts()?.iter().any(state) {
                None
            } else if self.folder.exists() {
                Some(format!(
                    "note: --resume: {shown} holds no {STATE}: starting with the first epoch"
                ))
            } else {
                Some(format!(
                    "note: --resume: {shown} does not exist: starting with the first epoch"
                ))
            },
        )
    }

    /// Makes the folder, or takes the one that is there (what an earlier run wrote is removed, unless this one goes on
    /// with it), and holds it against a second run until the file is dropped. A run that goes on keeps what is known of its
    /// inputs ([`Config::keep_paths`]).
    ///
    /// # Errors
    /// Those of [`Claim::check`]; a state that cannot be gone on from; another run writes into the folder.
    pub fn take<T: Number, D: Described>(
        &self,
        config: &mut Config<D>,
        layout: &Layout,
    ) -> Result<File> {
        self.check(config)?;
        let lock = hold(self.folder)?;
        // Again, now that no other run can change it.
        let entry = match self.entry {
            Entry::Absent => Entry::Free,
            other => other,
        };
        Claim { entry, ..*self }.check(config)?;
        let goes_on = self.entry == Entry::Resume && self.starts_anew()?.is_none();
        if goes_on {
            // Before anything is written: a run that is refused changes nothing.
            for part in self.parts()? {
                State::<T>::read(&part, layout)?;
            }
            if let Found::Model(_) = found(self.folder, self.known)? {
                config.keep_paths(&Config::read(self.folder, self.kind, self.known)?);
            }
        } else {
            // config.json last: it is what makes the other files ours.
            for name in self.kind.files.iter().chain(&FILES) {
                let file = self.folder.join(name);
                if file.exists() {
                    std::fs::remove_file(&file).map_err(|e| Error::io(&file, e))?;
                }
            }
        }
        remove_leftovers(self.folder)?;
        Ok(lock)
    }

    /// Whether a model can be put there by a command that trains nothing.
    ///
    /// # Errors
    /// The folder holds a model, or files of a model folder's names.
    pub fn check_free(&self) -> Result<()> {
        let model = matches!(found(self.folder, self.known)?, Found::Model(_));
        if model || self.holds_numbers()? {
            return Err(Error::invalid(format!(
                "{} holds a model already: choose another {}",
                self.folder.display(),
                self.flag
            )));
        }
        self.check_owner()
    }
}
