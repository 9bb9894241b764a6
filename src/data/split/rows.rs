//! Which rows train a model, which choose it and which test it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::by_regions::by_regions;
use super::folds::{Fold, Part, blocks};
use crate::data::dataset::Dataset;
use crate::io::atomic::write_atomic;
use crate::io::fields::unquoted;
use crate::io::folds_json::read_folds_json;
use crate::io::npy::{MASK, is_mask, nothing_but_0_and_1, read_npy_indices};
use crate::io::text::{Lines, excerpt, first_names};
use crate::numbers::counted;
use crate::{Error, Result};

/// The parts' names; their files are called `train_split.npy` or `train_split.txt`, and so on.
pub const PARTS: [&str; 3] = ["train", "validation", "test"];

/// Rows of a [`Dataset`], counted from 0. No row is in two parts or twice in one, but validation and test may be the same
/// rows; no part is empty; some rows may be in none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    pub train: Vec<usize>,
    pub validation: Vec<usize>,
    pub test: Vec<usize>,
}

/// How to split, as the user says it: a folder, or `random:80,10,10` or `chrom:VALIDATION:TEST`
/// (what [`FromStr`] reads; lists with commas, all other chromosomes train).
#[derive(Clone, Debug, PartialEq)]
pub enum SplitSpec {
    /// A folder with an index array or a text list for each part.
    Folder(PathBuf),
    /// Percentages above 0 that sum to 100.
    Random {
        train: f64,
        validation: f64,
        test: f64,
    },
    /// The chromosomes of two parts; neither list is empty, none is in both.
    Chrom {
        validation: Vec<String>,
        test: Vec<String>,
    },
    /// One fold of a cross-validation by blocks of neighbors.
    Fold(Fold),
    /// A file with the chromosomes of each part; rows on others are in none.
    Json(PathBuf),
    /// BED files of two parts; all other rows train.
    Regions { validation: PathBuf, test: PathBuf },
}

impl FromStr for SplitSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<SplitSpec> {
        let wrong = |problem: String| {
            Error::usage(format!(
                "split '{text}': {problem}; expected random:TRAIN,VALIDATION,TEST in per cent, as \
                 random:80,10,10, or chrom:VALIDATION:TEST, as chrom:chr8:chr9,chr10, or fold:I/K, as \
                 fold:1/5, or regions:VALIDATION.bed:TEST.bed, or a file FOLD.json with lists of chromosomes"
            ))
        };
        if let Some(fold) = text.strip_prefix("fold:") {
            return Ok(SplitSpec::Fold(fold.parse()?));
        }
        if text.ends_with(".json") && !text.starts_with("regions:") {
            return Ok(SplitSpec::Json(PathBuf::from(text)));
        }
        match text.split(':').collect::<Vec<_>>()[..] {
            ["random", shares] => {
                let numbers: Option<Vec<f64>> =
                    shares.split(',').map(|s| s.trim().parse().ok()).collect();
                let Some([train, validation, test]) = numbers.as_deref() else {
                    return Err(wrong(format!("'{shares}' is not three numbers")));
                };
                let shares = [*train, *validation, *test];
                if !shares.iter().all(|share| *share > 0.0) {
                    return Err(wrong("a share that is not above 0".to_string()));
                }
                let sum: f64 = shares.iter().sum();
                if (sum - 100.0).abs() > 1e-6 {
                    return Err(wrong(format!("the shares sum to {sum}, not 100")));
                }
                let [train, validation, test] = shares;
                Ok(SplitSpec::Random {
                    train,
                    validation,
                    test,
                })
            }
            ["regions", "", _] | ["regions", _, ""] => {
                Err(wrong("a file without a name".to_string()))
            }
            ["regions", validation, test] => Ok(SplitSpec::Regions {
                validation: PathBuf::from(validation),
                test: PathBuf::from(test),
            }),
            ["chrom", validation, test] => {
                let mut seen = HashSet::new();
                let mut list = |text: &str| -> Result<Vec<String>> {
                    text.split(',')
                        .map(|name| match name.trim() {
                            "" => Err(wrong("an empty name of a chromosome".to_string())),
                            name if seen.insert(name.to_string()) => Ok(name.to_string()),
                            name => Err(wrong(format!("chromosome '{name}' comes twice"))),
                        })
                        .collect()
                };
                Ok(SplitSpec::Chrom {
                    validation: list(validation)?,
                    test: list(test)?,
                })
            }
            _ => Err(wrong("not a way to split".to_string())),
        }
    }
}

impl SplitSpec {
    /// Splits the rows of `data`. `random` gives uniform 64-bit numbers and is called for
    /// [`SplitSpec::Random`] alone, once a row but one: the same numbers, the same split.
    ///
    /// Rows of a random or chromosome split are in rising order, those of a folder in its order. Rows that do not count
    /// ([`Dataset::counts`]) are left out in the end, so that others stay where they are without them.
    ///
    /// Errors: a part that is empty, or in which no row counts; in a folder a missing file, an index out of range, a name
    /// that is no row, a row in two parts or twice in one; a chromosome that no row has, a row
    /// whose chromosome is not known.
    pub fn split(&self, data: &Dataset, random: impl FnMut() -> u64) -> Result<Split> {
        let split = match self {
            SplitSpec::Folder(folder) => read_folder(folder, &data.names),
            SplitSpec::Random {
                validation, test, ..
            } => at_random(data.len(), *validation, *test, random),
            SplitSpec::Chrom { validation, test } => by_chromosome(data, None, validation, test),
            SplitSpec::Fold(fold) => by_fold(data, *fold),
            SplitSpec::Regions { validation, test } => {
                by_regions(data, validation, test).map(Split::from_parts)
            }
            SplitSpec::Json(path) => {
                let folds = read_folds_json(path)?;
                by_chromosome(data, Some(&folds.train), &folds.valid, &folds.test)
            }
        }?;
        split.of_rows_that_count(data)
    }
}

impl Split {
    /// What to say where the rows that choose the model test it, too.
    pub fn note(&self) -> Option<String> {
        same_rows(&self.validation, &self.test).then(|| {
            "note: validation and test are the same rows: the test tells how well the chosen weights fit what they were chosen by"
                .to_string()
        })
    }

    fn of_rows_that_count(mut self, data: &Dataset) -> Result<Split> {
        let parts = [&mut self.train, &mut self.validation, &mut self.test];
        for (part, rows) in PARTS.iter().zip(parts) {
            let before = rows.len();
            rows.retain(|&row| data.counts(row));
            if rows.is_empty() {
                return Err(Error::invalid(format!(
                    "the {part} split has {} and none with a number{}; expected some",
                    counted(before, "row"),
                    match data.weights {
                        Some(_) => " and a weight above 0",
                        None => "",
                    }
                )));
            }
        }
        Ok(self)
    }

    /// The parts in the order of [`PARTS`].
    pub fn parts(&self) -> [&[usize]; 3] {
        [&self.train, &self.validation, &self.test]
    }

    /// Writes `train_split.txt` and so on into a folder, a name a line, each atomically;
    /// [`SplitSpec::Folder`] reads them back to the same split. `names` are those of the data set.
    pub fn write(&self, folder: &Path, names: &[String]) -> Result<()> {
        for (name, text) in self.texts(names)? {
            write_atomic(folder.join(name), |file| file.write_all(text.as_bytes()))?;
        }
        Ok(())
    }

    /// Errors when [`Self::write`] has written another split into the folder.
    pub fn check_written(&self, folder: &Path, names: &[String]) -> Result<()> {
        for (name, text) in self.texts(names)? {
            let path = folder.join(name);
            let before = match std::fs::read(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.map_err(|e| Error::io(&path, e))?,
            };
            if before != text.as_bytes() {
                return Err(Error::invalid(format!(
                    "--resume: {} was started with another split than this run's: {} differs",
                    folder.display(),
                    path.display()
                )));
            }
        }
        Ok(())
    }

    /// The parts' files: their names, and a row's name a line.
    fn texts(&self, names: &[String]) -> Result<Vec<(String, String)>> {
        let mut texts = Vec::new();
        for (part, rows) in PARTS.iter().zip(self.parts()) {
            let mut text = String::new();
            for &row in rows {
                let name = names.get(row).ok_or_else(|| {
                    let count = names.len();
                    Error::invalid(format!("row {row} of the {part} split; there are {count}"))
                })?;
                text.push_str(name);
                text.push('\n');
            }
            texts.push((format!("{part}_split.txt"), text));
        }
        Ok(texts)
    }

    fn from_parts([train, validation, test]: [Vec<usize>; 3]) -> Split {
        Split {
            train,
            validation,
            test,
        }
    }
}

/// The files that a rule of a split names; none of one that is no rule.
pub fn files_of_rule(rule: &str) -> Vec<PathBuf> {
    match rule.parse() {
        Ok(SplitSpec::Json(path)) => vec![path],
        Ok(SplitSpec::Regions { validation, test }) => vec![validation, test],
        _ => Vec::new(),
    }
}

/// The files of a folder that may hold a split, whether they are there or not.
pub fn split_files(folder: &Path) -> Vec<PathBuf> {
    let file = |part: &str, ending: &str| folder.join(format!("{part}_split.{ending}"));
    PARTS
        .iter()
        .flat_map(|part| ["npy", "txt"].map(|ending| file(part, ending)))
        .collect()
}

/// Shuffles (Fisher-Yates) and cuts; shares are rounded to whole rows, training takes the rest.
fn at_random(
    count: usize,
    validation: f64,
    test: f64,
    mut random: impl FnMut() -> u64,
) -> Result<Split> {
    let mut rows: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        // The high half of the product: bias below count / 2^64.
        let place = (u128::from(random()) * (last as u128 + 1)) >> 64;
        rows.swap(last, place as usize);
    }
    let share = |percent: f64| (count as f64 * percent / 100.0).round() as usize;
    let (validation, test) = (share(validation), share(test));
    if validation == 0 || test == 0 || validation + test >= count {
        return Err(Error::invalid(format!(
            "a random split of {} leaves a part empty: {} train, {validation} \
             validation, {test} test; choose larger shares or more data",
            counted(count, "row"),
            count.saturating_sub(validation + test)
        )));
    }
    let mut test_rows = rows.split_off(count - test);
    let mut validation_rows = rows.split_off(count - test - validation);
    rows.sort_unstable();
    validation_rows.sort_unstable();
    test_rows.sort_unstable();
    Ok(Split::from_parts([rows, validation_rows, test_rows]))
}

/// Numbers blocks anew: by the first of their rows' chromosomes, places and names.
fn in_order_of_place(data: &Dataset, blocks: Vec<usize>) -> Vec<usize> {
    let key = |row: usize| {
        (
            data.chromosome(row),
            data.start(row),
            data.names[row].as_str(),
        )
    };
    let count = blocks.iter().max().map_or(0, |most| most + 1);
    let mut first: Vec<Option<usize>> = vec![None; count];
    for (row, &block) in blocks.iter().enumerate() {
        if first[block].is_none_or(|other| key(row) < key(other)) {
            first[block] = Some(row);
        }
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&block| first[block].map(key));
    let mut number = vec![0; count];
    order
        .iter()
        .enumerate()
        .for_each(|(place, &block)| number[block] = place);
    blocks.into_iter().map(|block| number[block]).collect()
}

fn by_fold(data: &Dataset, fold: Fold) -> Result<Split> {
    let all: Vec<usize> = (0..data.len()).collect();
    // Which rows a fold has does not depend on their order in the table.
    let blocks = in_order_of_place(data, blocks(data, &all));
    let mut sizes = vec![0; blocks.iter().max().map_or(0, |most| most + 1)];
    blocks.iter().for_each(|&block| sizes[block] += 1);
    let of_block = fold.parts(&sizes)?;
    let rows = |part| {
        all.iter()
            .copied()
            .filter(|&row| of_block[blocks[row]] == part)
            .collect()
    };
    Ok(Split::from_parts(
        [Part::Train, Part::Validation, Part::Test].map(rows),
    ))
}

/// `train`: the chromosomes of training where not all others are.
fn by_chromosome(
    data: &Dataset,
    train: Option<&[String]>,
    validation: &[String],
    test: &[String],
) -> Result<Split> {
    let set = |list: &[String]| list.iter().cloned().collect::<HashSet<String>>();
    let [in_validation, in_test] = [validation, test].map(set);
    let in_train = train.map(set);
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    let mut present: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    for (i, name) in data.names.iter().enumerate() {
        let chromosome = data.chromosome(i).ok_or_else(|| {
            Error::invalid(format!(
                "row {} has no chromosome in its name, which a split by chromosome needs; expected \
                 names like chr1:100-200, or sequences from a BED file",
                excerpt(name)
            ))
        })?;
        if seen.insert(chromosome) {
            present.push(chromosome);
        }
        let [train_rows, validation_rows, test_rows] = &mut parts;
        if in_validation.contains(chromosome) {
            validation_rows.push(i);
        } else if in_test.contains(chromosome) {
            test_rows.push(i);
        } else if in_train
            .as_ref()
            .is_none_or(|list| list.contains(chromosome))
        {
            train_rows.push(i);
        }
    }
    // A file of folds names the chromosomes of a whole genome.
    let listed = train.is_some();
    for (part, rows) in PARTS.iter().zip(&parts).filter(|_| listed) {
        if rows.is_empty() {
            return Err(Error::invalid(format!(
                "no row is on a chromosome of the {part} list of the split; the data have {} (names are compared as written)",
                first_names(present)
            )));
        }
    }
    if let Some(absent) = validation
        .iter()
        .chain(test)
        .find(|name| !listed && !seen.contains(name.as_str()))
    {
        return Err(Error::invalid(format!(
            "no row is on chromosome '{absent}', which the split names; the data have {} (names \
             are compared as written)",
            first_names(present)
        )));
    }
    if parts[0].is_empty() {
        return Err(Error::invalid(format!(
            "no row is left for training: all are on {}",
            first_names(present)
        )));
    }
    Ok(Split::from_parts(parts))
}

/// Where an entry of a split's file stands, for messages.
fn entry_error(path: &Path, is_text: bool, place: u64, message: String) -> Error {
    if is_text {
        Error::format_at(path, place, message)
    } else {
        Error::format(path, format!("entry {place} (from 0): {message}"))
    }
}

fn read_folder(folder: &Path, names: &[String]) -> Result<Split> {
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    let mut owner: Vec<Option<&str>> = vec![None; names.len()];
    let mut found = Vec::new();
    for part in PARTS {
        let (path, is_text) = part_file(folder, part)?;
        let entries: Vec<(u64, usize)> = if is_text {
            read_list(&path, names)?
        } else {
            let indices = read_npy_indices(&path)?;
            (0..).zip(indices).collect()
        };
        if entries.is_empty() {
            let message = format!("the {part} split is empty; expected at least one row");
            return Err(Error::format(path, message));
        }
        found.push((path, is_text, entries));
    }
    let [_, validation, test] = [0, 1, 2].map(|part: usize| {
        let rows = found[part].2.iter().map(|(_, row)| *row);
        rows.collect::<Vec<_>>()
    });
    let one_for_both = same_rows(&validation, &test);
    for ((part, (path, is_text, entries)), rows) in PARTS.into_iter().zip(found).zip(&mut parts) {
        if one_for_both && part == PARTS[2] {
            rows.clone_from(&test);
            continue;
        }
        for (place, row) in entries {
            let wrong = |message| Err(entry_error(&path, is_text, place, message));
            let Some(taken) = owner.get_mut(row) else {
                let (count, last) = (names.len(), names.len().saturating_sub(1));
                return wrong(format!(
                    "index {row}; expected 0 to {last}, as the signal table has {}",
                    counted(count, "row")
                ));
            };
            match taken.replace(part) {
                None => rows.push(row),
                Some(before) => {
                    let row = format!("row {row} ({})", excerpt(&names[row]));
                    return wrong(if before == part {
                        format!("{row} comes twice in this split")
                    } else {
                        format!("{row} is in the {before} split too; each row may be in one")
                    });
                }
            }
        }
    }
    Ok(Split::from_parts(parts))
}

fn same_rows(a: &[usize], b: &[usize]) -> bool {
    let sorted = |rows: &[usize]| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows
    };
    a.len() == b.len() && sorted(a) == sorted(b)
}

/// The file of a part, and whether it is text.
fn part_file(folder: &Path, part: &str) -> Result<(PathBuf, bool)> {
    let npy = folder.join(format!("{part}_split.npy"));
    let txt = folder.join(format!("{part}_split.txt"));
    match (npy.exists(), txt.exists()) {
        (true, false) => Ok((npy, false)),
        (false, true) => Ok((txt, true)),
        (found, _) => Err(Error::format(
            folder,
            format!(
                "{part}_split.npy and {part}_split.txt are {} there; expected one of them",
                if found { "both" } else { "not" }
            ),
        )),
    }
}

/// One index or name a line, with the lines' numbers. In a table whose rows have numbers for
/// names, a line is a name always: an index would be read as another row without a sound.
fn read_list(path: &Path, names: &[String]) -> Result<Vec<(u64, usize)>> {
    let places: std::collections::HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(i, name)| (name.as_str(), i))
        .collect();
    let numbered = names.iter().any(|name| name.parse::<i128>().is_ok());
    let mut lines = Lines::open(path)?;
    let (mut entries, mut named, mut line) = (Vec::new(), false, String::new());
    while lines.read_filled(&mut line)? {
        let text = match line.trim() {
            name if places.contains_key(name) => name,
            other => unquoted(other),
        };
        let index = text.parse::<i128>().ok().filter(|_| !numbered);
        let row = match (places.get(text), index) {
            (Some(&row), _) => row,
            (None, Some(index)) => usize::try_from(index).map_err(|_| {
                lines.error(format!("index {index}; expected a row, counted from 0"))
            })?,
            (None, None) => {
                let truth = ["true", "false"]
                    .iter()
                    .any(|t| t.eq_ignore_ascii_case(text));
                let hint = match (numbered, truth) {
                    (true, _) => {
                        " (some rows are named by numbers, so that lines are names; for indices use npy)"
                    }
                    (false, true) => &format!(" ({MASK})"),
                    (false, false) => "",
                };
                return Err(lines.error(format!(
                    "{} is no row of the signal table{hint}; expected an index or a name, as {}",
                    excerpt(text),
                    first_names(names)
                )));
            }
        };
        entries.push((lines.number(), row));
        named |= places.contains_key(text);
    }
    let rows: Vec<usize> = entries.iter().map(|(_, row)| *row).collect();
    match !named && is_mask(&rows) {
        true => Err(Error::format(path, nothing_but_0_and_1())),
        false => Ok(entries),
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
