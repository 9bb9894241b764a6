//! Parts of a bgzip file, to which a tabix or CSI index leads.

use super::regions::Wanted;
use crate::io::text::Packing;
use crate::{Error, Result};
use noodles_bgzf as bgzf;
use noodles_core::Position;
use noodles_core::region::Interval;
use noodles_csi::BinningIndex;
use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;
use noodles_csi::binning_index::merge_chunks;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

/// The bytes of whole lines, those that an index names for some regions, in the order of the file.
pub(super) struct Chunks {
    blocks: bgzf::io::Reader<File>,
    /// What is left, the next one last.
    left: Vec<Chunk>,
    /// Where the chunk that is being read ends.
    end: Option<bgzf::VirtualPosition>,
}

impl Chunks {
    /// `None` where there is no index that can be used: the file is not bgzip, has none beside it, or was changed after its
    /// index was made; it is then read through.
    ///
    /// # Errors
    /// An index that is damaged; what the operating system says.
    pub(super) fn open(path: &Path, wanted: &Wanted) -> Result<Option<Chunks>> {
        if Packing::of(path)? != Packing::Bgzip {
            return Ok(None);
        }
        let Some((beside, index)) = index(path)? else {
            return Ok(None);
        };
        let Some(header) = index.header() else {
            return Err(Error::format(
                &beside,
                "an index without the names of chromosomes; expected one that tabix or bcftools index wrote",
            ));
        };
        let mut found = Vec::new();
        for (name, stretches) in wanted.iter() {
            let mut names = header.reference_sequence_names().iter();
            let Some(number) = names.position(|known| known.as_slice() == name.as_bytes()) else {
                continue;
            };
            for &(first, last) in stretches {
                // An index in the form of 2014 reaches to 2^29: beyond it the file is read through.
                match interval(first, last).map(|interval| index.query(number, interval)) {
                    Some(Ok(chunks)) => found.extend(chunks),
                    _ => return Ok(None),
                }
            }
        }
        found.sort_unstable_by_key(Chunk::start);
        let mut left = merge_chunks(&found);
        left.reverse();
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        Ok(Some(Chunks {
            blocks: bgzf::io::Reader::new(file),
            left,
            end: None,
        }))
    }
}

/// From one base to another, counted from 1, both included.
fn interval(first: u64, last: u64) -> Option<Interval> {
    let position = |base: u64| Position::new(usize::try_from(base).ok()?);
    let first = position(first)?;
    match last {
        u64::MAX => Some(Interval::from(first..)),
        last => Some(Interval::from(first..=position(last)?)),
    }
}

/// The index beside a file, not older than it, and where it is.
fn index(path: &Path) -> Result<Option<(PathBuf, Box<dyn BinningIndex>)>> {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified());
    for ending in ["tbi", "csi"] {
        let mut name = path.as_os_str().to_os_string();
        name.push(format!(".{ending}"));
        let beside = PathBuf::from(name);
        if !beside.is_file() {
            continue;
        }
        if matches!((changed(path), changed(&beside)), (Ok(file), Ok(index)) if index < file) {
            continue;
        }
        let read: io::Result<Box<dyn BinningIndex>> = match ending {
            "tbi" => noodles_tabix::fs::read(&beside).map(|index| Box::new(index) as _),
            _ => noodles_csi::fs::read(&beside).map(|index| Box::new(index) as _),
        };
        let index = read.map_err(|e| {
            Error::format(
                &beside,
                format!("not an index of a VCF file ({e}); make it again with tabix or bcftools index, or remove it"),
            )
        })?;
        return Ok(Some((beside, index)));
    }
    Ok(None)
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(end) = self.end else {
                let Some(chunk) = self.left.pop() else {
                    return Ok(0);
                };
                self.blocks.seek(chunk.start())?;
                self.end = Some(chunk.end());
                continue;
            };
            let bytes = self.blocks.fill_buf()?.len();
            // Once the buffer is filled the position is the one of its first byte.
            let at = self.blocks.virtual_position();
            if bytes == 0 || at >= end {
                self.end = None;
                continue;
            }
            let inside = match at.compressed() == end.compressed() {
                true => usize::from(end.uncompressed() - at.uncompressed()),
                false => bytes,
            };
            let most = inside.min(bytes).min(buffer.len());
            return (&mut self.blocks)
                .take(most as u64)
                .read(&mut buffer[..most]);
        }
    }
}
