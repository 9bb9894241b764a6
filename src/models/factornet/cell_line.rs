//! FactorNet's input folders: one a cell line, with the lists `bigwig.txt`, `chip.txt`, `meta.txt`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::data::Notes;
use crate::data::windows::peaks::{Peaks, Without};
use crate::io::chrom_sizes::Chromosomes;
use crate::io::sources::{Sources, check_no_stream};
use crate::io::text::{Lines, excerpt, first_names};
use crate::numbers::is_or_are;
use crate::{Error, Result};

/// A line of a list, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListLine {
    pub list: PathBuf,
    pub number: u64,
}

impl ListLine {
    /// # Errors
    /// The file that the line names is not there.
    pub fn check(&self, file: &Path) -> Result<()> {
        match file.exists() {
            true => Ok(()),
            false => Err(Error::format_at(
                &self.list,
                self.number,
                format!("there is no file {}", file.display()),
            )),
        }
    }
}

/// A line of `bigwig.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFile {
    pub line: ListLine,
    /// In the folder, unless the list gives a path from the root.
    pub path: PathBuf,
    /// Unique in its folder.
    pub name: String,
}

/// A line of `chip.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorFiles {
    pub line: ListLine,
    /// Unique in its folder.
    pub name: String,
    pub conservative: PathBuf,
    /// `None`: the conservative peaks serve as the relaxed ones.
    pub relaxed: Option<PathBuf>,
}

/// A line of `meta.txt`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaValue {
    pub value: f32,
    /// Unique in its folder.
    pub name: String,
}

/// Which lists a command needs besides `bigwig.txt`; the others are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lists {
    /// `chip.txt`.
    pub factors: bool,
    /// `meta.txt`.
    pub meta: bool,
}

impl Lists {
    pub const ALL: Lists = Lists {
        factors: true,
        meta: true,
    };
}

/// What a folder's lists say; a list that is not there, or not asked for, is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct CellFolder {
    pub path: PathBuf,
    pub tracks: Vec<TrackFile>,
    pub factors: Vec<FactorFiles>,
    pub meta: Vec<MetaValue>,
}

impl CellFolder {
    /// Reads lists of a folder. A line's columns are separated by tabs, in a line without tabs by
    /// blanks; blank lines and comments (`#`) are passed over. The files that they name are not
    /// looked at.
    ///
    /// Errors: no such folder; with the line: fewer than two columns, a name that comes twice,
    /// a meta value that is no finite number.
    pub fn read(path: impl AsRef<Path>, lists: Lists) -> Result<CellFolder> {
        let path = path.as_ref();
        let found = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if !found.is_dir() {
            return Err(Error::format(path, "a file; expected a cell line's folder"));
        }
        let mut folder = CellFolder {
            path: path.to_path_buf(),
            tracks: Vec::new(),
            factors: Vec::new(),
            meta: Vec::new(),
        };
        let line = |lines: &Lines, list: &str| ListLine {
            list: path.join(list),
            number: lines.number(),
        };
        each_line(
            path,
            "bigwig.txt",
            "a bigWig file and a name",
            |columns, lines| {
                folder.tracks.push(TrackFile {
                    line: line(lines, "bigwig.txt"),
                    path: path.join(columns[0]),
                    name: columns[1].to_string(),
                });
                Ok(())
            },
        )?;
        if lists.factors {
            each_line(
                path,
                "chip.txt",
                "a peak file and a factor",
                |columns, lines| {
                    let relaxed = columns.get(2).filter(|file| !file.is_empty());
                    folder.factors.push(FactorFiles {
                        line: line(lines, "chip.txt"),
                        name: columns[1].to_string(),
                        conservative: path.join(columns[0]),
                        relaxed: relaxed.map(|file| path.join(file)),
                    });
                    Ok(())
                },
            )?;
        }
        if lists.meta {
            each_line(path, "meta.txt", "a number and a name", |columns, lines| {
                let value: f32 = columns[0].parse().unwrap_or(f32::NAN);
                if !value.is_finite() {
                    let found = excerpt(columns[0]);
                    return Err(lines.error(format!("value {found}; expected a finite number")));
                }
                let name = columns[1].to_string();
                folder.meta.push(MetaValue { value, name });
                Ok(())
            })?;
        }
        Ok(folder)
    }

    /// A list as an error names it: with a word where there is no such file.
    pub fn list(&self, name: &str) -> String {
        let path = self.path.join(name);
        match path.exists() {
            true => path.display().to_string(),
            false => format!("{} (there is no such file)", path.display()),
        }
    }

    /// The place of a factor in `chip.txt`. Error: there is none of this name; lists those there are.
    pub fn factor(&self, name: &str) -> Result<usize> {
        let place = self.factors.iter().position(|factor| factor.name == name);
        place.ok_or_else(|| {
            let list = self.list("chip.txt");
            let names: Vec<&str> = self.factors.iter().map(|f| f.name.as_str()).collect();
            Error::invalid(match names[..] {
                [] => format!("{list}: no factors; asked for '{name}'"),
                _ => format!(
                    "{list}: no factor '{name}'; there {} {}",
                    is_or_are(names.len()),
                    names.join(", ")
                ),
            })
        })
    }

    pub fn track_names(&self) -> Vec<&str> {
        self.tracks
            .iter()
            .map(|track| track.name.as_str())
            .collect()
    }

    pub fn meta_names(&self) -> Vec<&str> {
        self.meta.iter().map(|value| value.name.as_str()).collect()
    }
}

/// Errors when two folders differ in the names of their tracks or, where `meta` is asked for, of
/// their meta values: the inputs of one network must mean the same everywhere.
pub fn check_names_agree(folders: &[CellFolder], meta: bool) -> Result<()> {
    let Some((first, others)) = folders.split_first() else {
        return Ok(());
    };
    for other in others {
        let differ = |list: &str, a: Vec<&str>, b: Vec<&str>| {
            check_same_names((&first.list(list), a), (&other.list(list), b))
        };
        differ("bigwig.txt", first.track_names(), other.track_names())?;
        if meta {
            differ("meta.txt", first.meta_names(), other.meta_names())?;
        }
    }
    Ok(())
}

/// # Errors
/// Two lists, each with what it is called, hold other names or another order.
pub fn check_same_names(
    (a, names_a): (&str, Vec<&str>),
    (b, names_b): (&str, Vec<&str>),
) -> Result<()> {
    if names_a == names_b {
        return Ok(());
    }
    let shown = |names: Vec<&str>| match names.is_empty() {
        true => "none".to_string(),
        false => first_names(names),
    };
    Err(Error::invalid(format!(
        "the names in {a} and {b} differ: {} and {}; they must agree, in the same order",
        shown(names_a),
        shown(names_b)
    )))
}

/// Hands each line's columns to `take`: two or more, the second unique and not empty.
fn each_line(
    folder: &Path,
    list: &str,
    expected: &str,
    mut take: impl FnMut(&[&str], &Lines) -> Result<()>,
) -> Result<()> {
    let path = folder.join(list);
    if !path.exists() {
        return Ok(());
    }
    check_no_stream(&path, "a cell line's lists")?;
    let mut lines = Lines::open(&path)?;
    let (mut line, mut names) = (String::new(), HashMap::<String, u64>::new());
    while lines.read_filled(&mut line)? {
        if line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = if line.contains('\t') {
            line.split('\t').map(str::trim).collect()
        } else {
            line.split_whitespace().collect()
        };
        if columns.len() < 2 || columns[0].is_empty() || columns[1].is_empty() {
            return Err(lines.error(format!("{}; expected {expected}", excerpt(&line))));
        }
        let name = columns[1];
        if let Some(first) = names.get(name) {
            let message = format!("name '{name}' again, first on line {first}");
            return Err(lines.error(message));
        }
        names.insert(name.to_string(), lines.number());
        take(&columns, &lines)?;
    }
    Ok(())
}

/// What a command needs of a factor's peaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The relaxed peaks too; otherwise their file is not looked at and may be missing.
    pub relaxed: bool,
    /// What a file without an interval is.
    pub without: Without,
}

impl Needed {
    /// One factor alone.
    pub const ALONE: Needed = Needed {
        relaxed: true,
        without: Without::Refused,
    };
    /// One of several factors that are evaluated.
    pub const AMONG_OTHERS: Needed = Needed {
        relaxed: true,
        without: Without::Warned,
    };
    /// One of several factors that are trained at once, where a negative is a window off all conservative peaks.
    pub const TRAINED_WITH_OTHERS: Needed = Needed {
        relaxed: false,
        without: Without::Warned,
    };
}

impl FactorFiles {
    /// The files that are read.
    pub fn read_files(&self, needed: Needed) -> impl Iterator<Item = &Path> {
        let relaxed = self.relaxed.as_deref().filter(|_| needed.relaxed);
        std::iter::once(self.conservative.as_path()).chain(relaxed)
    }

    /// Reads the factor's peaks.
    ///
    /// # Errors
    /// A file that is not there names the list's line; those of the reader.
    pub fn peaks(
        &self,
        needed: Needed,
        sources: &Sources,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Peaks> {
        self.read_files(needed)
            .try_for_each(|file| self.line.check(file))?;
        let relaxed = self.relaxed.as_deref().filter(|_| needed.relaxed);
        let relaxed = relaxed.filter(|path| *path != self.conservative);
        Peaks::read(
            sources.lines(&self.conservative)?,
            relaxed.map(|path| sources.lines(path)).transpose()?,
            needed.without,
            chromosomes,
            notes,
        )
    }
}

/// The files of one factor in each of several folders.
///
/// # Errors
/// A folder without the factor.
pub fn factor_files<'a>(folders: &'a [CellFolder], factor: &str) -> Result<Vec<&'a FactorFiles>> {
    let files = folders
        .iter()
        .map(|folder| Ok::<_, Error>(&folder.factors[folder.factor(factor)?]));
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(lists: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in lists {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn lists_have_one_line_or_many_parted_by_tabs_or_blanks() {
        let lists = [
            ("bigwig.txt", "a.bw Unique35\n\n/data/b.bw\tDGF\n"),
            ("chip.txt", "c.bed\tCTCF\tr.bed\nm.bed MAX"),
            ("meta.txt", "-1.5e-1\tGEPC1"),
        ];
        let folder = folder(&lists);
        let cell = CellFolder::read(folder.path(), Lists::ALL).unwrap();
        assert_eq!(cell.track_names(), ["Unique35", "DGF"]);
        assert_eq!(cell.tracks[0].path, folder.path().join("a.bw"));
        assert_eq!(cell.tracks[1].path, Path::new("/data/b.bw"));
        assert_eq!(cell.factor("MAX").unwrap(), 1);
        assert_eq!(cell.factors[0].relaxed, Some(folder.path().join("r.bed")));
        assert_eq!(cell.factors[1].relaxed, None);
        assert_eq!(
            (cell.meta[0].value, cell.meta_names()),
            (-0.15, vec!["GEPC1"])
        );
    }

    #[test]
    fn lists_that_are_not_there_are_empty() {
        let folder = folder(&[]);
        let cell = CellFolder::read(folder.path(), Lists::ALL).unwrap();
        assert!(cell.tracks.is_empty() && cell.factors.is_empty() && cell.meta.is_empty());
        let error = cell.factor("MYC").unwrap_err().to_string();
        assert!(
            error.contains("chip.txt (there is no such file): no factors; asked for 'MYC'"),
            "{error}"
        );
    }

    #[test]
    fn every_fault_names_its_file_and_line() {
        for (list, text, expected) in [
            (
                "bigwig.txt",
                "a.bw\n",
                "bigwig.txt, line 1: 'a.bw'; expected a bigWig file and a name",
            ),
            (
                "bigwig.txt",
                "a D\n\nb D\n",
                "bigwig.txt, line 3: name 'D' again, first on line 1",
            ),
            (
                "chip.txt",
                "a\tMYC\nb\tMYC\n",
                "chip.txt, line 2: name 'MYC' again",
            ),
            (
                "meta.txt",
                "1 A\nx B\n",
                "meta.txt, line 2: value 'x'; expected a finite number",
            ),
            ("meta.txt", "inf A\n", "meta.txt, line 1: value 'inf'"),
        ] {
            let folder = folder(&[(list, text)]);
            let found = CellFolder::read(folder.path(), Lists::ALL)
                .unwrap_err()
                .to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
        assert!(CellFolder::read("/nonexistent", Lists::ALL).is_err());
    }

    #[test]
    fn a_list_that_is_not_asked_for_is_not_looked_at() {
        let folder = folder(&[("chip.txt", "junk\n"), ("meta.txt", "x y\n")]);
        let none = Lists {
            factors: false,
            meta: false,
        };
        assert!(CellFolder::read(folder.path(), none).is_ok());
        assert!(CellFolder::read(folder.path(), Lists::ALL).is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_the_list_and_the_line() {
        let folder = folder(&[("bigwig.txt", "# tracks\nmy track.bw DGF\n")]);
        let cell = CellFolder::read(folder.path(), Lists::ALL).unwrap();
        let track = &cell.tracks[0];
        let error = track.line.check(&track.path).unwrap_err().to_string();
        assert!(
            error.contains("bigwig.txt, line 2: there is no file"),
            "{error}"
        );
        assert!(error.ends_with("/my"), "{error}");
    }

    #[test]
    fn a_missing_factor_lists_those_there_are() {
        let folder = folder(&[("chip.txt", "a\tMYC\nb\tMAX\n")]);
        let error = CellFolder::read(folder.path(), Lists::ALL)
            .unwrap()
            .factor("myc")
            .unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("no factor 'myc'; there are MYC, MAX"),
            "{error}"
        );
    }

    #[test]
    fn names_must_agree_between_folders_in_their_order() {
        let read = |bigwig: &str, meta: &str| {
            let folder = folder(&[("bigwig.txt", bigwig), ("meta.txt", meta)]);
            CellFolder::read(folder.path(), Lists::ALL).unwrap()
        };
        let a = read("a D\nb U\n", "1 G\n");
        let (b, c) = (read("x D\ny U\n", "2 H\n"), read("b U\na D\n", "1 G\n"));
        assert!(check_names_agree(&[a.clone(), b.clone()], false).is_ok());
        let error = check_names_agree(&[a.clone(), b], true).unwrap_err();
        assert!(error.to_string().contains("differ: 'G' and 'H'"), "{error}");
        let none = check_names_agree(&[a.clone(), read("", "")], false).unwrap_err();
        assert!(
            none.to_string().contains("differ: 'D', 'U' and none"),
            "{none}"
        );
        let error = check_names_agree(&[a, c], false).unwrap_err();
        assert!(
            error.to_string().contains("differ: 'D', 'U' and 'U', 'D'"),
            "{error}"
        );
    }
}
