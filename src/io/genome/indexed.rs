//! FASTA with its index (.fai).

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use noodles_fasta as fasta;
use noodles_fasta::fai;
use noodles_fasta::record::Definition;

use super::by_place::ByPlace;
use crate::dna::bases;
use crate::io::text::{Lines, Packing, excerpt};
use crate::{Error, Result};

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
/// wrap: with a stale index the bases would be wrong and nothing would say so. So the places are computed
/// and compared here, and noodles reads the bases that lie there.
pub struct Indexed {
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
    pub fn open(genome: &Path) -> Result<Option<Indexed>> {
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

    /// An index of another version of the file would give other bases and nothing would say so: the line
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
    /// Plain text is read in pages; of a packed file a block is unpacked as a whole.
    fn gap(&self) -> u64 {
        match self.reader {
            fasta::io::BufReader::Bgzf(_) => 1 << 16,
            fasta::io::BufReader::Uncompressed(_) => 1 << 12,
        }
    }

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

pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}
