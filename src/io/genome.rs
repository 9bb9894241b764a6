//! Sequences of intervals, cut from a genome in FASTA (plain, gzip or bgzip) or 2bit.
//!
//! Of 2bit, and of FASTA with an index beside it (.fai; for bgzip .gzi too), only the parts that are asked for are read;
//! else the file is read through once, with one chromosome in memory at a time.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use noodles_fasta as fasta;
use noodles_fasta::fai;
use noodles_fasta::record::Definition;

use super::bed::Interval;
use super::chrom_sizes::{Chromosomes, Strangers};
use super::edges::{Edge, Edges};
use super::fasta::{Want, read_fasta};
use super::text::{Lines, Packing, excerpt, first_names};
use super::two_bit::TwoBit;
use crate::dna::bases;
use crate::numbers::counted;
use crate::{Error, Result};

/// An interval may be longer than a short contig, and is filled up; one that is longer than this as well is no window but
/// a mistake, and would take its length in memory.
const LONGEST_OVER: u64 = 1 << 20;

/// Intervals no further apart than this are read in one go: the size of a bgzip block.
const GAP: u64 = 1 << 16;

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

/// A genome of which parts can be read by their place.
trait ByPlace {
    /// Names and lengths in bases.
    fn chromosomes(&self) -> Vec<(String, u64)>;

    /// Looks at a chromosome, by its number, before bases of it are asked for.
    fn check(&mut self, _chromosome: usize) -> Result<()> {
        Ok(())
    }

    /// Called when a chromosome was asked for that is not among these: checks that the file does not have it either.
    fn check_complete(&mut self) -> Result<()> {
        Ok(())
    }

    /// The codes of bases `from..to` of a chromosome, which lie on it.
    fn bases(&mut self, chromosome: usize, from: u64, to: u64) -> Result<Vec<u8>>;
}

impl ByPlace for TwoBit {
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
        Err(Error::invalid(format!(
            "no chromosome of {} is in {}: {} there, {} here; names are compared as written",
            self.bed.display(),
            self.genome.display(),
            first_names(strangers.names()),
            first_names(found)
        )))
    }

    /// Reads the parts that are asked for, near ones together.
    fn parts(&mut self, genome: &mut impl ByPlace) -> Result<()> {
        let chromosomes = genome.chromosomes();
        let names: Vec<String> = chromosomes.iter().map(|(name, _)| name.clone()).collect();
        self.check_names(&names)?;
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
                    let joins = self.intervals[i].start <= to.saturating_add(GAP);
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

/// The chromosomes of an index, and whether it has some of 0 bases, which are left out.
fn read_index(path: &Path) -> Result<(Vec<fai::Record>, bool)> {
    let mut lines = Lines::open(path)?;
    let (mut entries, mut line) = (Vec::new(), String::new());
    let mut empty_sequences = false;
    let mut seen = HashSet::new();
    while lines.read_filled(&mut line)? {
        // Of an empty sequence samtools writes lines of 0 bases, which noodles refuses.
        if line.ends_with("\t0\t0") {
            empty_sequences = true;
            continue;
        }
        // A line at a time, so that a fault has its line.
        let index = fai::io::Reader::new(line.as_bytes()).read_index();
        let records = Vec::from(index.map_err(|e| {
            lines.error(format!(
                "{}; expected a FASTA index: a name, length, offset, bases and bytes a line ({e})",
                excerpt(&line)
            ))
        })?);
        if let Some(again) = records.iter().find(|r| !seen.insert(r.name().to_owned())) {
            return Err(lines.error(format!("chromosome '{}' comes twice", again.name())));
        }
        entries.extend(records);
    }
    if entries.is_empty() {
        return Err(lines.empty("a FASTA index"));
    }
    Ok((entries, empty_sequences))
}

/// A genome with its index.
///
/// noodles' own query takes whatever lies at the index's offsets, wherever lines end, and its sums
/// wrap: with a stale index the bases would be wrong without a sound. So the places are reckoned
/// and compared here, and noodles reads the bases that lie there.
struct Indexed {
    files: Files,
    index: Vec<fai::Record>,
    /// The index has sequences of 0 bases, which are not in `index`.
    empty_sequences: bool,
    reader: fasta::io::BufReader<File>,
}

/// The genome's path and its index's, for messages.
struct Files {
    genome: PathBuf,
    index: PathBuf,
}

impl Indexed {
    /// `None` when the genome has no index that can be used.
    fn open(genome: &Path) -> Result<Option<Indexed>> {
        let index_path = beside(genome, ".fai");
        if !index_path.is_file() {
            return Ok(None);
        }
        let packing = Packing::of(genome)?;
        let gzi = beside(genome, ".gzi");
        if packing == Packing::Gzip || packing == Packing::Bgzip && !gzi.is_file() {
            return Ok(None);
        }
        let (index, empty_sequences) = read_index(&index_path)?;
        let file = File::open(genome).map_err(|e| Error::io(genome, e))?;
        let reader = if packing == Packing::Bgzip {
            let blocks = noodles_bgzf::gzi::fs::read(&gzi)
                .map_err(|e| Error::format(&gzi, format!("not a bgzip index ({e})")))?;
            let reader = noodles_bgzf::io::IndexedReader::new(file, blocks);
            fasta::io::BufReader::Bgzf(reader)
        } else {
            fasta::io::BufReader::Uncompressed(io::BufReader::new(file))
        };
        Ok(Some(Indexed {
            files: Files {
                genome: genome.to_path_buf(),
                index: index_path,
            },
            index,
            empty_sequences,
            reader,
        }))
    }

    /// An index of another version of the file would give other bases without a sound: the line
    /// before the first base must be the header with this name.
    fn check_header(&mut self, entry: &fai::Record) -> Result<()> {
        const LONGEST: u64 = 4096;
        let end = entry.position();
        let begin = end.saturating_sub(LONGEST);
        let mut before = Vec::new();
        self.seek(begin)?;
        (&mut self.reader)
            .take(end - begin)
            .read_to_end(&mut before)
            .map_err(|e| self.files.unreadable(e))?;
        let whole = before.len() as u64 == end - begin;
        let header = before.strip_suffix(b"\n").filter(|_| whole);
        let fits = header.is_some_and(|header| {
            let start = match header.iter().rposition(|&b| b == b'\n') {
                Some(end) => end + 1,
                None if begin == 0 => 0,
                None => return true, // a header longer than we look
            };
            let mut found = Definition::default();
            let read = fasta::io::Reader::new(&header[start..]).read_definition(&mut found);
            read.is_ok() && found.name() == entry.name()
        });
        if fits {
            return Ok(());
        }
        let what = format!("the header '>{}' is not where it says", entry.name());
        Err(self.files.stale(&what))
    }

    /// Where the byte after a chromosome's last base is.
    fn end(entry: &fai::Record) -> u64 {
        let (bases, width) = (entry.line_base_count().get(), entry.line_width().get());
        let Some(last) = entry.length().checked_sub(1) else {
            return entry.position();
        };
        let line = (last / bases).saturating_mul(width);
        let begin = entry.position().saturating_add(line);
        begin.saturating_add(last % bases).saturating_add(1)
    }

    /// Of an index of a shorter version the last bases would read as N: the next header or the file's end must follow the
    /// last base.
    fn check_end(&mut self, entry: &fai::Record) -> Result<()> {
        let end = Self::end(entry);
        let after = self.text(end, end.saturating_add(256))?;
        let first = after.iter().find(|b| !b.is_ascii_whitespace());
        if first.is_none_or(|&b| b == b'>') {
            return Ok(());
        }
        let what = format!("'{}' does not end where it says", entry.name());
        Err(self.files.stale(&what))
    }

    /// The bytes from one place to another, or to the file's end.
    fn text(&mut self, from: u64, to: u64) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        self.seek(from)?;
        (&mut self.reader)
            .take(to.saturating_sub(from))
            .read_to_end(&mut text)
            .map_err(|e| self.files.unreadable(e))?;
        Ok(text)
    }

    /// The codes of bases `from..to` of a chromosome.
    fn codes(&mut self, entry: &fai::Record, from: u64, to: u64) -> Result<Vec<u8>> {
        let (bases, width) = (entry.line_base_count().get(), entry.line_width().get());
        let place = |base: u64| {
            let line = (base / bases).saturating_mul(width);
            let begin = entry.position().saturating_add(line);
            begin.saturating_add(base % bases)
        };
        self.seek(place(from))?;
        let mut part = fasta::io::Reader::new((&mut self.reader).take(u64::MAX));
        let mut codes = Vec::new();
        let mut buffer = [0; 4096];
        let mut base = from;
        while base < to {
            // No further than to the end of the line: the next bases must follow a line end.
            let most = (bases - base % bases).min(to - base).min(4096) as usize;
            let read = part.sequence_reader().read(&mut buffer[..most]);
            let after = place(from).saturating_add(u64::MAX - part.get_ref().limit());
            let count = read.map_err(|e| self.files.unreadable(e))?;
            if count == 0 || place(base) != after - count as u64 {
                let what = format!("the lines of '{}' do not end where it says", entry.name());
                return Err(self.files.stale(&what));
            }
            bases::encode(&buffer[..count], &mut codes).map_err(|mut e| {
                e.position += base as usize;
                Error::format(
                    &self.files.genome,
                    format!("{e}, in record '{}'", entry.name()),
                )
            })?;
            base += count as u64;
        }
        Ok(codes)
    }

    fn seek(&mut self, place: u64) -> Result<()> {
        if i64::try_from(place).is_err() {
            return Err(self.files.stale("a place in it is beyond any file"));
        }
        match self.reader.seek(SeekFrom::Start(place)) {
            Ok(_) => Ok(()),
            Err(e) => Err(self.files.unreadable(e)),
        }
    }
}

impl ByPlace for Indexed {
    fn chromosomes(&self) -> Vec<(String, u64)> {
        let list = self.index.iter();
        list.map(|entry| (entry.name().to_string(), entry.length()))
            .collect()
    }

    fn check(&mut self, chromosome: usize) -> Result<()> {
        let entry = self.index[chromosome].clone();
        self.check_header(&entry)?;
        self.check_end(&entry)
    }

    /// Between two chromosomes of the index there is one header, the second's, and none after the last.
    fn check_complete(&mut self) -> Result<()> {
        const LONGEST: u64 = 1 << 16;
        let mut entries = self.index.clone();
        entries.sort_by_key(fai::Record::position);
        let ends = entries.iter().map(Self::end);
        let begins: Vec<u64> = std::iter::once(0).chain(ends).collect();
        let next = entries.iter().map(|e| Some(e.position()));
        let next: Vec<Option<u64>> = next.chain([None]).collect();
        for (number, (&begin, next)) in begins.iter().zip(next).enumerate() {
            let to = next.unwrap_or(u64::MAX).min(begin.saturating_add(LONGEST));
            let between = self.text(begin, to)?;
            let lines = between.split(|&b| b == b'\n' || b == b'\r');
            let headers = lines.filter(|line| line.starts_with(b">")).count();
            let expected = usize::from(next.is_some());
            // Empty sequences have headers, too, and the index that was read leaves them out.
            if headers > expected && !self.empty_sequences {
                let what = match number.checked_sub(1) {
                    None => "the first chromosome is not in it".to_string(),
                    Some(last) => {
                        format!("a chromosome after '{}' is not in it", entries[last].name())
                    }
                };
                return Err(self.files.stale(&what));
            }
        }
        Ok(())
    }

    fn bases(&mut self, chromosome: usize, from: u64, to: u64) -> Result<Vec<u8>> {
        let entry = self.index[chromosome].clone();
        self.codes(&entry, from, to)
    }
}

impl Files {
    fn unreadable(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::format(&self.genome, "truncated gzip stream"),
            _ => Error::io(&self.genome, error),
        }
    }

    fn stale(&self, what: &str) -> Error {
        Error::format(
            &self.index,
            format!(
                "the index does not fit {}: {what}; make it again with samtools faidx",
                self.genome.display()
            ),
        )
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
#[path = "genome_tests.rs"]
mod tests;
