//! The text files beside a model's weights: which tracks, meta values and factors its inputs and outputs are.

use std::path::{Path, PathBuf};

use crate::io::text::{Lines, excerpt};
use crate::{Error, Result};

/// The annotation features, in the order in which they follow the meta values.
pub const GENCODE: [&str; 6] = ["cpg", "cds", "intron", "promoter", "utr5", "utr3"];

/// A value that belongs to a cell line, such as a component of its gene expression.
#[derive(Debug, Clone, PartialEq)]
pub struct MetaName {
    pub name: String,
    /// Where meta.txt has two columns, value and name; the files of published models have names alone.
    pub value: Option<f64>,
}

/// What the side files say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SideFiles {
    /// chip.txt: the outputs' names.
    pub factors: Vec<String>,
    /// bigwig.txt: the names of the channels after A, C, G, T.
    pub tracks: Vec<String>,
    pub meta: Vec<MetaName>,
    /// The six annotation features follow the meta values.
    pub gencode: bool,
}

impl SideFiles {
    /// Reads a model folder's files.
    ///
    /// feature.txt lists which of `bigwig`, `meta` and `gencode` the model takes, and the files that it names must be
    /// there; without feature.txt the files that are there say it, and `meta_inputs` what is left for the annotation.
    ///
    /// Errors: no chip.txt, a feature that is not known, a name that comes twice, a meta value that is no number.
    pub fn read(folder: &Path, meta_inputs: usize) -> Result<SideFiles> {
        let path = |name: &str| folder.join(name);
        let features = match path("feature.txt") {
            file if file.exists() => Some(features(&file)?),
            _ => None,
        };
        let takes = |feature: usize, file: &Path| match &features {
            Some(listed) => listed[feature],
            None => file.exists(),
        };
        let mut found = SideFiles {
            factors: names(&path("chip.txt"))?,
            ..SideFiles::default()
        };
        if found.factors.is_empty() {
            return Err(Error::format(
                path("chip.txt"),
                "the file is empty; expected the factors that the model predicts",
            ));
        }
        if takes(0, &path("bigwig.txt")) {
            found.tracks = names(&path("bigwig.txt"))?;
        }
        if takes(1, &path("meta.txt")) {
            found.meta = meta(&path("meta.txt"))?;
        }
        found.gencode = match features {
            Some(listed) => listed[2],
            None => meta_inputs == found.meta.len() + GENCODE.len(),
        };
        Ok(found)
    }

    /// The number of values that join after the first dense layer.
    pub fn meta_inputs(&self) -> usize {
        self.meta.len() + if self.gencode { GENCODE.len() } else { 0 }
    }
}

const FEATURES: [&str; 3] = ["bigwig", "meta", "gencode"];

fn features(path: &Path) -> Result<[bool; 3]> {
    let mut listed = [false; 3];
    for line in table(path)? {
        for word in &line.words {
            let known = FEATURES.iter().position(|feature| feature == word);
            let known = known.ok_or_else(|| {
                let expected = FEATURES.join(", ");
                line.error(format!("feature {}; expected {expected}", excerpt(word)))
            })?;
            listed[known] = true;
        }
    }
    Ok(listed)
}

/// One name a line; a data folder's form, the file's name before it, is understood too.
fn names(path: &Path) -> Result<Vec<String>> {
    unique(table(path)?.into_iter().map(|line| {
        let name = line.words.get(1).unwrap_or(&line.words[0]).clone();
        (line, name)
    }))
}

fn unique(lines: impl Iterator<Item = (Line, String)>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (line, name) in lines {
        if names.contains(&name) {
            return Err(line.error(format!("the name {} comes twice", excerpt(&name))));
        }
        names.push(name);
    }
    Ok(names)
}

fn meta(path: &Path) -> Result<Vec<MetaName>> {
    let mut values = Vec::new();
    let names = unique(
        table(path)?
            .into_iter()
            .map(|line| {
                let (value, name) = match &line.words[..] {
                    [value, name, ..] => match value.parse::<f64>() {
                        Ok(number) if number.is_finite() => (Some(number), name.clone()),
                        _ => {
                            return Err(
                                line.error(format!("value {}; expected a number", excerpt(value)))
                            );
                        }
                    },
                    words => (None, words[0].clone()),
                };
                values.push(value);
                Ok((line, name))
            })
            .collect::<Result<Vec<_>>>()?
            .into_iter(),
    )?;
    Ok(names
        .into_iter()
        .zip(values)
        .map(|(name, value)| MetaName { name, value })
        .collect())
}

/// A line that is not blank: one word or more, separated by tabs or spaces.
struct Line {
    path: PathBuf,
    number: u64,
    words: Vec<String>,
}

impl Line {
    fn error(&self, message: String) -> Error {
        Error::format_at(&self.path, self.number, message)
    }
}

fn table(path: &Path) -> Result<Vec<Line>> {
    let (mut lines, mut text, mut table) = (Lines::open(path)?, String::new(), Vec::new());
    while lines.read_filled(&mut text)? {
        table.push(Line {
            path: path.to_path_buf(),
            number: lines.number(),
            words: text.split_whitespace().map(String::from).collect(),
        });
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)], meta_inputs: usize) -> Result<SideFiles> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        SideFiles::read(folder.path(), meta_inputs)
    }

    fn message(files: &[(&str, &str)]) -> String {
        read(files, 0).unwrap_err().to_string()
    }

    #[test]
    fn feature_txt_says_which_files_count() {
        let files = [
            ("chip.txt", "GABPA\n"),
            ("bigwig.txt", "Unique35\r\nDGF\n\n"),
            ("meta.txt", "G1\nG2\n"),
            ("feature.txt", "bigwig\ngencode\n"),
        ];
        let found = read(&files, 6).unwrap();
        assert_eq!(found.factors, ["GABPA"]);
        assert_eq!(found.tracks, ["Unique35", "DGF"]);
        assert!(found.meta.is_empty() && found.gencode);
        assert_eq!(found.meta_inputs(), 6);
    }

    #[test]
    fn without_feature_txt_the_files_and_the_inputs_say_it() {
        let files = [("chip.txt", "A\nB\n"), ("meta.txt", "0.5\tG1\n-2 G2\n")];
        let found = read(&files, 8).unwrap();
        let values: Vec<_> = found.meta.iter().map(|m| (&*m.name, m.value)).collect();
        assert_eq!(values, [("G1", Some(0.5)), ("G2", Some(-2.0))]);
        assert!(found.tracks.is_empty() && found.gencode);
        assert!(!read(&files, 2).unwrap().gencode);
    }

    #[test]
    fn a_data_folders_columns_are_understood() {
        let files = [
            ("chip.txt", "peaks.bed.gz\tCTCF\trelaxed.bed.gz\n"),
            ("bigwig.txt", "d.bw DGF\n"),
        ];
        let found = read(&files, 0).unwrap();
        assert_eq!(
            (&found.factors[0], &found.tracks[0]),
            (&"CTCF".into(), &"DGF".into())
        );
    }

    #[test]
    fn every_fault_names_file_and_line() {
        let chip = ("chip.txt", "A\n");
        for (files, expected) in [
            (&[][..], "chip.txt: "),
            (&[("chip.txt", "\n")], "chip.txt: the file is empty"),
            (
                &[("chip.txt", "A\nB\nA\n")],
                "chip.txt, line 3: the name 'A' comes twice",
            ),
            (
                &[chip, ("feature.txt", "bigwig\nmetta\n")],
                "feature.txt, line 2: feature 'metta'",
            ),
            (&[chip, ("feature.txt", "bigwig\n")], "bigwig.txt: "),
            (
                &[chip, ("meta.txt", "x G1\n")],
                "meta.txt, line 1: value 'x'; expected a number",
            ),
            (&[chip, ("meta.txt", "nan G1\n")], "expected a number"),
            (
                &[chip, ("bigwig.txt", "a\na\n")],
                "bigwig.txt, line 2: the name 'a' comes twice",
            ),
        ] {
            let found = message(files);
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }
}
