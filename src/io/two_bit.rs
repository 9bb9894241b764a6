//! 2bit genomes: two bits a base, where N is, and a soft mask, which is not looked at.
//!
//! The crate twobit takes every number of a file on trust: it would panic on some, take any amount of memory for others,
//! and read N that are out of order wrong. So the whole structure is looked at before the crate reads the bases.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use twobit::TwoBitPhysicalFile;

use crate::dna::bases;
use crate::{Error, Result};

const LITTLE: [u8; 4] = [0x43, 0x27, 0x41, 0x1a];
const BIG: [u8; 4] = [0x1a, 0x41, 0x27, 0x43];
/// Bases that are read in one go.
const PIECE: u64 = 1 << 20;

/// An opened genome.
pub struct TwoBit {
    path: PathBuf,
    file: TwoBitPhysicalFile,
    chromosomes: Vec<(String, u32)>,
}

impl TwoBit {
    /// Opens a genome; `None` when the file does not begin like one, in either byte order.
    ///
    /// # Errors
    /// A file that breaks off or contradicts itself; a chromosome that comes twice; what the operating system says.
    pub fn open(path: &Path) -> Result<Option<TwoBit>> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let checked = Structure::read(file).map_err(|fault| fault.of(path))?;
        let Some(chromosomes) = checked else {
            return Ok(None);
        };
        let file = TwoBitPhysicalFile::open(path).map_err(|e| unreadable(path, e))?;
        Ok(Some(TwoBit {
            path: path.to_path_buf(),
            file,
            chromosomes,
        }))
    }

    /// Names and lengths in bases, in the order of the file.
    pub fn chromosomes(&self) -> &[(String, u32)] {
        &self.chromosomes
    }

    /// Codes (see [`bases::encode`]) of the bases in `range` of a chromosome, as far as they lie on it.
    ///
    /// # Errors
    /// There is no such chromosome; what the operating system says.
    pub fn codes(&mut self, chromosome: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let mut codes = Vec::new();
        for start in range.clone().step_by(PIECE as usize) {
            let end = range.end.min(start + PIECE);
            let piece = self
                .file
                .read_sequence(chromosome, start as usize..end as usize)
                .map_err(|e| unreadable(&self.path, e))?;
            bases::encode(&piece, &mut codes)
                .map_err(|e| Error::format(&self.path, e.to_string()))?;
        }
        Ok(codes)
    }
}

fn unreadable(path: &Path, error: twobit::Error) -> Error {
    match error {
        twobit::Error::IO(e) => Fault::from(e).of(path),
        e => Error::format(path, format!("not a sound 2bit file: {e}")),
    }
}

/// What is wrong with a file.
enum Fault {
    Io(io::Error),
    Content(String),
}

impl Fault {
    fn of(self, path: &Path) -> Error {
        match self {
            Fault::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof => Error::format(
                path,
                "truncated 2bit file: it ends before the data it lists",
            ),
            Fault::Io(e) => Error::io(path, e),
            Fault::Content(problem) => Error::format(path, problem),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}

fn corrupt<T>(problem: impl std::fmt::Display) -> std::result::Result<T, Fault> {
    Err(Fault::Content(format!("corrupt 2bit file: {problem}")))
}

/// A file whose numbers are read one by one.
struct Structure {
    file: BufReader<File>,
    little: bool,
    /// Bytes of the file.
    length: u64,
}

impl Structure {
    /// Names and lengths of the chromosomes of a sound file; `None` where it is no 2bit file.
    fn read(file: File) -> std::result::Result<Option<Vec<(String, u32)>>, Fault> {
        let length = file.metadata()?.len();
        let mut file = BufReader::new(file);
        let mut magic = Vec::new();
        file.by_ref().take(4).read_to_end(&mut magic)?;
        if magic != LITTLE && magic != BIG {
            return Ok(None);
        }
        let mut structure = Structure {
            file,
            little: magic == LITTLE,
            length,
        };
        structure.chromosomes().map(Some)
    }

    fn chromosomes(&mut self) -> std::result::Result<Vec<(String, u32)>, Fault> {
        let version = self.number()?;
        if version != 0 {
            return Err(Fault::Content(format!(
                "2bit of version {version}; expected version 0 (faToTwoBit without -long)"
            )));
        }
        let count = self.number()?;
        self.number()?;
        let (mut index, mut names) = (Vec::new(), HashSet::new());
        for _ in 0..count {
            let mut name = vec![0; usize::from(self.byte()?)];
            self.file.read_exact(&mut name)?;
            let Ok(name) = String::from_utf8(name) else {
                return corrupt("a chromosome's name is not UTF-8");
            };
            if !names.insert(name.clone()) {
                return corrupt(format!("chromosome '{name}' comes twice"));
            }
            index.push((name, u64::from(self.number()?)));
        }
        if index.is_empty() {
            return corrupt("it lists no chromosome");
        }
        let (mut chromosomes, mut used) = (Vec::with_capacity(index.len()), 0);
        for (name, place) in index {
            self.file.seek(SeekFrom::Start(place))?;
            let (bases, size) = self.record(&name, place)?;
            // Records that share bytes could make a small file take any amount of memory.
            used += size;
            if used > self.length {
                return corrupt("its chromosomes overlap");
            }
            chromosomes.push((name, bases));
        }
        Ok(chromosomes)
    }

    /// A chromosome's bases, and the bytes that its record has.
    fn record(&mut self, name: &str, place: u64) -> std::result::Result<(u32, u64), Fault> {
        let bases = self.number()?;
        self.blocks(name, bases, "N")?;
        self.blocks(name, bases, "soft-masked bases")?;
        self.number()?;
        let end = self.file.stream_position()? + u64::from(bases).div_ceil(4);
        if end > self.length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok((bases, end - place))
    }

    /// Stretches of a chromosome: in order, apart, none past its end.
    fn blocks(&mut self, name: &str, bases: u32, what: &str) -> std::result::Result<(), Fault> {
        let count = self.number()?;
        if u64::from(count) > self.length / 8 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut starts = Vec::with_capacity(count as usize);
        for _ in 0..count {
            starts.push(self.number()?);
        }
        let mut before = 0;
        for start in starts {
            let end = start.checked_add(self.number()?);
            match end.filter(|&end| start >= before && end <= bases) {
                Some(end) => before = end,
                None => {
                    return corrupt(format!(
                        "a stretch of {what} from base {start} of '{name}' on, which has {bases}, lies past its end or over another"
                    ));
                }
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.file.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.file.read_exact(&mut bytes)?;
        Ok(match self.little {
            true => u32::from_le_bytes(bytes),
            false => u32::from_be_bytes(bytes),
        })
    }
}

#[cfg(test)]
#[path = "two_bit_tests.rs"]
mod tests;
