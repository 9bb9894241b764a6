//! Intervals of a BED file on the chromosomes in use.

use std::path::Path;

use crate::Result;
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::dna::span::Span;
use crate::io::bed::Reader;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::distinct::Distinct;
use crate::io::text::first_names;
use crate::numbers::counted;

/// Intervals with their chromosomes' numbers; the same one may come several times.
pub type Intervals = Vec<(u32, Span)>;

/// Reads the intervals of a BED file in its order. Those on other chromosomes than the ones in use
/// are left out, with a note; a file without intervals gives none.
///
/// Errors name the line: those of the reader, an interval past its chromosome's end. Intervals of
/// which none is on a chromosome in use: shows both sides' first names.
pub fn read_intervals(
    path: &Path,
    chromosomes: &Chromosomes,
    notes: &mut Notes,
) -> Result<Intervals> {
    let mut reader = Reader::open(path)?;
    let (mut intervals, mut strangers, mut skipped) =
        (Intervals::new(), Distinct::default(), 0_u64);
    // Neighbours mostly are on the same chromosome.
    let mut last: Option<(String, u32)> = None;
    while let Some(row) = reader.read()? {
        let number = match &last {
            Some((name, number)) if name == row.chromosome => *number,
            _ => match chromosomes.number(row.chromosome) {
                Some(number) => {
                    last = Some((row.chromosome.to_string(), number));
                    number
                }
                None => {
                    skipped += 1;
                    strangers.add(row.chromosome);
                    continue;
                }
            },
        };
        let length = chromosomes.length(number);
        let span = match (u32::try_from(row.start), u32::try_from(row.end)) {
            (Ok(start), Ok(end)) if end <= length => Span::new(start, end),
            _ => {
                let (name, start, end) = (row.chromosome, row.start, row.end);
                let message = format!(
                    "interval {name}:{start}-{end} ends past the end of {name}, which has {} in {}",
                    counted(length, "base"),
                    chromosomes.path.display()
                );
                return Err(reader.error(message));
            }
        };
        intervals.push((number, span));
    }
    if intervals.is_empty() && skipped > 0 {
        return Err(chromosomes.nothing_in_common(path, strangers.names()));
    }
    if skipped > 0 {
        notes.push(format!(
            "{}: {} left out, on chromosomes that are not in use: {}",
            path.display(),
            counted(skipped, "interval"),
            first_names(strangers.names())
        ));
    }
    Ok(intervals)
}

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
    /// Those of [`read_intervals`].
    pub fn read(
        conservative: &Path,
        relaxed: Option<&Path>,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Peaks> {
        let relaxed = relaxed.filter(|path| *path != conservative);
        let conservative = read_intervals(conservative, chromosomes, notes)?;
        let relaxed = relaxed
            .map(|path| read_intervals(path, chromosomes, notes))
            .transpose()?;
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
