//! Sequences of intervals, cut from a genome in FASTA: plain, gzip or bgzip.
//!
//! With an index beside it (.fai; for bgzip .gzi too) only the parts that are asked for are read;
//! else the file is read through once, with one chromosome in memory at a time.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use noodles_fasta as fasta;
use noodles_fasta::fai;
use noodles_fasta::record::Definition;

use super::bed::Interval;
use super::fasta::{Want, read_fasta};
use super::text::{Lines, Packing, excerpt, first_names};
use crate::dna::bases;
use crate::numbers::counted;
use crate::{Error, Result};

/// Intervals no further apart than this are read in one go: the size of a bgzip block.
const GAP: u64 = 1 << 16;

/// The codes of `intervals` (see [`bases::encode`]), one after another in their order, forward
/// strand. `bed` is the file that they came from, for messages.
///
/// Errors: no chromosome in common (shows both sides' first names; names are compared as
/// written), an interval on a chromosome that the genome lacks or past its end (names the line of
/// `bed`), a character that is not DNA, an index that does not fit its file.
pub fn extract(genome: &Path, bed: &Path, intervals: &[Interval]) -> Result<Vec<u8>> {
    let mut request = Request::new(genome, bed, intervals);
    match Indexed::open(genome)? {
        Some(indexed) => indexed.answer(&mut request)?,
        None => request.stream()?,
    }
    Ok(request.codes)
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
        }
    }

    /// Copies interval `i` out of `part`, which begins at base `from` of its chromosome.
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
        let length = interval.length() as usize;
        let place = self.offsets[i];
        self.codes[place..place + length].copy_from_slice(&part[begin..begin + length]);
        Ok(())
    }

    fn check_end(&self, i: usize, length: u64) -> Result<()> {
        let interval = &self.intervals[i];
        if interval.end <= length {
            return Ok(());
        }
        let message = format!(
            "interval {} ends past the end of {}, which has {} in {}",
            interval.place(),
            interval.chromosome,
            counted(length, "base"),
            self.genome.display()
        );
        Err(Error::format_at(self.bed, interval.line, message))
    }

    /// The error for a chromosome that is not in the genome, if there is one.
    fn check_names(&self, found: &[String]) -> Result<()> {
        let known: HashSet<&str> = found.iter().map(String::as_str).collect();
        let missing = |interval: &&Interval| !known.contains(interval.chromosome.as_str());
        let Some(first) = self.intervals.iter().find(missing) else {
            return Ok(());
        };
        let genome = self.genome.display();
        if self.wanted.keys().all(|name| !known.contains(name)) {
            let mut seen = HashSet::new();
            let asked = self.intervals.iter().map(|i| i.chromosome.as_str());
            return Err(Error::invalid(format!(
                "no chromosome of {} is in {genome}: {} there, {} here; names are compared as written",
                self.bed.display(),
                first_names(asked.filter(|name| seen.insert(*name))),
                first_names(found)
            )));
        }
        let message = format!(
            "chromosome '{}' is not in {genome}, which has {}",
            first.chromosome,
            first_names(found)
        );
        Err(Error::format_at(self.bed, first.line, message))
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
            let list = self.wanted.get(record.name.as_str()).cloned();
            for i in list.unwrap_or_default() {
                self.check_end(i, record.codes.len() as u64)?;
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

fn read_index(path: &Path) -> Result<Vec<fai::Record>> {
    let mut lines = Lines::open(path)?;
    let (mut entries, mut line) = (Vec::new(), String::new());
    let mut seen = HashSet::new();
    while lines.read_filled(&mut line)? {
        // Of an empty sequence samtools writes lines of 0 bases, which noodles refuses.
        if line.ends_with("\t0\t0") {
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
    Ok(entries)
}

/// A genome with its index.
///
/// noodles' own query takes whatever lies at the index's offsets, wherever lines end, and its sums
/// wrap: with a stale index the bases would be wrong without a sound. So the places are reckoned
/// and compared here, and noodles reads the bases that lie there.
struct Indexed {
    files: Files,
    index: Vec<fai::Record>,
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
        let index = read_index(&index_path)?;
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
            reader,
        }))
    }

    fn answer(mut self, request: &mut Request) -> Result<()> {
        let entries = std::mem::take(&mut self.index);
        let names: Vec<String> = entries.iter().map(|e| e.name().to_string()).collect();
        request.check_names(&names)?;
        for (entry, name) in entries.iter().zip(&names) {
            let Some(list) = request.wanted.remove(name.as_str()) else {
                continue;
            };
            self.check_header(entry)?;
            for &i in &list {
                request.check_end(i, entry.length())?;
            }
            let mut rest = &list[..];
            while let Some((&first, _)) = rest.split_first() {
                let from = request.intervals[first].start;
                let mut to = request.intervals[first].end;
                let near = |&&i: &&usize| {
                    let interval = &request.intervals[i];
                    let joins = interval.start <= to.saturating_add(GAP);
                    to = if joins { to.max(interval.end) } else { to };
                    joins
                };
                let count = rest.iter().take_while(near).count();
                let part = self.bases(entry, from, to)?;
                for &i in &rest[..count] {
                    request.fill(i, &part, from)?;
                }
                rest = &rest[count..];
            }
        }
        Ok(())
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

    /// The codes of bases `from..to` of a chromosome.
    fn bases(&mut self, entry: &fai::Record, from: u64, to: u64) -> Result<Vec<u8>> {
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
        match self.reader.seek(SeekFrom::Start(place)) {
            Ok(_) => Ok(()),
            Err(e) => Err(self.files.unreadable(e)),
        }
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
