//! A folder of results that a command may write over later: it leaves a list of its files there, and replaces no others.

use crate::io::atomic::write_atomic;
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The list's name.
pub const LIST: &str = "written_by_cisgrad.txt";

/// How its first line begins.
const MARK: &str = "# written by: ";

/// A folder and the files that a command is going to write there.
pub struct OwnFolder {
    folder: PathBuf,
    /// `cisgrad demo`: the first line of its list.
    command: &'static str,
    names: BTreeSet<String>,
}

impl OwnFolder {
    /// Looks at the folder and changes nothing.
    ///
    /// # Errors
    /// A file that would be replaced and is not in the list of an earlier run; the list of another command; something else
    /// in a folder's place.
    pub fn check(
        command: &'static str,
        flag: &str,
        folder: &Path,
        names: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let own = OwnFolder {
            folder: folder.to_path_buf(),
            command,
            names: names.into_iter().collect(),
        };
        if folder.exists() && !folder.is_dir() {
            return Err(Error::invalid(format!(
                "{flag} {}: a file; expected a folder",
                folder.display()
            )));
        }
        let (by, listed) = own.listed()?;
        if let Some(by) = by.filter(|by| by != command) {
            return Err(Error::invalid(format!(
                "{}: this folder holds files that `{by}` wrote; nothing was changed: choose another {flag}",
                folder.display()
            )));
        }
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

    /// The files that will be written, and those of an earlier run that will be removed.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub fn touched(&self) -> Result<Vec<PathBuf>> {
        let (_, listed) = self.listed()?;
        let names = self.names.union(&listed).map(String::as_str);
        Ok(names
            .chain([LIST])
            .map(|name| self.folder.join(name))
            .collect())
    }

    /// Makes the folder, removes what an earlier run left and this one does not write, and writes the list.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn begin(&self) -> Result<()> {
        std::fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, e))?;
        for name in self.listed()?.1.difference(&self.names) {
            let path = self.folder.join(name);
            if path.is_file() {
                std::fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
            }
        }
        write_atomic(self.folder.join(LIST), |w| {
            writeln!(w, "{MARK}{}", self.command)?;
            self.names.iter().try_for_each(|name| writeln!(w, "{name}"))
        })
    }

    /// The command of an earlier run, and the files that it has listed; none where there is no list.
    fn listed(&self) -> Result<(Option<String>, BTreeSet<String>)> {
        let path = self.folder.join(LIST);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok((None, BTreeSet::new()));
            }
            Err(e) => return Err(Error::io(&path, e)),
        };
        let mut lines = text.lines();
        let command = lines.next().and_then(|line| line.strip_prefix(MARK));
        let Some(command) = command.map(str::to_string) else {
            return Err(Error::format_at(
                &path,
                1,
                format!("expected \"{MARK}\" and a command; the list of another program?"),
            ));
        };
        // A list cannot name what lies outside its folder.
        let inside = |name: &&str| {
            let mut parts = Path::new(name).components();
            !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        let names = lines.filter(inside).map(str::to_string).collect();
        Ok((Some(command), names))
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
        let first = OwnFolder::check(
            "cisgrad factornet visualize",
            "-oc",
            &folder,
            names("a.svg b.svg"),
        )
        .unwrap();
        first.begin().unwrap();
        ["a.svg", "b.svg", "mine.txt"].into_iter().for_each(write);
        let second = OwnFolder::check(
            "cisgrad factornet visualize",
            "-oc",
            &folder,
            names("b.svg c.svg"),
        )
        .unwrap();
        assert!(folder.join("a.svg").exists(), "it has only looked");
        second.begin().unwrap();
        assert!(!folder.join("a.svg").exists() && folder.join("mine.txt").exists());
        assert!(second.touched().unwrap().contains(&folder.join("b.svg")));
        let other = OwnFolder::check("cisgrad demo", "--keep", &folder, names("d.tsv"));
        let message = other.err().unwrap().to_string();
        assert!(message.contains("factornet visualize"), "{message}");
        let strange = OwnFolder::check(
            "cisgrad factornet visualize",
            "-oc",
            &folder,
            names("mine.txt"),
        );
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
        let list = format!("{MARK}cisgrad demo\n../precious\n{}\n", absolute.display());
        std::fs::write(folder.join(LIST), list).unwrap();
        let own = OwnFolder::check("cisgrad demo", "--keep", &folder, names("a")).unwrap();
        own.begin().unwrap();
        assert!(absolute.exists());
    }
}
