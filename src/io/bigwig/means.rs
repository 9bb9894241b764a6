//! A bigWig of scored windows that overlap: each base has the mean of the windows over it.

use std::path::Path;

use super::pieces::Pieces;
use super::write::{Run, name_order, write_bigwig};
use crate::io::chrom_sizes::Chromosomes;
use crate::{Error, Result};

/// Collects windows in any order, each with a score for each of several tracks.
pub struct Means {
    chromosomes: Chromosomes,
    tracks: usize,
    windows: Pieces,
}

impl Means {
    /// Error: no temporary file can be made.
    pub fn new(chromosomes: Chromosomes, tracks: usize) -> Result<Means> {
        Ok(Means {
            windows: Pieces::new(chromosomes.len())?,
            chromosomes,
            tracks,
        })
    }

    /// Adds the window `start..end` with a score for each track. Error: the disk is full.
    ///
    /// Panics when there are not as many scores as tracks, or no such chromosome.
    pub fn add(&mut self, chromosome: u32, start: u32, end: u32, scores: &[f32]) -> Result<()> {
        assert_eq!(scores.len(), self.tracks, "scores of a window");
        let place = start.to_le_bytes().into_iter().chain(end.to_le_bytes());
        let scores = scores.iter().flat_map(|score| score.to_le_bytes());
        self.windows.add(chromosome, place.chain(scores))
    }

    /// Writes a track of the means, whole or not at all. Errors: no window was added, one past its
    /// chromosome's end, what the operating system refuses.
    ///
    /// Panics when there is no such track.
    pub fn write(&mut self, track: usize, path: impl AsRef<Path>) -> Result<()> {
        assert!(track < self.tracks, "track {track}");
        let path = path.as_ref();
        let record = 8 + 4 * self.tracks;
        let Some(written) = self.windows.written()? else {
            return Err(Error::format(path, "no scored interval to write"));
        };
        let runs = name_order(&self.chromosomes)
            .into_iter()
            .flat_map(|chromosome| {
                let pieces = written.of(chromosome);
                let records = pieces.flat_map(|piece| piece.chunks_exact(record));
                let windows = records.map(|record| window(record, track));
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
