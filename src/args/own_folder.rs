//! A folder of results that a command may write over later: it leaves a list of its files there, and replaces no others.

use crate::io::atomic::write_atomic;
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The list's name.
pub const LIST: &str = "written_by_cisgrad.txt";

/// A folder and the files that a command is going to write there.
pub struct OwnFolder {
    folder: PathBuf,
    names: BTreeSet<String>,
}

impl OwnFolder {
    /// Looks at the folder and changes nothing.
    ///
    /// # Errors
    /// A file that would be replaced and is not in the list of an earlier run; something else in a folder's place.
    pub fn check(
        flag: &str,
        folder: &Path,
        names: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let own = OwnFolder {
            folder: folder.to_path_buf(),
            names: names.into_iter().collect(),
        };
        if folder.exists() && !folder.is_dir() {
            return Err(Error::invalid(format!(
                "{flag} {}: a file; expected a folder",
                folder.display()
            )));
        }
        let listed = own.listed()?;
        let strange = |name: &&String| folder.join(name).exists() && !listed.contains(*name);
        if let Some(name) = own.names.iter().find(strange) {
            return Err(Error::invalid(format!(
                "{}: this file is there and no run of this command wrote it; it is not replaced: choose another {flag}, or move it away",
                folder.join(name).display()
            )));
        }
        Ok(own)
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The files with their paths.
    pub fn files(&self) -> Vec<PathBuf> {
        self.names
            .iter()
            .map(|name| self.folder.join(name))
            .collect()
    }

    /// Makes the folder, removes what an earlier run left and this one does not write, and writes the list.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn begin(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, e))?;
        for name in self.listed()?.difference(&self.names) {
            let path = self.folder.join(name);
            if path.is_file() {
                std::fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
            }
        }
        write_atomic(self.folder.join(LIST), |w| {
            self.names.iter().try_for_each(|name| writeln!(w, "{name}"))
        })
    }

    /// The files that an earlier run has listed; none where there is no list.
    fn listed(&self) -> Result<BTreeSet<String>> {
        let path = self.folder.join(LIST);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(e) => return Err(Error::io(&path, e)),
        };
        // A list cannot name what lies outside its folder.
        let inside = |name: &&str| {
            let mut parts = Path::new(name).components();
            !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        Ok(text.lines().filter(inside).map(str::to_string).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_string).collect()
    }

    #[test]
    fn its_own_files_are_replaced_and_others_are_not() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("motifs");
        let write = |name: &str| std::fs::write(folder.join(name), name).unwrap();
        let first = OwnFolder::check("-oc", &folder, names("a.svg b.svg")).unwrap();
        first.begin().unwrap();
        ["a.svg", "b.svg", "mine.txt"].into_iter().for_each(write);
        let second = OwnFolder::check("-oc", &folder, names("b.svg c.svg")).unwrap();
        assert!(folder.join("a.svg").exists(), "it has only looked");
        second.begin().unwrap();
        assert!(!folder.join("a.svg").exists() && folder.join("mine.txt").exists());
        let strange = OwnFolder::check("-oc", &folder, names("mine.txt"));
        let message = strange.err().unwrap().to_string();
        assert!(
            message.contains("mine.txt") && message.contains("-oc"),
            "{message}"
        );
    }

    #[test]
    fn a_list_removes_nothing_outside_its_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("motifs");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(temporary.path().join("precious"), "").unwrap();
        let absolute = temporary.path().join("precious");
        let list = format!("../precious\n{}\n", absolute.display());
        std::fs::write(folder.join(LIST), list).unwrap();
        let own = OwnFolder::check("--keep", &folder, names("a")).unwrap();
        own.begin().unwrap();
        assert!(absolute.exists());
    }
}
