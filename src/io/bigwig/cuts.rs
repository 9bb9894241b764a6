//! A bigWig of cuts: how many lie on each base, times a factor.

use std::path::Path;

use super::pieces::Pieces;
use super::write::{Run, name_order, write_bigwig};
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

    /// Writes the counts times `factor`, whole or not at all. Bases without a cut have no value, but a chromosome without any has 0 on
    /// all of them, so that the file lists it. Errors: no cut was added, what the operating system refuses.
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
        write_bigwig(path, chromosomes, runs.map(Ok))
    }
}

fn counts(chromosome: u32, mut places: Vec<u32>, factor: f64, length: u32) -> Vec<Run> {
    if places.is_empty() {
        return vec![Run {
            chromosome,
            start: 0,
            end: length,
            value: 0.0,
        }];
    }
    places.sort_unstable();
    let mut runs: Vec<Run> = Vec::new();
    for same in places.chunk_by(|a, b| a == b) {
        let value = (same.len() as f64 * factor) as f32;
        match runs.last_mut() {
            Some(run) if run.end == same[0] && run.value == value => run.end += 1,
            _ => runs.push(Run {
                chromosome,
                start: same[0],
                end: same[0] + 1,
                value,
            }),
        }
    }
    runs
}
