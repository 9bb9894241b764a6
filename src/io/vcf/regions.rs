//! Which stretches of chromosomes are wanted of a file.

use crate::io::bed::read_bed;
use crate::io::text::{Lines, excerpt, first_names};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// Stretches by chromosome: 1-based, both ends included, sorted, apart from each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(BTreeMap<String, Vec<(u64, u64)>>);

impl Wanted {
    /// From a flag's text: the name of a BED file (0-based, half-open), or words like `chr1:1,000-2,000` (1-based, both ends
    /// included, as genome browsers write it), `chr1:5` for one base, `chr1:5-` for all from one on, and `chr1` for all of a chromosome; apart by
    /// blanks or commas.
    ///
    /// # Errors
    /// Those of [`read_bed`]; no word; a region that ends before it starts or starts at 0. `flag` names it.
    pub fn parse(flag: &str, text: &str) -> Result<Wanted> {
        if Wanted::is_file(text) {
            return Wanted::read(Path::new(text));
        }
        let wrong = |word: &str| {
            Error::usage(format!(
                "{flag} {}; expected a region like chr1:1,000-2,000, counted from 1, a chromosome, or a BED file that is there",
                excerpt(word)
            ))
        };
        let mut all = Vec::new();
        for word in words(text) {
            let word = word.as_str();
            all.push(match region(word) {
                Some((_, first, last)) if first == 0 || last < first => return Err(wrong(word)),
                Some((name, first, last)) => (name.to_string(), first, last),
                // A name with a colon in it, as HLA contigs have, is a chromosome's.
                None if word.contains('/') || word.ends_with(".bed") => return Err(wrong(word)),
                None => (word.to_string(), 1, u64::MAX),
            });
        }
        match all.is_empty() {
            true => Err(wrong(text)),
            false => Ok(Wanted::merge(all)),
        }
    }

    /// Whether a flag's text is the name of a BED file, and not regions.
    pub fn is_file(text: &str) -> bool {
        Path::new(text).is_file()
    }

    /// The intervals of a BED file; those without a base are wanted nowhere.
    ///
    /// # Errors
    /// Those of [`read_bed`]; no interval with a base.
    pub fn read(path: &Path) -> Result<Wanted> {
        let intervals = read_bed(&mut Lines::open(path)?)?.into_iter();
        let filled = intervals.filter(|interval| interval.length() > 0);
        let all: Vec<_> = filled
            .map(|interval| (interval.chromosome, interval.start + 1, interval.end))
            .collect();
        match all.is_empty() {
            true => Err(Error::format(path, "no interval with a base in it")),
            false => Ok(Wanted::merge(all)),
        }
    }

    fn merge(mut all: Vec<(String, u64, u64)>) -> Wanted {
        all.sort();
        let mut merged: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
        for (name, first, last) in all {
            let list = merged.entry(name).or_default();
            match list.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => list.push((first, last)),
            }
        }
        Wanted(merged)
    }

    /// Whether anything of a chromosome is wanted.
    pub fn names(&self, chromosome: &str) -> bool {
        self.0.contains_key(chromosome)
    }

    /// Whether a base from `first` to `last` is wanted.
    pub fn overlaps(&self, chromosome: &str, first: u64, last: u64) -> bool {
        let Some(list) = self.0.get(chromosome) else {
            return false;
        };
        let next = list.partition_point(|&(_, end)| end < first);
        list.get(next).is_some_and(|&(start, _)| start <= last)
    }

    /// By chromosome, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[(u64, u64)])> {
        let lists = self.0.iter();
        lists.map(|(name, list)| (name.as_str(), list.as_slice()))
    }

    /// The first chromosomes' names, for messages.
    pub fn shown(&self) -> String {
        first_names(self.0.keys())
    }
}

/// A name, a first and a last base.
fn region(word: &str) -> Option<(&str, u64, u64)> {
    let (name, span) = word.rsplit_once(':')?;
    let (first, last) = span.split_once('-').unwrap_or((span, span));
    (!name.is_empty()).then_some(())?;
    let last = match last {
        "" => u64::MAX,
        last => whole(last)?,
    };
    Some((name, whole(first)?, last))
}

/// The regions of a text, apart by blanks or commas; a comma before three digits is that of a number.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        for (i, piece) in word.split(',').enumerate() {
            // Three digits behind a number's comma: not a chromosome's name.
            let number = piece.split('-').next().unwrap_or_default();
            let digits = number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit());
            match words.last_mut() {
                Some(last) if i > 0 && digits && last.contains(':') => {
                    *last += &format!(",{piece}")
                }
                _ if piece.is_empty() => {}
                _ => words.push(piece.to_string()),
            }
        }
    }
    words
}

/// A whole number, plain or with a comma before every three digits.
fn whole(text: &str) -> Option<u64> {
    let groups: Vec<&str> = text.split(',').collect();
    let digits = |group: &&str| group.bytes().all(|b| b.is_ascii_digit());
    let sound = match groups.as_slice() {
        [_] => true,
        [first, rest @ ..] => {
            (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3)
        }
        [] => false,
    };
    (sound && groups.iter().all(digits)).then(|| groups.concat().parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_regions_from_1_with_both_ends() {
        let wanted = Wanted::parse(
            "--regions",
            "chr1:1,000-2,000,chr1:1990-2005 chr2:7 HLA:A,chr1:9, chr4:1,000-,chr5,6 7:200,8",
        )
        .unwrap();
        for (chromosome, first, last, expected) in [
            ("chr1", 999, 999, false),
            ("chr1", 999, 1000, true),
            ("chr1", 2005, 2010, true),
            ("chr1", 2006, 2010, false),
            ("chr1", 10, 999, false),
            ("chr1", 9, 9, true),
            ("chr2", 7, 7, true),
            ("chr2", 8, 8, false),
            ("HLA:A", 1, 1, true),
            ("6", 5, 5, true),
            ("7", 200, 200, true),
            ("7", 201, 201, false),
            ("8", 1, 1, true),
            ("chr4", 999, 999, false),
            ("chr4", 1000, 9_999_999, true),
            ("chr5", 7, 7, true),
            ("chr3", 1, 1, false),
        ] {
            let found = wanted.overlaps(chromosome, first, last);
            assert_eq!(found, expected, "{chromosome}:{first}-{last}");
        }
        assert_eq!(wanted.0["HLA:A"], [(1, u64::MAX)]);
        assert_eq!(wanted.iter().next().map(|(name, _)| name), Some("6"));
    }

    #[test]
    fn a_bed_file_counts_from_0() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.bed");
        std::fs::write(&path, "chr1\t4\t6\nchr1\t5\t9\nchr1\t2\t2\n").unwrap();
        let wanted = Wanted::parse("--regions", path.to_str().unwrap()).unwrap();
        assert_eq!(wanted.0["chr1"], [(5, 9)]);
    }

    #[test]
    fn what_is_no_region_is_said() {
        for text in ["chr1:0-5", "chr1:9-5", "missing/r.bed", "r.bed", "", " "] {
            let error = Wanted::parse("--regions", text).unwrap_err().to_string();
            assert!(
                error.starts_with("--regions '") && error.contains("chr1:1,000-2,000"),
                "{error}"
            );
        }
        assert_eq!(
            (whole("1,00"), whole("1,000"), whole("+1")),
            (None, Some(1000), None)
        );
    }
}
