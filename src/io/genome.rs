//! Sequences of intervals, cut from a genome in FASTA (plain, gzip or bgzip) or 2bit.
//!
//! Of 2bit, and of FASTA with an index beside it (.fai; for bgzip .gzi too), only the parts that are asked for are read;
//! else the file is read through once, with one chromosome in memory at a time.

mod by_place;
mod indexed;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::bed::Interval;
use super::chrom_sizes::{Chromosomes, Strangers, nothing_in_common};
use super::edges::{Edge, Edges};
use super::fasta::{Want, read_fasta};
use super::text::Lines;
use super::two_bit::TwoBit;
use crate::dna::bases;
use crate::numbers::counted;
use crate::{Error, Result};
use by_place::ByPlace;
use indexed::Indexed;

/// An interval may be longer than a short contig, and is filled up; one that is longer than this as well is no window but
/// a mistake, and would take its length in memory.
const LONGEST_OVER: u64 = 1 << 20;

/// Sequences cut from a genome.
pub struct Cut {
    /// The intervals that have a base on their chromosome, by their place in the list that was asked for.
    pub kept: Vec<usize>,
    /// Their codes (see [`bases::encode`]), one after another, forward strand; N for what lies past a chromosome's end.
    pub codes: Vec<u8>,
    /// Where the intervals on chromosomes of the genome lie.
    pub edges: Edges,
    /// The intervals on chromosomes that the genome lacks: left out.
    pub strangers: Strangers,
}

/// Cuts `intervals` out. `bed` is the file that they came from, for messages.
///
/// Errors: no chromosome in common (shows both sides' first names; names are compared as
/// written), an interval that is far longer than its chromosome (names the line of `bed`), a character that is not DNA, an
/// index that does not fit its file, a damaged 2bit file.
pub fn extract(genome: &Path, bed: &Path, intervals: &[Interval]) -> Result<Cut> {
    let mut request = Request::new(genome, bed, intervals);
    if let Some(mut two_bit) = TwoBit::open(genome)? {
        request.parts(&mut two_bit)?;
    } else if let Some(mut indexed) = Indexed::open(genome)? {
        request.parts(&mut indexed)?;
    } else {
        request.stream()?;
    }
    Ok(request.cut())
}

/// The chromosomes of a genome, in the order of the file: from its index where it has one, else it is read to its end. Those of 0
/// bases are left out.
///
/// Errors: those of reading it; a chromosome that comes twice, or is longer than 2^32 - 1 bases.
pub fn chromosomes(genome: &Path) -> Result<Chromosomes> {
    let list = if let Some(two_bit) = TwoBit::open(genome)? {
        ByPlace::chromosomes(&two_bit)
    } else if let Some(indexed) = Indexed::open(genome)? {
        indexed.chromosomes()
    } else {
        let mut list = Vec::new();
        read_fasta(
            &mut Lines::open(genome)?,
            |_| Want::Keep,
            |record| {
                list.push((record.name, record.codes.len() as u64));
                Ok(())
            },
        )?;
        list
    };
    let list = list.into_iter().filter(|(_, length)| *length > 0);
    let list = list.map(|(name, length)| match u32::try_from(length) {
        Ok(length) => Ok((name, length)),
        Err(_) => Err(Error::format(
            genome,
            format!(
                "chromosome '{name}' has {length} bases; expected at most {}",
                u32::MAX
            ),
        )),
    });
    Chromosomes::new(genome, list.collect::<Result<_>>()?)
        .ok_or_else(|| Error::format(genome, "a chromosome comes twice; expected each once"))
}

impl ByPlace for TwoBit {
    /// Four bases a byte: a page's.
    fn gap(&self) -> u64 {
        1 << 14
    }

    fn chromosomes(&self) -> Vec<(String, u64)> {
        let list = TwoBit::chromosomes(self).iter();
        list.map(|(name, length)| (name.clone(), u64::from(*length)))
            .collect()
    }

    fn bases(&mut self, chromosome: usize, from: u64, to: u64) -> Result<Vec<u8>> {
        let name = TwoBit::chromosomes(self)[chromosome].0.clone();
        self.codes(&name, from..to)
    }
}

struct Request<'a> {
    genome: &'a Path,
    bed: &'a Path,
    intervals: &'a [Interval],
    /// Where each interval's codes begin, then where the last ones end.
    offsets: Vec<usize>,
    /// Made when the first interval has proved to lie on its chromosome.
    codes: Vec<u8>,
    /// The intervals of each chromosome, by start.
    wanted: HashMap<&'a str, Vec<usize>>,
    /// Those of them that were met, in bases.
    lengths: HashMap<&'a str, u64>,
}

impl<'a> Request<'a> {
    fn new(genome: &'a Path, bed: &'a Path, intervals: &'a [Interval]) -> Self {
        let mut offsets = Vec::with_capacity(intervals.len() + 1);
        let mut total = 0_usize;
        let mut wanted: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, interval) in intervals.iter().enumerate() {
            offsets.push(total);
            total = total.saturating_add(interval.length() as usize);
            wanted.entry(&interval.chromosome).or_default().push(i);
        }
        offsets.push(total);
        for list in wanted.values_mut() {
            list.sort_by_key(|&i| intervals[i].start);
        }
        Request {
            genome,
            bed,
            intervals,
            offsets,
            codes: Vec::new(),
            wanted,
            lengths: HashMap::new(),
        }
    }

    /// The intervals of a chromosome of so many bases that have a base on it, by start. Each chromosome is asked for once.
    ///
    /// # Errors
    /// One that is far longer than the chromosome.
    fn take(&mut self, name: &str, length: u64) -> Result<Vec<usize>> {
        let Some((name, mut list)) = self.wanted.remove_entry(name) else {
            return Ok(Vec::new());
        };
        self.lengths.insert(name, length);
        let too_long = |i: &&usize| self.intervals[**i].length() > length.max(LONGEST_OVER);
        if let Some(&i) = list.iter().find(too_long) {
            let long = &self.intervals[i];
            let message = format!(
                "interval {} has {}, its chromosome {length} in {}; expected windows that lie on chromosomes",
                long.place(),
                counted(long.length(), "base"),
                self.genome.display()
            );
            return Err(Error::format_at(self.bed, long.line, message));
        }
        list.retain(|&i| on_chromosome(&self.intervals[i], length));
        Ok(list)
    }

    /// What was asked for, when all of it has been read.
    fn cut(mut self) -> Cut {
        let (mut kept, mut edges) = (Vec::with_capacity(self.intervals.len()), Edges::default());
        let mut strangers = Strangers::default();
        for (i, interval) in self.intervals.iter().enumerate() {
            let Some(&length) = self.lengths.get(interval.chromosome.as_str()) else {
                strangers.count(&interval.chromosome);
                continue;
            };
            let place = (interval.chromosome.as_str(), interval.start, interval.end);
            edges.count(place, interval.line, length);
            if on_chromosome(interval, length) {
                kept.push(i);
            }
        }
        if kept.len() < self.intervals.len() {
            let of = |&i: &usize| &self.codes[self.offsets[i]..self.offsets[i + 1]];
            self.codes = kept.iter().flat_map(of).copied().collect();
        }
        Cut {
            kept,
            codes: self.codes,
            edges,
            strangers,
        }
    }

    /// Copies interval `i` out of `part`, which begins at base `from` of its chromosome and reaches to the interval's end or
    /// the chromosome's.
    fn fill(&mut self, i: usize, part: &[u8], from: u64) -> Result<()> {
        let total = self.offsets.last().copied().unwrap_or(0);
        if self.codes.len() != total {
            self.codes.try_reserve_exact(total).map_err(|_| {
                Error::format(self.bed, format!("{total} bases do not fit into memory"))
            })?;
            self.codes.resize(total, bases::N);
        }
        let interval = &self.intervals[i];
        let begin = (interval.start - from) as usize;
        let length = (interval.length() as usize).min(part.len() - begin);
        let place = self.offsets[i];
        self.codes[place..place + length].copy_from_slice(&part[begin..begin + length]);
        Ok(())
    }

    /// Checks that the genome has at least one of the chromosomes that are asked for.
    ///
    /// # Errors
    /// It has none.
    fn check_names(&self, found: &[String]) -> Result<()> {
        let known: HashSet<&str> = found.iter().map(String::as_str).collect();
        let mut asked = self.intervals.iter().map(|i| i.chromosome.as_str());
        if self.intervals.is_empty() || asked.any(|name| known.contains(name)) {
            return Ok(());
        }
        let mut strangers = Strangers::default();
        for interval in self.intervals {
            strangers.count(&interval.chromosome);
        }
        Err(nothing_in_common(
            (self.bed, strangers.names()),
            (self.genome, found),
        ))
    }

    /// Reads the parts that are asked for, near ones together.
    fn parts(&mut self, genome: &mut impl ByPlace) -> Result<()> {
        let chromosomes = genome.chromosomes();
        let names: Vec<String> = chromosomes.iter().map(|(name, _)| name.clone()).collect();
        self.check_names(&names)?;
        let gap = genome.gap();
        for (number, (name, length)) in chromosomes.iter().enumerate() {
            if !self.wanted.contains_key(name.as_str()) {
                continue;
            }
            genome.check(number)?;
            let list = self.take(name, *length)?;
            let mut rest = &list[..];
            while let Some((&first, _)) = rest.split_first() {
                let end = |i: usize| self.intervals[i].end.min(*length);
                let from = self.intervals[first].start;
                let mut to = end(first);
                let near = |&&i: &&usize| {
                    let joins = self.intervals[i].start <= to.saturating_add(gap);
                    to = if joins { to.max(end(i)) } else { to };
                    joins
                };
                let count = rest.iter().take_while(near).count();
                let part = genome.bases(number, from, to)?;
                for &i in &rest[..count] {
                    self.fill(i, &part, from)?;
                }
                rest = &rest[count..];
            }
        }
        match self.wanted.is_empty() {
            true => Ok(()),
            false => genome.check_complete(),
        }
    }

    /// Reads the whole FASTA once, up to the last chromosome that is asked for.
    fn stream(&mut self) -> Result<()> {
        let mut lines = Lines::open(self.genome)?;
        let mut found: Vec<String> = Vec::new();
        let mut waiting: HashSet<&str> = self.wanted.keys().copied().collect();
        let names: HashSet<&str> = waiting.clone();
        let mut twice = None;
        let want = |name: &str| {
            if waiting.is_empty() {
                return Want::Stop;
            }
            found.push(name.to_string());
            if waiting.remove(name) {
                Want::Keep
            } else if names.contains(name) {
                twice.get_or_insert(name.to_string());
                Want::Stop
            } else {
                Want::Skip
            }
        };
        read_fasta(&mut lines, want, |record| {
            for i in self.take(&record.name, record.codes.len() as u64)? {
                self.fill(i, &record.codes, 0)?;
            }
            Ok(())
        })?;
        match twice {
            Some(name) => Err(lines.error(format!("chromosome '{name}' comes twice"))),
            None => self.check_names(&found),
        }
    }
}

/// Whether an interval has a base on its chromosome of so many bases.
fn on_chromosome(interval: &Interval, length: u64) -> bool {
    let edge = Edge::of(interval.start, interval.end, length);
    matches!(edge, Edge::Inside | Edge::Over)
}

#[cfg(test)]
#[path = "genome_tests.rs"]
mod tests;
