//! A bigWig of scored windows that overlap: each base has the mean of the windows over it.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use memmap2::Mmap;

use super::write::{Run, name_order, write_bigwig};
use crate::io::chrom_sizes::Chromosomes;
use crate::{Error, Result};

/// Bytes of a chromosome's windows that wait before they go to the disk.
const WAITING: usize = 1 << 16;

/// Collects windows in any order, each with a score for each of several tracks. They lie in a
/// temporary file, so that memory does not grow with their number; a chromosome's are in memory
/// while it is written.
pub struct Means {
    chromosomes: Chromosomes,
    tracks: usize,
    file: File,
    length: u64,
    /// For each chromosome: where its pieces are in the file, and what waits to be one.
    pieces: Vec<Vec<(u64, usize)>>,
    waiting: Vec<Vec<u8>>,
}

impl Means {
    /// Error: no temporary file can be made.
    pub fn new(chromosomes: Chromosomes, tracks: usize) -> Result<Means> {
        let file = tempfile::tempfile().map_err(|e| Error::io(std::env::temp_dir(), e))?;
        Ok(Means {
            pieces: vec![Vec::new(); chromosomes.len()],
            waiting: vec![Vec::new(); chromosomes.len()],
            chromosomes,
            tracks,
            file,
            length: 0,
        })
    }

    /// Adds the window `start..end` with a score for each track. Error: the disk is full.
    ///
    /// Panics when there are not as many scores as tracks, or no such chromosome.
    pub fn add(&mut self, chromosome: u32, start: u32, end: u32, scores: &[f32]) -> Result<()> {
        assert_eq!(scores.len(), self.tracks, "scores of a window");
        let waiting = &mut self.waiting[chromosome as usize];
        waiting.extend(start.to_le_bytes());
        waiting.extend(end.to_le_bytes());
        waiting.extend(scores.iter().flat_map(|score| score.to_le_bytes()));
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

    /// Writes a track of the means, whole or not at all. Errors: no window was added, one past its
    /// chromosome's end, what the operating system refuses.
    ///
    /// Panics when there is no such track.
    pub fn write(&mut self, track: usize, path: impl AsRef<Path>) -> Result<()> {
        assert!(track < self.tracks, "track {track}");
        let path = path.as_ref();
        let flushed = (0..self.chromosomes.len()).try_for_each(|chromosome| self.put(chromosome));
        flushed.map_err(|e| Error::io(std::env::temp_dir(), e))?;
        if self.length == 0 {
            return Err(Error::format(path, "no scored interval to write"));
        }
        // SAFETY: the file has no name; nothing but this value can write to it.
        let bytes = unsafe { Mmap::map(&self.file) };
        let bytes = bytes.map_err(|e| Error::io(std::env::temp_dir(), e))?;
        let runs = name_order(&self.chromosomes)
            .into_iter()
            .flat_map(|chromosome| {
                let pieces = self.pieces[chromosome as usize].iter();
                let windows = pieces.flat_map(|&(place, length)| {
                    let piece = &bytes[place as usize..place as usize + length];
                    piece
                        .chunks_exact(8 + 4 * self.tracks)
                        .map(|record| window(record, track))
                });
                means(chromosome, windows.collect())
            });
        write_bigwig(path, &self.chromosomes, runs.map(Ok))
    }
}

fn window(record: &[u8], track: usize) -> (u32, u32, f32) {
    let word = |i: usize| {
        [
            record[4 * i],
            record[4 * i + 1],
            record[4 * i + 2],
            record[4 * i + 3],
        ]
    };
    let number = |i: usize| u32::from_le_bytes(word(i));
    (number(0), number(1), f32::from_le_bytes(word(2 + track)))
}

/// The mean of the windows over each base, as runs of one value.
fn means(chromosome: u32, windows: Vec<(u32, u32, f32)>) -> Vec<Run> {
    let mut steps = Vec::with_capacity(2 * windows.len());
    for (start, end, score) in windows {
        steps.push((start, f64::from(score), 1_i64));
        steps.push((end, -f64::from(score), -1));
    }
    steps.sort_by_key(|(place, _, _)| *place);
    let (mut runs, mut sum, mut count, mut last) = (Vec::<Run>::new(), 0.0, 0, 0);
    for (place, score, one) in steps {
        if place > last && count > 0 {
            let value = (sum / count as f64) as f32;
            match runs.last_mut() {
                Some(run) if run.end == last && run.value == value => run.end = place,
                _ => runs.push(Run {
                    chromosome,
                    start: last,
                    end: place,
                    value,
                }),
            }
        }
        last = place;
        count += one;
        // So that what rounding left behind ends with the windows.
        sum = if count == 0 { 0.0 } else { sum + score };
    }
    runs
}
