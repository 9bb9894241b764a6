//! Parts of a bgzip file, to which a tabix or CSI index leads.

use super::index::{REMEDY, index};
use super::regions::Wanted;
use crate::io::text::Packing;
use crate::{Error, Result};
use noodles_bgzf as bgzf;
use noodles_core::Position;
use noodles_core::region::Interval;
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
    /// Where the index is.
    index: PathBuf,
}

impl Chunks {
    pub(super) fn index(&self) -> &Path {
        &self.index
    }

    /// `None` where there is no index that can be used: the file is not bgzip, has none beside it or one that lacks a wanted
    /// chromosome, or was changed after its index was made; it is then read through.
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
                format!("an index without the names of chromosomes; {REMEDY}"),
            ));
        };
        let mut found = Vec::new();
        for (name, stretches) in wanted.iter() {
            let mut names = header.reference_sequence_names().iter();
            let Some(number) = names.position(|known| known.as_slice() == name.as_bytes()) else {
                // It may be in the file all the same.
                return Ok(None);
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
            index: beside,
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
