//! Sets of named sequences.

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

/// The first base in such a name, counted from 0.
pub fn start_in_name(name: &str) -> Option<u64> {
    chromosome_in_name(name)?;
    let span = name.rsplit_once(':')?.1;
    span.split_once('-')?.0.parse().ok()
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
    /// The first base of each on its chromosome, counted from 0, where a BED file told it; else empty.
    pub starts: Vec<u64>,
    /// By interval of such a file: whether it is among the sequences; else empty.
    pub kept: Vec<bool>,
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

    /// Where sequence `i` lies: from the BED file, else from a name like `chr1:100-200`.
    pub fn place(&self, i: usize) -> Option<Place> {
        match (&self.chromosomes, self.starts.get(i)) {
            (Some(chromosomes), Some(&start)) => Some(Place {
                chromosome: chromosomes[i].clone(),
                start,
            }),
            _ => Place::in_name(&self.names[i], self.length),
        }
    }

    /// The chromosome of sequence `i`: from the BED file, else from a name like `chr1:100-200`.
    pub fn chromosome(&self, i: usize) -> Option<&str> {
        chromosome_of(self.chromosomes.as_deref(), &self.names, i)
    }
}

/// Named sequences of any lengths.
#[derive(Clone, Debug, PartialEq)]
pub struct UnequalSequences {
    /// Unique, in the order of the file.
    pub names: Vec<String>,
    /// Codes, one sequence after the other with an N behind each, so that no window of bases lies on two.
    pub codes: Vec<u8>,
    /// Where each one begins among the codes.
    pub starts: Vec<usize>,
    /// Where each one lies, where that is known of all.
    pub places: Option<Vec<Place>>,
}

/// Where a sequence lies on a genome, forward strand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub chromosome: String,
    /// Its first base, counted from 0.
    pub start: u64,
}

impl UnequalSequences {
    /// The sequence that holds one of the codes.
    pub fn holding(&self, code: usize) -> usize {
        self.starts.partition_point(|&start| start <= code) - 1
    }

    /// The first name that is no place, where places are not known.
    pub fn without_place(&self) -> Option<&str> {
        if self.places.is_some() {
            return None;
        }
        // Behind each sequence stands an N.
        let ends = self
            .starts
            .iter()
            .copied()
            .skip(1)
            .chain([self.codes.len()]);
        let lengths = self
            .starts
            .iter()
            .zip(ends)
            .map(|(start, end)| end - start - 1);
        let mut named = self.names.iter().zip(lengths);
        let first = named.find(|(name, length)| Place::in_name(name, *length).is_none());
        first.map(|(name, _)| name.as_str())
    }
}

impl Place {
    /// From a name like `chr1:100-200` of a sequence of as many bases; 0-based half-open.
    pub fn in_name(name: &str, length: usize) -> Option<Place> {
        let chromosome = chromosome_in_name(name)?;
        if name.ends_with("(-)") {
            return None;
        }
        let span = name.trim_end_matches("(+)").rsplit_once(':')?.1;
        let (start, end) = span.split_once('-')?;
        let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
        (end.checked_sub(start)? == length as u64).then(|| Place {
            chromosome: chromosome.to_string(),
            start,
        })
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
    fn places_come_from_names_of_as_many_bases() {
        let place = |name, length| Place::in_name(name, length).map(|p| (p.chromosome, p.start));
        assert_eq!(place("chr1:10-15", 5), Some(("chr1".into(), 10)));
        assert_eq!(place("p::chr1:10-15(+)", 5), Some(("chr1".into(), 10)));
        for (name, length) in [
            ("chr1:10-15", 6),
            ("chr1:10-15(-)", 5),
            ("chr1:15-10", 5),
            ("p", 1),
        ] {
            assert_eq!(place(name, length), None, "{name}");
        }
    }

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
            assert_eq!(start_in_name(name).is_some(), chromosome.is_some());
            assert_eq!(chromosome_in_name(name), chromosome, "{name}");
        }
    }
}
