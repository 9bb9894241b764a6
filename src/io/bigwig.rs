//! bigWig: values along chromosomes, as runs of one value.

mod checked;
mod cuts;
mod means;
mod pieces;
mod windows;
mod write;

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use bigtools::{BBIFileInfo, BBIReadError, BigWigRead, BigWigReadOpenError};

use super::sources::check_no_stream;
use crate::{Error, Result};
use checked::{Budget, Checked};
pub use cuts::Cuts;
pub use means::Means;
pub use windows::Statistic;
pub use write::{Run, name_order, write_bigwig, write_gapless_bigwig};

/// A bigWig file: its chromosomes and where its data lie. Reading opens the file anew, so that
/// several threads can read it at once.
pub struct BigWig {
    path: PathBuf,
    info: BBIFileInfo,
    /// By a chromosome's name its place in the list.
    places: HashMap<String, usize>,
    /// Of a block when unpacked; 0 where blocks are not packed.
    unpacked: usize,
}

impl BigWig {
    /// Opens a file and reads its list of chromosomes.
    ///
    /// Errors: not a bigWig (a web page, a bigBed, text), a file that breaks off.
    pub fn open(path: impl AsRef<Path>) -> Result<BigWig> {
        let path = path.as_ref();
        check_no_stream(path, "bigWig files")?;
        let mut start = Vec::new();
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let read = file.take(checked::START).read_to_end(&mut start);
        read.map_err(|e| Error::io(path, e))?;
        let unpacked = checked::header(&start).map_err(|problem| Error::format(path, problem))?;
        checked::chromosome_tree(path, &start).map_err(|e| unreadable(path, e))?;
        let file = Checked::open(path, unpacked).map_err(|e| Error::io(path, e))?;
        let opened = BigWigRead::open(file).map_err(|e| match e {
            BigWigReadOpenError::IoError(e) => unreadable(path, e),
            _ => Error::format(
                path,
                "not a bigWig file: no list of chromosomes where one should be",
            ),
        })?;
        let info = opened.info().clone();
        let names = info.chrom_info.iter().map(|found| found.name.clone());
        Ok(BigWig {
            path: path.to_path_buf(),
            places: names.zip(0..).collect(),
            info,
            unpacked,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names and lengths, in the order of the file.
    pub fn chromosomes(&self) -> impl Iterator<Item = (&str, u32)> {
        let list = self.info.chrom_info.iter();
        list.map(|chromosome| (chromosome.name.as_str(), chromosome.length))
    }

    /// Hands the runs within `start..end` of a chromosome to `take`, in order: first base, one past
    /// the last, value as stored. Bases without data are in no run.
    ///
    /// Errors: a file that breaks off, a block that cannot be unpacked or does not hold what its
    /// header says, runs that overlap, a chromosome that the file lacks.
    pub fn each_run(
        &self,
        chromosome: &str,
        start: u32,
        end: u32,
        take: impl FnMut(u32, u32, f32),
    ) -> Result<()> {
        self.reading(chromosome)?.each_run(start, end, take)
    }

    /// A chromosome, for several questions about it.
    ///
    /// Errors: what the operating system refuses.
    pub fn reading<'a>(&'a self, chromosome: &'a str) -> Result<Reading<'a>> {
        let file =
            Checked::open(&self.path, self.unpacked).map_err(|e| Error::io(&self.path, e))?;
        Ok(Reading {
            track: self,
            chromosome,
            budget: file.budget(),
            reader: BigWigRead::with_info(self.info_of(chromosome), file),
        })
    }

    /// What the reader needs to know of one chromosome: it looks names up one after the other, and a genome of many
    /// contigs is read contig by contig.
    fn info_of(&self, chromosome: &str) -> BBIFileInfo {
        let place = self.places.get(chromosome);
        BBIFileInfo {
            filetype: self.info.filetype,
            header: self.info.header,
            zoom_headers: self.info.zoom_headers.clone(),
            chrom_info: place
                .map(|&place| self.info.chrom_info[place].clone())
                .into_iter()
                .collect(),
        }
    }

    /// Whether the file ends in the number that it begins with, as writers leave it. Where it does not, its end is
    /// missing; all values may still be there, since summaries for other zoom levels come last.
    ///
    /// Errors: what the operating system refuses.
    pub fn is_whole(&self) -> Result<bool> {
        write::ends_alike(&self.path).map_err(|e| Error::io(&self.path, e))
    }

    fn error(&self, error: BBIReadError) -> Error {
        match error {
            BBIReadError::IoError(e) => unreadable(&self.path, e),
            e => Error::format(&self.path, format!("not a sound bigWig file: {e}")),
        }
    }
}

/// A chromosome of an open file.
pub struct Reading<'a> {
    track: &'a BigWig,
    chromosome: &'a str,
    budget: Budget,
    reader: BigWigRead<Checked>,
}

impl Reading<'_> {
    /// [`BigWig::each_run`].
    pub fn each_run(
        &mut self,
        start: u32,
        end: u32,
        mut take: impl FnMut(u32, u32, f32),
    ) -> Result<()> {
        self.budget.renew();
        let track = self.track;
        let runs = self.reader.get_interval(self.chromosome, start, end);
        let mut last = start;
        for run in runs.map_err(|e| track.error(e))? {
            let run = run.map_err(|e| track.error(e))?;
            if run.start >= run.end {
                continue; // an item of no base
            }
            if run.start < last {
                return Err(Error::format(
                    &track.path,
                    format!(
                        "values overlap at {}:{}; expected one a base",
                        self.chromosome, run.start
                    ),
                ));
            }
            last = run.end;
            take(run.start, run.end, run.value);
        }
        Ok(())
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::format(
            path,
            "truncated bigWig file: it ends before the data it lists",
        ),
        ErrorKind::InvalidData => Error::format(path, format!("corrupt bigWig file: {error}")),
        _ => Error::io(path, error),
    }
}

#[cfg(test)]
#[path = "bigwig_tests.rs"]
mod tests;
