//! A bigWig of cuts: how many lie on each base, times a factor.

use std::path::Path;

use super::pieces::Pieces;
use super::write::{Run, name_order, write_gapless_bigwig};
use crate::io::chrom_sizes::Chromosomes;
use crate::{Error, Result};

/// Collects cuts in any order; a chromosome's are in memory while it is written.
pub struct Cuts {
    chromosomes: Chromosomes,
    places: Pieces,
}

impl Cuts {
    /// Error: no temporary file can be made.
    pub fn new(chromosomes: Chromosomes) -> Result<Cuts> {
        Ok(Cuts {
            places: Pieces::new(chromosomes.len())?,
            chromosomes,
        })
    }

    /// Adds a cut at a base. Error: the disk is full.
    ///
    /// Panics when there is no such chromosome.
    pub fn add(&mut self, chromosome: u32, place: u32) -> Result<()> {
        self.places.add(chromosome, place.to_le_bytes())
    }

    /// Writes the counts times `factor`, whole or not at all; bases without a cut have 0. Errors: no cut was added, what the operating system refuses.
    pub fn write(&mut self, factor: f64, path: &Path) -> Result<()> {
        let Some(written) = self.places.written()? else {
            return Err(Error::format(path, "no cut to write"));
        };
        let chromosomes = &self.chromosomes;
        let runs = name_order(chromosomes).into_iter().flat_map(|chromosome| {
            let bytes = written.of(chromosome).flatten().copied();
            let bytes: Vec<u8> = bytes.collect();
            let places = bytes.chunks_exact(4);
            let places = places.map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            counts(
                chromosome,
                places.collect(),
                factor,
                chromosomes.length(chromosome),
            )
        });
        write_gapless_bigwig(path, chromosomes, runs.map(Ok))
    }
}

fn counts(chromosome: u32, mut places: Vec<u32>, factor: f64, length: u32) -> Vec<Run> {
    places.sort_unstable();
    let mut runs: Vec<Run> = Vec::new();
    let mut add = |start: u32, end: u32, value: f32| match runs.last_mut() {
        Some(run) if run.end == start && run.value == value => run.end = end,
        _ if start == end => {}
        _ => runs.push(Run {
            chromosome,
            start,
            end,
            value,
        }),
    };
    let mut last = 0;
    for same in places.chunk_by(|a, b| a == b) {
        let place = same[0];
        add(last, place, 0.0);
        add(place, place + 1, (same.len() as f64 * factor) as f32);
        last = place + 1;
    }
    add(last, length, 0.0);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use bigtools::BigWigRead;

    /// bigtools counts bases of gaps as the values behind them: what is written here has none.
    #[test]
    fn summaries_of_every_zoom_level_are_those_of_the_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cuts.bw");
        let list = vec![("chr1".to_string(), 400_000), ("chr2".to_string(), 1_000)];
        let chromosomes = Chromosomes::new("x", list).unwrap();
        let mut cuts = Cuts::new(chromosomes).unwrap();
        let mut counts = vec![0_u32; 400_000];
        for i in 0..900_u32 {
            // Three clusters, far apart.
            let place = [5_000, 120_000, 390_000][i as usize % 3] + i * i % 1_999;
            cuts.add(0, place).unwrap();
            counts[place as usize] += 1;
        }
        cuts.write(2.0, &path).unwrap();
        let mut read = BigWigRead::open_file(&path).unwrap();
        let levels: Vec<u32> = read
            .info()
            .zoom_headers
            .iter()
            .map(|zoom| zoom.reduction_level)
            .collect();
        assert!(!levels.is_empty());
        for level in levels {
            let records = read.get_zoom_interval("chr1", 0, 400_000, level).unwrap();
            let mut all = 0.0;
            for record in records.map(|record| record.unwrap()) {
                let own = &counts[record.start as usize..record.end as usize];
                let sum: u32 = own.iter().sum();
                assert_eq!(
                    record.summary.sum,
                    f64::from(2 * sum),
                    "level {level}, {}",
                    record.start
                );
                assert_eq!(
                    record.summary.bases_covered,
                    u64::from(record.end - record.start)
                );
                all += record.summary.sum;
            }
            assert_eq!(all, 1_800.0, "level {level}");
        }
        // A chromosome without a cut is there, with 0.
        let other = read.get_interval("chr2", 0, 1_000).unwrap();
        let other: Vec<_> = other.map(|run| run.unwrap()).collect();
        assert_eq!((other.len(), other[0].end, other[0].value), (1, 1_000, 0.0));
    }
}
