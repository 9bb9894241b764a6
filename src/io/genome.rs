//! Sequences of intervals, cut from a genome in FASTA: plain, gzip or bgzip.
//!
//! With an index beside it (.fai; for bgzip .gzi too) only the parts that are asked for are read;
//! else the file is read through once, with one chromosome in memory at a time.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::bed::Interval;
use super::fasta::{Want, read_fasta};
use super::text::{Lines, Packing, excerpt, first_names};
use crate::data::dna;
use crate::{Error, Result};

/// Intervals no further apart than this are read in one go: the size of a bgzip block.
const GAP: u64 = 1 << 16;

/// The codes of `intervals` (see [`dna::encode`]), one after another in their order, forward
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
            self.codes.resize(total, dna::N);
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
            "interval {} ends past the end of {}, which has {length} bases in {}",
            interval.place(),
            interval.chromosome,
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

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A line of a .fai index: where a chromosome's bases are.
struct Entry {
    name: String,
    /// Bases in all.
    length: u64,
    /// The first base's place in the file, in (unpacked) bytes.
    offset: u64,
    line_bases: u64,
    /// A line's bases and its end, in bytes.
    line_width: u64,
}

fn read_index(path: &Path) -> Result<Vec<Entry>> {
    let mut lines = Lines::open(path)?;
    let (mut entries, mut line) = (Vec::new(), String::new());
    let mut seen = HashSet::new();
    while lines.read_filled(&mut line)? {
        let mut columns = line.split('\t');
        let name = columns.next().unwrap_or("").to_string();
        let numbers: Option<Vec<u64>> = columns.map(|c| c.trim().parse().ok()).collect();
        let Some([length, offset, line_bases, line_width, ..]) = numbers.as_deref() else {
            return Err(lines.error(format!(
                "{}; expected a FASTA index: a name, length, offset, bases and bytes a line",
                excerpt(&line)
            )));
        };
        if !seen.insert(name.clone()) {
            return Err(lines.error(format!("chromosome '{name}' comes twice")));
        }
        entries.push(Entry {
            name,
            length: *length,
            offset: *offset,
            line_bases: *line_bases,
            line_width: *line_width,
        });
    }
    if entries.is_empty() {
        return Err(lines.empty("a FASTA index"));
    }
    Ok(entries)
}

struct Indexed {
    path: PathBuf,
    index_path: PathBuf,
    index: Vec<Entry>,
    reader: Box<dyn ReadSeek>,
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
        let reader: Box<dyn ReadSeek> = if packing == Packing::Bgzip {
            let blocks = noodles_bgzf::gzi::fs::read(&gzi)
                .map_err(|e| Error::format(&gzi, format!("not a bgzip index ({e})")))?;
            Box::new(noodles_bgzf::io::IndexedReader::new(file, blocks))
        } else {
            Box::new(BufReader::new(file))
        };
        Ok(Some(Indexed {
            path: genome.to_path_buf(),
            index_path,
            index,
            reader,
        }))
    }

    fn answer(mut self, request: &mut Request) -> Result<()> {
        let entries = std::mem::take(&mut self.index);
        let names: Vec<String> = entries.iter().map(|e| e.name.clone()).collect();
        request.check_names(&names)?;
        for entry in &entries {
            let Some(list) = request.wanted.remove(entry.name.as_str()) else {
                continue;
            };
            self.check_header(entry)?;
            for &i in &list {
                request.check_end(i, entry.length)?;
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
    fn check_header(&mut self, entry: &Entry) -> Result<()> {
        const LONGEST: u64 = 4096;
        let name = &entry.name;
        let begin = entry.offset.saturating_sub(LONGEST);
        let before = self.bytes(begin, entry.offset)?;
        let header = before.strip_suffix(b"\n").and_then(|before| {
            let start = match before.iter().rposition(|&b| b == b'\n') {
                Some(end) => end + 1,
                None if begin == 0 => 0,
                None => return Some(None), // a header longer than we look
            };
            let header = before.get(start..)?.strip_prefix(b">")?;
            let found = header.split(u8::is_ascii_whitespace).next()?;
            (found == name.as_bytes()).then_some(Some(()))
        });
        match header {
            Some(_) => Ok(()),
            None => Err(self.stale(&format!("the header '>{name}' is not where it says"))),
        }
    }

    /// The codes of bases `from..to` of a chromosome.
    fn bases(&mut self, entry: &Entry, from: u64, to: u64) -> Result<Vec<u8>> {
        let (name, bases, width) = (&entry.name, entry.line_bases, entry.line_width);
        if bases == 0 || bases > width {
            return Err(self.stale(&format!("lines of {bases} bases in {width} bytes")));
        }
        let place = |base: u64| {
            let line = (base / bases).checked_mul(width)?;
            entry.offset.checked_add(line)?.checked_add(base % bases)
        };
        let end = place(to - 1).and_then(|last| last.checked_add(1));
        let (Some(begin), Some(end)) = (place(from), end) else {
            return Err(self.stale("offsets out of range"));
        };
        let bytes = self.bytes(begin, end)?;
        let mut codes = Vec::with_capacity(bytes.len());
        for (byte, column) in bytes
            .into_iter()
            .zip((from % bases..width).chain((0..width).cycle()))
        {
            if column >= bases {
                if byte != b'\n' && byte != b'\r' {
                    return Err(self.stale(&format!("no line end where it says in '{name}'")));
                }
                continue;
            }
            match dna::code(byte) {
                Some(code) => codes.push(code),
                None if byte == b'\n' || byte == b'\r' || byte == b'>' => {
                    return Err(self.stale(&format!("a line end inside a line of '{name}'")));
                }
                None => {
                    let base = from + codes.len() as u64;
                    let found = char::from(byte).escape_default();
                    return Err(Error::format(
                        &self.path,
                        format!(
                            "'{found}' at {name}:{base} (from 0) is not DNA; expected A, C, G, T, \
                             N or another IUPAC letter"
                        ),
                    ));
                }
            }
        }
        Ok(codes)
    }

    fn bytes(&mut self, begin: u64, end: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self
            .reader
            .seek(SeekFrom::Start(begin))
            .and_then(|_| (&mut self.reader).take(end - begin).read_to_end(&mut bytes));
        match read {
            Ok(count) if count as u64 == end - begin => Ok(bytes),
            Ok(_) => Err(self.stale("it points past the end of the file")),
            Err(e) if matches!(e.kind(), io::ErrorKind::UnexpectedEof) => {
                Err(Error::format(&self.path, "truncated gzip stream"))
            }
            Err(e) => Err(Error::io(&self.path, e)),
        }
    }

    fn stale(&self, what: &str) -> Error {
        Error::format(
            &self.index_path,
            format!(
                "the index does not fit {}: {what}; make it again with samtools faidx",
                self.path.display()
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
