//! Intervals of a BED file on the chromosomes in use.

use crate::Result;
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::dna::span::Span;
use crate::io::bed::Reader;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::text::{Lines, first_names};

/// Intervals with their chromosomes' numbers; the same one may come several times.
pub type Intervals = Vec<(u32, Span)>;

/// Reads the intervals of a BED file in its order. Those on other chromosomes than the ones in use
/// are left out, with a note; a file without intervals gives none.
///
/// Errors name the line: those of the reader, an interval past its chromosome's end. Intervals of
/// which none is on a chromosome in use: shows both sides' first names.
pub fn read_intervals(
    lines: Lines,
    chromosomes: &Chromosomes,
    notes: &mut Notes,
) -> Result<Intervals> {
    let path = lines.path().to_path_buf();
    let mut reader = Reader::new(lines);
    let (mut intervals, mut strangers, mut skipped) = (Intervals::new(), Vec::<String>::new(), 0);
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
                    if !strangers.iter().any(|name| name == row.chromosome) {
                        strangers.push(row.chromosome.to_string());
                    }
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
                    "interval {name}:{start}-{end} ends past the end of {name}, which has {length} bases in {}",
                    chromosomes.path.display()
                );
                return Err(reader.error(message));
            }
        };
        intervals.push((number, span));
    }
    if intervals.is_empty() && skipped > 0 {
        return Err(chromosomes.nothing_in_common(&path, strangers));
    }
    if skipped > 0 {
        notes.push(format!(
            "{}: {skipped} intervals left out, on chromosomes that are not in use: {}",
            path.display(),
            first_names(strangers)
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
        conservative: Lines,
        relaxed: Option<Lines>,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Peaks> {
        let conservative = read_intervals(conservative, chromosomes, notes)?;
        let relaxed = relaxed
            .map(|lines| read_intervals(lines, chromosomes, notes))
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
