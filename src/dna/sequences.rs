//! Sets of named sequences of one length.

use std::path::PathBuf;

/// The chromosome in a name like `chr1:100-200`, as peak callers and bedtools write it
/// (`name::chr1:100-200(+)` too); `None` for another form of name.
pub fn chromosome_in_name(name: &str) -> Option<&str> {
    let name = name
        .strip_suffix("(+)")
        .or_else(|| name.strip_suffix("(-)"))
        .unwrap_or(name);
    let (chromosome, span) = name.rsplit_once(':')?;
    let (start, end) = span.split_once('-')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !number(start) || !number(end) {
        return None;
    }
    let chromosome = chromosome.rsplit("::").next()?;
    (!chromosome.is_empty()).then_some(chromosome)
}

/// Named sequences of one length.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequences {
    /// Where they came from, for messages.
    pub path: PathBuf,
    /// Unique, in the order of the file.
    pub names: Vec<String>,
    /// The number of bases of every sequence, at least 1.
    pub length: usize,
    /// Codes (0 to 3 for A, C, G, T; 4 for none of them), names x length, row-major.
    pub codes: Vec<u8>,
    /// The chromosome of each sequence, where they were cut from a genome by a BED file.
    pub chromosomes: Option<Vec<String>>,
}

impl Sequences {
    /// How many sequences there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The codes of sequence `i`, `length` of them. Panics when `i` is not below [`Self::len`].
    pub fn codes(&self, i: usize) -> &[u8] {
        &self.codes[i * self.length..(i + 1) * self.length]
    }

    /// The chromosome of sequence `i`: from the BED file, else from a name like `chr1:100-200`.
    pub fn chromosome(&self, i: usize) -> Option<&str> {
        chromosome_of(self.chromosomes.as_deref(), &self.names, i)
    }
}

/// A known chromosome, else the one in the name.
pub fn chromosome_of<'a>(
    known: Option<&'a [String]>,
    names: &'a [String],
    i: usize,
) -> Option<&'a str> {
    match known {
        Some(known) => known.get(i).map(String::as_str),
        None => names.get(i).and_then(|name| chromosome_in_name(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chromosomes_come_from_names_of_intervals_only() {
        for (name, chromosome) in [
            ("chr22:10-20", Some("chr22")),
            ("X:0-5(+)", Some("X")),
            ("peak_1::chr1:5-6(-)", Some("chr1")),
            ("HLA:A*01:01:10-20", Some("HLA:A*01:01")),
            ("peak_1", None),
            ("chr1:10", None),
            ("chr1:a-b", None),
            (":1-2", None),
        ] {
            assert_eq!(chromosome_in_name(name), chromosome, "{name}");
        }
    }
}
