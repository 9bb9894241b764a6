//! Which regions train, choose and test a model.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use super::folds::bases_of;
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::data::windows::peaks::read_intervals;
use crate::dna::span::Span;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::folds_json::read_folds_json;
use crate::io::sources::{Sources, is_there};
use crate::io::text::first_names;
use crate::numbers::counted;
use crate::{Error, Result};

/// What a flag such as `-v` was given: chromosomes, regions (`chr22:30000000-35000000`, 0-based,
/// half-open; commas between thousands are taken as well), folds of the genome's blocks (`fold:1/5`), BED files, and files
/// `FOLD.json`, of which `-v` takes the list `valid` and every other flag `test`.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The flag's name, for messages.
    pub flag: &'a str,
    /// What it chooses, for messages: `validation region`.
    pub what: &'a str,
    pub words: &'a [String],
    /// Given by the user; a default's chromosomes may be absent.
    pub explicit: bool,
}

impl Choice<'_> {
    /// The bases that the words name. A word that is a chromosome in use is that; else a file is
    /// read as BED; else it is a region, else a chromosome that is not in use: with an explicit
    /// choice an error, else left out with a note.
    ///
    /// Errors also: a default of which no chromosome is in use, so that the user has to choose; a
    /// region that is empty, past its chromosome's end or on a chromosome that is not in use; those of
    /// [`read_intervals`].
    pub fn regions(
        &self,
        sources: &Sources,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Regions> {
        match self.absent(chromosomes) {
            Some(message) => Err(Error::usage(message)),
            None => self.present(sources, chromosomes, notes),
        }
    }

    /// What to say where none of a default's chromosomes is in use.
    fn absent(&self, chromosomes: &Chromosomes) -> Option<String> {
        let there = |word: &String| chromosomes.number(word).is_some() || is_there(Path::new(word));
        if self.explicit || self.words.iter().any(there) {
            return None;
        }
        let Choice { flag, what, .. } = self;
        Some(format!(
            "no {what}: none of the default chromosomes ({}) is in {}; name some with {flag}",
            self.words.join(", "),
            chromosomes.path.display()
        ))
    }

    fn present(
        &self,
        sources: &Sources,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Regions> {
        let flag = self.flag;
        let (mut spans, mut absent) = (Vec::new(), Vec::new());
        for word in self.words {
            if let Some(number) = chromosomes.number(word) {
                spans.push((number, Span::new(0, chromosomes.length(number))));
            } else if let Some(fold) = word.strip_prefix("fold:") {
                spans.extend(bases_of(fold.parse()?, chromosomes)?);
            } else if word.ends_with(".json") {
                spans.extend(self.listed(Path::new(word), chromosomes, notes)?);
            } else if is_there(Path::new(word)) {
                let lines = sources.lines(Path::new(word))?;
                spans.extend(read_intervals(lines, chromosomes, notes)?);
            } else if let Some((name, start, end)) = region(word) {
                let Some(number) = chromosomes.number(name) else {
                    return Err(Error::usage(format!(
                        "{flag} {word}: chromosome '{name}' is not in use; those of {} are {}",
                        chromosomes.path.display(),
                        first_names(chromosomes.names())
                    )));
                };
                let length = u64::from(chromosomes.length(number));
                if start >= end || end > length {
                    return Err(Error::usage(format!(
                        "{flag} {word}: {name} has {}; expected a start below an end that is not past its end",
                        counted(length, "base")
                    )));
                }
                spans.push((number, Span::new(start as u32, end as u32)));
            } else if self.explicit {
                return Err(Error::usage(format!(
                    "{flag} {word}: neither a chromosome in use ({} has {}) nor a file nor a region such as chr22:30000000-35000000 nor a fold such as fold:1/5",
                    chromosomes.path.display(),
                    first_names(chromosomes.names())
                )));
            } else {
                absent.push(word);
            }
        }
        if !absent.is_empty() {
            notes.push(format!(
                "{flag}: by default {}, not in {} and left out",
                first_names(absent),
                chromosomes.path.display()
            ));
        }
        Ok(Regions::merge(chromosomes.len(), spans))
    }
}

impl Choice<'_> {
    /// The chromosomes of a fold's file that are in use.
    fn listed(
        &self,
        path: &Path,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Vec<(u32, Span)>> {
        let folds = read_folds_json(path)?;
        let list = match self.flag {
            "-v" => &folds.valid,
            _ => &folds.test,
        };
        let numbers: Vec<u32> = list
            .iter()
            .filter_map(|name| chromosomes.number(name))
            .collect();
        if numbers.is_empty() {
            return Err(Error::usage(format!(
                "{} {}: none of {} is in use; those of {} are {}",
                self.flag,
                path.display(),
                list.join(", "),
                chromosomes.path.display(),
                first_names(chromosomes.names())
            )));
        }
        let all: HashSet<&String> = [&folds.train, &folds.valid, &folds.test]
            .into_iter()
            .flatten()
            .collect();
        let others = chromosomes
            .names()
            .iter()
            .filter(|name| !all.contains(name));
        let others: Vec<&String> = others.collect();
        if !others.is_empty() {
            let note = format!(
                "note: {} does not name {}, in use: training takes them; --chrom-sizes can leave them out",
                path.display(),
                first_names(others)
            );
            // Once for both flags.
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        let whole = |number| (number, Span::new(0, chromosomes.length(number)));
        Ok(numbers.into_iter().map(whole).collect())
    }
}

/// A name, a start and an end from `name:start-end`.
fn region(word: &str) -> Option<(&str, u64, u64)> {
    let (name, span) = word.rsplit_once(':')?;
    let (start, end) = span.split_once('-')?;
    Some((name, whole(start)?, whole(end)?))
}

/// A whole number, plain or with a comma before every three digits, as genome browsers write it.
fn whole(text: &str) -> Option<u64> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let grouped = text.len() > first.len();
    let sound = groups.all(|group| group.len() == 3 && digits(group));
    if !digits(first) || !sound || grouped && !(1..=3).contains(&first.len()) {
        return None;
    }
    text.replace(',', "").parse().ok()
}

/// A part of the genome by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Validation,
    Test,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Train => "training",
            Part::Validation => "validation",
            Part::Test => "test",
        })
    }
}

/// The regions of validation and test; all else trains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    validation: Regions,
    test: Regions,
}

impl Split {
    /// A default test choice of which no chromosome is in use is none, with a note.
    ///
    /// Errors: a base in both, those of [`Choice::regions`].
    pub fn new(
        validation: Choice,
        test: Choice,
        sources: &Sources,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Split> {
        let (unchosen, untested) = (validation.absent(chromosomes), test.absent(chromosomes));
        if let Some(message) = unchosen {
            let both = std::iter::once(message).chain(untested);
            return Err(Error::usage(both.collect::<Vec<_>>().join("; ")));
        }
        let split = Split {
            validation: validation.present(sources, chromosomes, notes)?,
            test: match untested {
                Some(message) => {
                    notes.push(format!("note: {message} to keep them out of training"));
                    Regions::none(chromosomes.len())
                }
                None => test.present(sources, chromosomes, notes)?,
            },
        };
        match split.validation.intersection(&split.test).iter().next() {
            None => Ok(split),
            Some((number, span)) => Err(Error::usage(format!(
                "{} and {} overlap at {}:{}-{}; no region can be in both",
                validation.flag,
                test.flag,
                chromosomes.name(number),
                span.start,
                span.end
            ))),
        }
    }

    pub fn validation(&self) -> &Regions {
        &self.validation
    }

    pub fn test(&self) -> &Regions {
        &self.test
    }

    /// Where a sample belongs whose unshifted window has its middle here.
    pub fn part(&self, chromosome: u32, middle: u32) -> Part {
        let middle = i64::from(middle);
        if self.validation.contains(chromosome, middle) {
            Part::Validation
        } else if self.test.contains(chromosome, middle) {
            Part::Test
        } else {
            Part::Train
        }
    }

    /// The middles around which an input of `length` bases would reach into a validation or test
    /// region: input `m - length/2 .. m + length/2` and region `a .. b` share a base when
    /// a - length/2 < m < b + length/2.
    pub fn closed_to_training(&self, length: u32, chromosomes: &Chromosomes) -> Regions {
        let half = length / 2;
        let held_out = self.validation.union(&self.test);
        let closed = held_out.iter().map(|(number, span)| {
            let start = (span.start + 1).saturating_sub(half);
            let end = span.end.saturating_add(half);
            (
                number,
                Span::new(start, end.min(chromosomes.length(number))),
            )
        });
        Regions::merge(
            chromosomes.len(),
            closed.filter(|(_, span)| span.start < span.end),
        )
    }

    /// The middles of a part's windows; in training those whose input reaches into no other part.
    pub fn middles(&self, part: Part, length: u32, chromosomes: &Chromosomes) -> Regions {
        match part {
            Part::Train => self
                .closed_to_training(length, chromosomes)
                .complement(chromosomes),
            Part::Validation => self.validation.clone(),
            Part::Test => self.test.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chromosomes() -> Chromosomes {
        let list = [("chr1", 1000), ("chr2", 500)];
        let list = list.map(|(name, length)| (name.to_string(), length));
        Chromosomes::new("c.sizes", list.to_vec()).unwrap()
    }

    fn split(validation: &[&str], test: &[&str], explicit: bool) -> (Result<Split>, Notes) {
        let words = |list: &[&str]| list.iter().map(|word| word.to_string()).collect::<Vec<_>>();
        let (v, t) = (words(validation), words(test));
        let mut notes = Notes::new();
        let choice = |flag, what, words| Choice {
            flag,
            what,
            words,
            explicit,
        };
        let split = Split::new(
            choice("-v", "validation region", &v[..]),
            choice("-t", "test region", &t[..]),
            &Sources::new(),
            &chromosomes(),
            &mut notes,
        );
        (split, notes)
    }

    #[test]
    fn parts_are_chromosomes_regions_and_bed_files() {
        let folder = tempfile::tempdir().unwrap();
        let bed = folder.path().join("b.bed");
        std::fs::write(&bed, "chr1\t10\t20\nchr1\t30\t40\n").unwrap();
        let (split, notes) = split(
            &["chr2"],
            &["chr1:100-200", &bed.display().to_string()],
            true,
        );
        let split = split.unwrap();
        let parts = [(1, 0), (0, 10), (0, 20), (0, 39), (0, 199), (0, 200)];
        let parts = parts.map(|(chromosome, middle)| split.part(chromosome, middle));
        use Part::*;
        assert_eq!(parts, [Validation, Test, Train, Test, Test, Train]);
        assert!(notes.is_empty());
    }

    #[test]
    fn absent_chromosomes_are_noted_by_default_and_refused_when_asked_for() {
        let (found, notes) = split(&["chr2", "chr11"], &["chr1", "chr8", "chr21"], false);
        assert_eq!(found.unwrap().test().bases(), 1000);
        assert_eq!(
            notes,
            [
                "-v: by default 'chr11', not in c.sizes and left out",
                "-t: by default 'chr8', 'chr21', not in c.sizes and left out"
            ]
        );
        let error = split(&["chr11"], &[], true).0.unwrap_err().to_string();
        assert!(
            error.starts_with("-v chr11: neither a chromosome in use (c.sizes has 'chr1', 'chr2')"),
            "{error}"
        );
    }

    #[test]
    fn a_default_of_which_nothing_is_in_use_asks_for_the_flag() {
        let (found, notes) = split(&["chr2"], &["chr8", "chr21"], false);
        assert!(found.unwrap().test().is_empty());
        assert_eq!(
            notes,
            [
                "note: no test region: none of the default chromosomes (chr8, chr21) is in c.sizes; \
                 name some with -t to keep them out of training"
            ]
        );
        let only = split(&["chr11"], &["chr1"], false).0.unwrap_err();
        assert_eq!(
            only.to_string(),
            "no validation region: none of the default chromosomes (chr11) is in c.sizes; name some with -v"
        );
        let both = split(&["chr11"], &["chr8"], false).0.unwrap_err();
        assert_eq!(
            both.to_string(),
            "no validation region: none of the default chromosomes (chr11) is in c.sizes; name some with -v; \
             no test region: none of the default chromosomes (chr8) is in c.sizes; name some with -t"
        );
    }

    #[test]
    fn numbers_of_a_region_may_have_commas_between_thousands() {
        for (text, number) in [
            ("0", Some(0)),
            ("1,000", Some(1000)),
            ("12,345,678", Some(12_345_678)),
            ("1000", Some(1000)),
            ("1,00", None),
            ("1000,000", None),
            (",100", None),
            ("1,", None),
            ("", None),
            ("+5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(whole(text), number, "{text}");
        }
        let (plain, _) = split(&["chr1:100-1000"], &["chr2"], true);
        let (commas, _) = split(&["chr1:100-1,000"], &["chr2"], true);
        assert_eq!(plain.unwrap(), commas.unwrap());
    }

    #[test]
    fn regions_that_make_no_sense_are_refused() {
        for (v, t, expected) in [
            ("chr1:5-5", "chr2", "-v chr1:5-5: chr1 has 1000 bases"),
            ("chr1:5-1001", "chr2", "-v chr1:5-1001: chr1 has 1000 bases"),
            (
                "chr3:5-10",
                "chr2",
                "-v chr3:5-10: chromosome 'chr3' is not in use; those of c.sizes are 'chr1', 'chr2'",
            ),
            ("chr1:5-x", "chr2", "-v chr1:5-x: neither a chromosome"),
            ("chr1:5-11", "chr1:10-20", "-v and -t overlap at chr1:10-11"),
        ] {
            let found = split(&[v], &[t], true).0.unwrap_err();
            assert!(matches!(found, Error::Usage(_)));
            let found = found.to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    #[test]
    fn training_inputs_end_where_held_out_regions_begin() {
        let split = split(&["chr1:300-400"], &["chr1:3-4"], true).0.unwrap();
        let open = split.middles(Part::Train, 100, &chromosomes());
        assert_eq!(open.spans(0), [Span::new(54, 251), Span::new(450, 1000)]);
        assert_eq!(open.spans(1), [Span::new(0, 500)]);
    }
}
