//! Chromosomes in use, by name and length: `chrom.sizes` files.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::distinct::Distinct;
use super::text::{Lines, excerpt, first_names};
use crate::{Error, Result};

/// Chromosomes in a fixed order; a chromosome's number is its place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chromosomes {
    /// Where they came from, for messages.
    pub path: PathBuf,
    names: Vec<String>,
    lengths: Vec<u32>,
    numbers: HashMap<String, u32>,
}

impl Chromosomes {
    /// Chromosomes by name and length in bases; `None` when a name comes twice.
    pub fn new(path: impl AsRef<Path>, list: Vec<(String, u32)>) -> Option<Chromosomes> {
        let (names, lengths): (Vec<_>, Vec<_>) = list.into_iter().unzip();
        let numbers: HashMap<String, u32> = names.iter().cloned().zip(0..).collect();
        (numbers.len() == names.len()).then(|| Chromosomes {
            path: path.as_ref().to_path_buf(),
            names,
            lengths,
            numbers,
        })
    }

    /// Reads a name and a length a line, separated by tabs or blanks; further columns are not looked
    /// at, so that a FASTA index (.fai) will do.
    ///
    /// Errors name the line: a line of one word, a length that is no whole number from 1 to
    /// 2^32 − 1, a name that comes twice; a file without a line.
    pub fn read(path: impl AsRef<Path>) -> Result<Chromosomes> {
        Self::parse(Lines::open(path.as_ref())?)
    }

    /// As [`Self::read`], from lines that are open already.
    pub fn parse(mut lines: Lines) -> Result<Chromosomes> {
        let (mut list, mut numbers, mut line) = (Vec::new(), HashMap::new(), String::new());
        while lines.read_filled(&mut line)? {
            if line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(name), Some(length)) = (words.next(), words.next()) else {
                let found = excerpt(&line);
                let message = format!("{found}; expected a chromosome's name and its length");
                return Err(lines.error(message));
            };
            let length = match length.parse::<u32>() {
                Ok(length) if length > 0 => length,
                _ => {
                    let found = excerpt(length);
                    return Err(lines.error(format!(
                        "length {found} of chromosome '{name}'; expected a whole number from 1 to {}",
                        u32::MAX
                    )));
                }
            };
            if let Some(first) = numbers.insert(name.to_string(), lines.number()) {
                return Err(
                    lines.error(format!("chromosome '{name}' again, first on line {first}"))
                );
            }
            list.push((name.to_string(), length));
        }
        match Self::new(lines.path(), list) {
            Some(chromosomes) if !chromosomes.is_empty() => Ok(chromosomes),
            _ => Err(lines.empty("chromosomes: name and length")),
        }
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// In order of their numbers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// In bases, in order of their numbers.
    pub fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// A chromosome's number, if it is in use. Names are compared as written.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// Panics when there is no such chromosome, as do all that take a number.
    pub fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// In bases.
    pub fn length(&self, number: u32) -> u32 {
        self.lengths[number as usize]
    }

    /// The bases of all chromosomes.
    pub fn total(&self) -> u64 {
        self.lengths.iter().map(|&n| u64::from(n)).sum()
    }

    /// The error for a file of whose chromosomes none is in use.
    pub fn nothing_in_common<S: AsRef<str>>(
        &self,
        path: &Path,
        names: impl IntoIterator<Item = S>,
    ) -> Error {
        nothing_in_common((path, names), (&self.path, &self.names))
    }
}

/// The error for a file none of whose chromosomes another one has: both sides' first names, and whether these differ by a
/// `chr`.
pub fn nothing_in_common<S: AsRef<str>>(
    (path, names): (&Path, impl IntoIterator<Item = S>),
    (other, known): (&Path, &[String]),
) -> Error {
    let names: Vec<S> = names.into_iter().collect();
    let known_names: HashSet<&str> = known.iter().map(String::as_str).collect();
    let by_prefix = names.iter().map(AsRef::as_ref).any(|name: &str| {
        let bare = name.strip_prefix("chr");
        bare.is_some_and(|bare| known_names.contains(bare))
            || known_names.contains(format!("chr{name}").as_str())
    });
    let todo = match by_prefix {
        true => ", and these differ by 'chr': rename them in one of the files",
        false => "",
    };
    Error::invalid(format!(
        "no chromosome of {} is in {}: {} there, {} here; names are compared as written{todo}",
        path.display(),
        other.display(),
        first_names(names),
        first_names(known)
    ))
}

/// The numbers of the chromosomes of a file's rows: neighbors mostly are on the same one, which is looked up once.
#[derive(Clone, Debug)]
pub struct Numbers<'a> {
    chromosomes: &'a Chromosomes,
    last: Option<(String, u32)>,
}

impl<'a> Numbers<'a> {
    pub fn new(chromosomes: &'a Chromosomes) -> Numbers<'a> {
        Numbers {
            chromosomes,
            last: None,
        }
    }

    /// The number of the next row's chromosome, if it is in use.
    pub fn of(&mut self, name: &str) -> Option<u32> {
        if let Some((last, number)) = &self.last
            && last == name
        {
            return Some(*number);
        }
        let number = self.chromosomes.number(name)?;
        self.last = Some((name.to_string(), number));
        Some(number)
    }
}

/// Rows of a file on chromosomes that are not in use.
#[derive(Clone, Debug, Default)]
pub struct Strangers {
    count: usize,
    names: Distinct,
}

impl Strangers {
    /// Takes a row's chromosome.
    pub fn count(&mut self, name: &str) {
        self.count += 1;
        self.names.add(name);
    }

    /// How many rows there were.
    pub fn rows(&self) -> usize {
        self.count
    }

    /// Their chromosomes, each once, in the order of the file.
    pub fn names(&self) -> &[String] {
        self.names.names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Chromosomes> {
        let text = std::io::Cursor::new(text.to_string());
        Chromosomes::parse(Lines::new("c.sizes", text))
    }

    #[test]
    fn names_and_lengths_keep_their_order() {
        let found = parse("chr2\t7\n# note\n\nchr10 5\r\nM\t1\t9\t60\t61\n").unwrap();
        assert_eq!(found.names(), ["chr2", "chr10", "M"]);
        assert_eq!(found.lengths(), [7, 5, 1]);
        assert_eq!((found.number("chr10"), found.number("10")), (Some(1), None));
        assert_eq!(
            (found.name(0), found.length(1), found.total()),
            ("chr2", 5, 13)
        );
    }

    #[test]
    fn one_line_without_an_end_is_a_file() {
        assert_eq!(parse("chr22\t50818468").unwrap().lengths(), [50_818_468]);
    }

    #[test]
    fn every_fault_names_its_line() {
        for (text, expected) in [
            ("", "c.sizes: the file is empty; expected chromosomes"),
            ("a 1\nb\n", "line 2: 'b'; expected a chromosome's name"),
            ("a 0\n", "line 1: length '0' of chromosome 'a'"),
            ("a -1\n", "line 1: length '-1'"),
            ("a 4294967296\n", "line 1: length '4294967296'"),
            (
                "a 1\nb 1\na 2\n",
                "line 3: chromosome 'a' again, first on line 1",
            ),
        ] {
            let found = parse(text).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    #[test]
    fn a_file_of_other_names_shows_both_sides() {
        let error = parse("chr1 5\nchr2 5\n").unwrap();
        let error = error.nothing_in_common(Path::new("p.bed"), ["1", "2", "3", "4"]);
        assert_eq!(
            error.to_string(),
            "no chromosome of p.bed is in c.sizes: '1', '2', '3' and 1 more there, 'chr1', 'chr2' here; \
             names are compared as written, and these differ by 'chr': rename them in one of the files"
        );
    }

    #[test]
    fn strangers_are_counted_and_named_once() {
        let mut strangers = Strangers::default();
        for name in ["x", "y", "x"] {
            strangers.count(name);
        }
        assert_eq!(
            (strangers.rows(), strangers.names().join("")),
            (3, "xy".to_string())
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(chr1|1|99999999999|\t|\n| |é|#){0,30}") {
            let _ = parse(&text);
        }
    }
}
