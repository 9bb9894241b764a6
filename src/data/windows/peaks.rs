//! Intervals of a BED file on the chromosomes in use.

use crate::data::Notes;
use crate::data::regions::Regions;
use crate::dna::span::Span;
use crate::io::bed::Reader;
use crate::io::chrom_sizes::{Chromosomes, Numbers, Strangers};
use crate::io::edges::{Edge, Edges, Treatment};
use crate::io::text::{Lines, first_names};
use crate::numbers::counted;
use crate::{Error, Result};

/// Intervals with their chromosomes' numbers; the same one may come several times.
pub type Intervals = Vec<(u32, Span)>;

/// What a BED file holds.
#[derive(Debug)]
pub struct BedFile {
    /// On the chromosomes in use, in the order of the file.
    pub intervals: Intervals,
    /// The file has no interval at all.
    pub empty: bool,
    /// Both sides' first names, where every interval is on a chromosome that is not in use.
    pub nothing_in_common: Option<Error>,
}

impl BedFile {
    /// Reads a BED file; a file without intervals is no error. Intervals on other chromosomes than those in use, past
    /// the end of theirs or without a base are left out, those that end past the end are clipped there; a note counts
    /// each kind.
    ///
    /// # Errors
    /// Those of the reader; so many intervals past the end that they are of another build ([`Edges::note`]).
    pub fn read(lines: Lines, chromosomes: &Chromosomes, notes: &mut Notes) -> Result<BedFile> {
        let mut reader = Reader::new(lines);
        let (mut intervals, mut edges) = (Intervals::new(), Edges::default());
        let (mut strangers, mut known) = (Strangers::default(), false);
        let mut numbers = Numbers::new(chromosomes);
        while let Some(row) = reader.read()? {
            let Some(number) = numbers.of(row.chromosome) else {
                strangers.count(row.chromosome);
                continue;
            };
            known = true;
            let length = chromosomes.length(number);
            let place = (row.chromosome, row.start, row.end);
            match edges.count(place, row.line, u64::from(length)) {
                // Below 2^32: on the chromosome.
                Edge::Inside => {
                    intervals.push((number, Span::new(row.start as u32, row.end as u32)))
                }
                Edge::Over => intervals.push((number, Span::new(row.start as u32, length))),
                Edge::Past | Edge::Empty => {}
            }
        }
        let path = reader.path();
        notes.extend(edges.note(path, &chromosomes.path, Treatment::Clip)?);
        let nothing_in_common = (!known && strangers.rows() > 0)
            .then(|| chromosomes.nothing_in_common(path, strangers.names()));
        if known && strangers.rows() > 0 {
            notes.push(format!(
                "note: {}: {} left out, on chromosomes that are not in use: {}",
                path.display(),
                counted(strangers.rows(), "interval"),
                first_names(strangers.names())
            ));
        }
        Ok(BedFile {
            intervals,
            empty: !known && strangers.rows() == 0,
            nothing_in_common,
        })
    }
}

/// The intervals of a BED file on the chromosomes in use, as [`BedFile::read`] has them.
///
/// # Errors
/// Those of the reader, and intervals of which none is on a chromosome in use.
pub fn read_intervals(
    lines: Lines,
    chromosomes: &Chromosomes,
    notes: &mut Notes,
) -> Result<Intervals> {
    let file = BedFile::read(lines, chromosomes, notes)?;
    match file.nothing_in_common {
        Some(error) => Err(error),
        None => Ok(file.intervals),
    }
}

/// What a peak file without an interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// An error: nothing can be done without these peaks.
    Refused,
    /// A warning: others are there.
    Warned,
}

fn read_peaks(
    lines: Lines,
    chromosomes: &Chromosomes,
    without: Without,
    notes: &mut Notes,
) -> Result<Intervals> {
    let path = lines.path().to_path_buf();
    let file = BedFile::read(lines, chromosomes, notes)?;
    match (file.nothing_in_common, without) {
        (Some(error), _) => Err(error),
        (None, _) if !file.empty => Ok(file.intervals),
        (None, Without::Refused) => Err(Error::format(path, NO_PEAKS)),
        (None, Without::Warned) => {
            notes.push(format!("warning: {}: {NO_PEAKS}", path.display()));
            Ok(file.intervals)
        }
    }
}

const NO_PEAKS: &str = "the file is empty; expected peaks: chromosome, start, end";

/// A factor's peaks in a cell line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peaks {
    /// By chromosome and start; of equal ones in the file's order. A repeated line is there again.
    pub conservative: Intervals,
    /// What may be bound: no negative lies here. Merged.
    pub relaxed: Regions,
}

impl Peaks {
    /// Reads a factor's files; without relaxed peaks the conservative ones take their place.
    ///
    /// # Errors
    /// Those of [`read_intervals`]; a file without an interval, where that is refused.
    pub fn read(
        conservative: Lines,
        relaxed: Option<Lines>,
        without: Without,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Peaks> {
        let mut read = |lines| read_peaks(lines, chromosomes, without, notes);
        let conservative = read(conservative)?;
        let relaxed = relaxed.map(read).transpose()?;
        Ok(Peaks::new(conservative, relaxed, chromosomes.len()))
    }

    /// Peaks in any order, on so many chromosomes; without relaxed ones the conservative ones take
    /// their place.
    pub fn new(
        mut conservative: Intervals,
        relaxed: Option<Intervals>,
        chromosomes: usize,
    ) -> Peaks {
        conservative.sort_by_key(|(chromosome, span)| (*chromosome, span.start));
        let relaxed = relaxed.unwrap_or_else(|| conservative.clone());
        Peaks {
            relaxed: Regions::merge(chromosomes, relaxed),
            conservative,
        }
    }
}
