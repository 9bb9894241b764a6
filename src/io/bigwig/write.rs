//! Writing bigWig.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use bigtools::beddata::BedParserStreamingIterator;
use bigtools::{BBIProcessError, BigWigWrite, InputSortType, Value};
use tokio::runtime;

use crate::Result;
use crate::io::atomic::write_file_atomic;
use crate::io::chrom_sizes::Chromosomes;

/// A run of one value on a numbered chromosome: bases `start..end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    pub chromosome: u32,
    pub start: u32,
    pub end: u32,
    pub value: f32,
}

/// Counts chromosomes as they come: bigtools lists all in one node and counts them in 16 bits, so that with more the file
/// would be corrupt.
#[derive(Default)]
struct Listed {
    count: u16,
    last: Option<u32>,
}

impl Listed {
    fn add(&mut self, chromosome: u32) -> io::Result<()> {
        if self.last.replace(chromosome) == Some(chromosome) {
            return Ok(());
        }
        let count = self.count.checked_add(1);
        self.count = count.ok_or_else(|| {
            io::Error::other(format!(
                "values on more than {} chromosomes, which cannot be written to one bigWig",
                u16::MAX
            ))
        })?;
        Ok(())
    }
}

/// Writes runs, all of a chromosome together, by start and without overlap. The chromosomes'
/// order should be that of [`name_order`], which other readers of the format count on; those
/// without a run are not listed in the file.
///
/// The file has no zoom levels: where bases lack values, bigtools' ones are wrong (a summary that ended before a run counts bases of the
/// gap as the run's).
///
/// The file appears whole or not at all. Errors: no run at all, runs on more than 65,535 chromosomes, runs past their chromosome's end,
/// overlapping or out of order, what the operating system refuses.
pub fn write_bigwig(
    path: impl AsRef<Path>,
    chromosomes: &Chromosomes,
    runs: impl Iterator<Item = io::Result<Run>>,
) -> Result<()> {
    write(path, chromosomes, runs, Some(Vec::new()))
}

/// As [`write_bigwig`], with zoom levels: for runs that leave out no base of their chromosomes.
pub fn write_gapless_bigwig(
    path: impl AsRef<Path>,
    chromosomes: &Chromosomes,
    runs: impl Iterator<Item = io::Result<Run>>,
) -> Result<()> {
    write(path, chromosomes, runs, None)
}

/// `zooms`: bases of each level's summaries; bigtools' own choice where `None`.
fn write(
    path: impl AsRef<Path>,
    chromosomes: &Chromosomes,
    runs: impl Iterator<Item = io::Result<Run>>,
    zooms: Option<Vec<u32>>,
) -> Result<()> {
    write_file_atomic(path, |temporary| {
        let names = chromosomes.names().iter().cloned();
        let sizes: HashMap<String, u32> =
            names.zip(chromosomes.lengths().iter().copied()).collect();
        let mut failed = None;
        let mut listed = Listed::default();
        let values = runs.map_while(|run| {
            let run = run.and_then(|run| listed.add(run.chromosome).map(|()| run));
            let run = run.map_err(|e| failed = Some(e)).ok()?;
            let (start, end, value) = (run.start, run.end, run.value);
            Some((
                chromosomes.name(run.chromosome),
                Value { start, end, value },
            ))
        });
        let values = BedParserStreamingIterator::wrap_infallible_iter(values, true);
        let runtime = runtime::Builder::new_current_thread().build()?;
        let mut writer = BigWigWrite::create_file(temporary, sizes)?;
        writer.options.input_sort_type = InputSortType::START;
        writer.options.manual_zoom_sizes = zooms;
        let written = writer.write(values, runtime);
        if let Some(e) = failed {
            return Err(e);
        }
        written.map_err(|e| match e {
            BBIProcessError::IoError(e) => e,
            e => io::Error::other(e.to_string()),
        })?;
        ends_in_its_magic(temporary)
    })
}

/// The numbers of the chromosomes by name.
pub fn name_order(chromosomes: &Chromosomes) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(chromosomes.len()).collect();
    order.sort_by_key(|&number| chromosomes.name(number));
    order
}

/// bigtools drops its buffer without a look at whether the last bytes got to the disk.
fn ends_in_its_magic(path: &Path) -> io::Result<()> {
    if ends_alike(path)? {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::StorageFull,
            "the end of the file was not written",
        ))
    }
}

/// Whether a file's last four bytes are its first ones.
pub fn ends_alike(path: &Path) -> io::Result<bool> {
    let (mut file, mut first, mut last) = (File::open(path)?, [0; 4], [0; 4]);
    file.read_exact(&mut first)?;
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut last)?;
    Ok(first == last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_chromosomes_than_the_writer_can_count_are_an_error() {
        let mut listed = Listed::default();
        for chromosome in 0..65_535 {
            listed.add(chromosome).unwrap();
            listed.add(chromosome).unwrap();
        }
        let error = listed.add(65_535).unwrap_err().to_string();
        assert!(
            error.starts_with("values on more than 65535 chromosomes"),
            "{error}"
        );
    }
}
