//! Records by chromosome, which come in any order and are read back chromosome by chromosome. They lie in a temporary file, so that
//! memory does not grow with their number.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use memmap2::Mmap;

use crate::{Error, Result};

/// Bytes of a chromosome's records that wait before they go to the disk.
const WAITING: usize = 1 << 16;

pub struct Pieces {
    file: File,
    length: u64,
    /// For each chromosome: where its pieces are in the file, and what waits to be one.
    pieces: Vec<Vec<(u64, usize)>>,
    waiting: Vec<Vec<u8>>,
}

/// All records, in a file that is not written to any more.
pub struct Written<'a> {
    bytes: Mmap,
    pieces: &'a [Vec<(u64, usize)>],
}

impl Pieces {
    /// Error: no temporary file can be made.
    pub fn new(chromosomes: usize) -> Result<Pieces> {
        let file = tempfile::tempfile().map_err(|e| Error::io(std::env::temp_dir(), e))?;
        Ok(Pieces {
            pieces: vec![Vec::new(); chromosomes],
            waiting: vec![Vec::new(); chromosomes],
            file,
            length: 0,
        })
    }

    /// Adds bytes to a chromosome's. Error: the disk is full.
    ///
    /// Panics when there is no such chromosome.
    pub fn add(&mut self, chromosome: u32, bytes: impl IntoIterator<Item = u8>) -> Result<()> {
        let waiting = &mut self.waiting[chromosome as usize];
        waiting.extend(bytes);
        if waiting.len() < WAITING {
            return Ok(());
        }
        self.put(chromosome as usize)
            .map_err(|e| Error::io(std::env::temp_dir(), e))
    }

    fn put(&mut self, chromosome: usize) -> io::Result<()> {
        let waiting = &mut self.waiting[chromosome];
        if !waiting.is_empty() {
            self.file.seek(SeekFrom::Start(self.length))?;
            self.file.write_all(waiting)?;
            self.pieces[chromosome].push((self.length, waiting.len()));
            self.length += waiting.len() as u64;
            waiting.clear();
        }
        Ok(())
    }

    /// All of them; `None` where none was added. Errors: what the operating system refuses.
    pub fn written(&mut self) -> Result<Option<Written<'_>>> {
        let flushed = (0..self.waiting.len()).try_for_each(|chromosome| self.put(chromosome));
        flushed.map_err(|e| Error::io(std::env::temp_dir(), e))?;
        if self.length == 0 {
            return Ok(None);
        }
        // SAFETY: the file has no name; nothing but this value can write to it, and it is borrowed while the map is there.
        let bytes = unsafe { Mmap::map(&self.file) };
        Ok(Some(Written {
            bytes: bytes.map_err(|e| Error::io(std::env::temp_dir(), e))?,
            pieces: &self.pieces,
        }))
    }
}

impl Written<'_> {
    /// A chromosome's bytes, in the order in which they came, a piece of whole records at a time.
    pub fn of(&self, chromosome: u32) -> impl Iterator<Item = &[u8]> {
        let pieces = self.pieces[chromosome as usize].iter();
        pieces.map(|&(place, length)| &self.bytes[place as usize..place as usize + length])
    }
}
