//! Tabix (TBI) and CSI indices. Their readers trust the numbers in them, so these are looked over first.
//!
//! Formats: samtools.github.io/hts-specs/tabix.pdf and CSIv1.pdf.

use crate::{Error, Result};
use noodles_bgzf as bgzf;
use noodles_csi::BinningIndex;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of an index, unpacked; those of a human genome take a few megabytes.
const MOST: u64 = 1 << 30;
/// Levels of bins below the one of all bases: more would count bins beyond 32 bits.
const DEEPEST: u32 = 9;

/// The files that may be the index of a file.
pub fn indices(path: &Path) -> [PathBuf; 2] {
    ["tbi", "csi"].map(|ending| {
        let mut name = path.as_os_str().to_os_string();
        name.push(format!(".{ending}"));
        PathBuf::from(name)
    })
}

/// The index beside a file, not older than it, and where it is.
///
/// # Errors
/// An index that is damaged, or leads past the file's end; what the operating system says.
pub(super) fn index(path: &Path) -> Result<Option<(PathBuf, Box<dyn BinningIndex>)>> {
    let file = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
    for beside in indices(path) {
        let Ok(found) = std::fs::metadata(&beside) else {
            continue;
        };
        let older = matches!((found.modified(), file.modified()), (Ok(a), Ok(b)) if a < b);
        if !found.is_file() || older {
            continue;
        }
        let bytes = std::fs::read(&beside).map_err(|e| Error::io(&beside, e))?;
        let index = parse(&bytes, file.len()).map_err(|e| {
            Error::format(
                &beside,
                format!("not an index of {} ({e}); {REMEDY}", path.display()),
            )
        })?;
        return Ok(Some((beside, index)));
    }
    Ok(None)
}

/// What to do about an index.
pub(super) const REMEDY: &str = "make it again with tabix or bcftools index, or remove it";

/// `length`: of the file that it leads into.
fn parse(bytes: &[u8], length: u64) -> io::Result<Box<dyn BinningIndex>> {
    let mut all = Vec::new();
    bgzf::io::Reader::new(bytes)
        .take(MOST)
        .read_to_end(&mut all)?;
    let mut fields = Fields { left: &all, length };
    match fields.take(4)? {
        b"TBI\x01" => {
            fields.check_tbi()?;
            let index = noodles_tabix::io::Reader::new(bytes).read_index()?;
            Ok(Box::new(index))
        }
        b"CSI\x01" => {
            fields.check_csi()?;
            let index = noodles_csi::io::Reader::new(bytes).read_index()?;
            Ok(Box::new(index))
        }
        _ => Err(wrong("neither TBI nor CSI")),
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// What is left of an index.
struct Fields<'a> {
    left: &'a [u8],
    /// Of the file that it leads into.
    length: u64,
}

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let taken = self.left.split_at_checked(count);
        let (taken, left) = taken.ok_or_else(|| wrong("it ends early"))?;
        self.left = left;
        Ok(taken)
    }

    fn u32(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?.first_chunk().copied();
        Ok(u32::from_le_bytes(bytes.unwrap_or_default()))
    }

    fn u64(&mut self) -> io::Result<u64> {
        let bytes = self.take(8)?.first_chunk().copied();
        Ok(u64::from_le_bytes(bytes.unwrap_or_default()))
    }

    /// How many things of so many bytes, or more, follow.
    fn count(&mut self, each: usize) -> io::Result<usize> {
        let count = self.u32()? as usize;
        match count
            .checked_mul(each)
            .is_some_and(|all| all <= self.left.len())
        {
            true => Ok(count),
            false => Err(wrong("a count of more than there is")),
        }
    }

    fn check_tbi(mut self) -> io::Result<()> {
        let references = self.u32()?;
        self.take(6 * 4)?;
        self.check_names(references)?;
        for _ in 0..references {
            self.check_bins(5, false)?;
            for _ in 0..self.count(8)? {
                self.check_offset()?;
            }
        }
        self.check_end()
    }

    fn check_csi(mut self) -> io::Result<()> {
        let (shift, depth) = (self.u32()?, self.u32()?);
        if shift == 0 || depth > DEEPEST || shift + 3 * depth > 62 {
            return Err(wrong(
                "bins of other sizes than are read; bcftools index has good ones without -m",
            ));
        }
        let auxiliary = self.count(1)?;
        let mut names = Fields {
            left: self.take(auxiliary)?,
            length: self.length,
        };
        let references = self.u32()?;
        if auxiliary > 0 {
            names.take(6 * 4)?;
            names.check_names(references)?;
        }
        for _ in 0..references {
            self.check_bins(depth, true)?;
        }
        self.check_end()
    }

    /// Names of chromosomes, each with a NUL behind it.
    fn check_names(&mut self, references: u32) -> io::Result<()> {
        let bytes = self.count(1)?;
        let names = self.take(bytes)?;
        let ends = names.iter().filter(|&&byte| byte == 0).count();
        match ends == references as usize && names.last().is_none_or(|&byte| byte == 0) {
            true => Ok(()),
            false => Err(wrong("not as many names as chromosomes")),
        }
    }

    fn check_bins(&mut self, depth: u32, offsets: bool) -> io::Result<()> {
        // On level l 8^l bins; one number is left out, the next is that of the counts of records.
        let bins = ((1_u64 << (3 * (depth + 1))) - 1) / 7;
        for _ in 0..self.count(8)? {
            let bin = u64::from(self.u32()?);
            if bin >= bins && bin != bins + 1 {
                return Err(wrong("a bin that is not there"));
            }
            if offsets {
                self.check_offset()?;
            }
            for _ in 0..self.count(16)? {
                let (start, end) = (self.u64()?, self.u64()?);
                // Those of the counts are no places.
                if bin < bins && (start > end || end >> 16 > self.length) {
                    return Err(wrong("it leads past the end of the file"));
                }
            }
        }
        Ok(())
    }

    fn check_offset(&mut self) -> io::Result<()> {
        match self.u64()? >> 16 > self.length {
            true => Err(wrong("it leads past the end of the file")),
            false => Ok(()),
        }
    }

    /// At the end there may be the count of records without a place.
    fn check_end(&self) -> io::Result<()> {
        match self.left.len() {
            0 | 8 => Ok(()),
            _ => Err(wrong("more than an index has")),
        }
    }
}
