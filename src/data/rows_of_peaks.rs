//! Which row of a signal table belongs to which peak: by the peak's name, or by a place.

use crate::io::peaks::{Peak, PeakFile};
use crate::io::signals::SignalTable;
use crate::io::text::first_names;
use crate::{Error, Result};
use std::collections::HashMap;

/// A table whose rows are called as peaks are (column 4 of their file), or by places: those of peaks or of windows.
pub struct RowsOfPeaks {
    pub table: SignalTable,
    by_name: HashMap<String, usize>,
    by_place: HashMap<Place, usize>,
}

/// 0-based, half-open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    chromosome: String,
    start: u64,
    end: u64,
}

impl Place {
    /// Of `chr1:100-200`, `chr1-100-200` or `chr1_100_200`.
    fn parse(text: &str) -> Option<Place> {
        let (rest, end) = text.rsplit_once(['-', '_'])?;
        let (chromosome, start) = rest.rsplit_once([':', '-', '_'])?;
        Some(Place {
            chromosome: chromosome.to_string(),
            start: start.parse().ok()?,
            end: end.parse().ok()?,
        })
    }
}

impl RowsOfPeaks {
    /// # Errors
    /// Two rows of the same place.
    pub fn new(table: SignalTable) -> Result<RowsOfPeaks> {
        let mut by_place = HashMap::new();
        for (name, row) in table.rows.iter().zip(0..) {
            let Some(place) = Place::parse(name) else {
                continue;
            };
            if let Some(other) = by_place.insert(place, row) {
                return Err(Error::format(
                    &table.path,
                    format!(
                        "rows '{}' and '{name}' are of one place; expected one row for each",
                        table.rows[other]
                    ),
                ));
            }
        }
        let by_name = table.rows.iter().cloned().zip(0..).collect();
        Ok(RowsOfPeaks {
            table,
            by_name,
            by_place,
        })
    }

    /// The row of a peak whose window begins at `start` and has `width` bases: that of its name, else of its place, else of the window's.
    pub fn row(&self, peak: &Peak, start: u32, width: u32) -> Option<usize> {
        let name = peak.name.as_ref();
        let named = name.and_then(|name| self.by_name.get(name));
        let place = |start: u64, end: u64| {
            self.by_place.get(&Place {
                chromosome: peak.chromosome.clone(),
                start,
                end,
            })
        };
        let window = u64::from(start);
        named
            .or_else(|| place(peak.start, peak.end))
            .or_else(|| place(window, window + u64::from(width)))
            .copied()
    }

    /// # Errors
    /// A row's name that two peaks have.
    pub fn check_names(&self, files: &[PeakFile]) -> Result<()> {
        let mut seen: HashMap<&str, (&PeakFile, u64)> = HashMap::new();
        for file in files {
            for peak in &file.peaks {
                let name = peak.name.as_deref();
                let Some(name) = name.filter(|name| self.by_name.contains_key(*name)) else {
                    continue;
                };
                if let Some((other, line)) = seen.insert(name, (file, peak.line)) {
                    return Err(Error::format_at(
                        &file.path,
                        peak.line,
                        format!(
                            "peak '{name}' again, first in {}, line {line}, and one row of {} has this name; expected names that tell peaks apart, or rows named by place",
                            other.path.display(),
                            self.table.path.display()
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// How many peaks' places, with so much added to their starts, are rows.
    fn places_of(&self, files: &[PeakFile], more: u64) -> usize {
        let peaks = files.iter().flat_map(|file| &file.peaks);
        let is_row = |peak: &&Peak| {
            self.by_place.contains_key(&Place {
                chromosome: peak.chromosome.clone(),
                start: peak.start + more,
                end: peak.end,
            })
        };
        peaks.filter(is_row).count()
    }

    /// # Errors
    /// More rows are peaks' places counted from 1 than counted from 0.
    pub fn check_base(&self, files: &[PeakFile]) -> Result<()> {
        match self.places_of(files, 1) > self.places_of(files, 0) {
            true => Err(self.nothing_in_common(files)),
            false => Ok(()),
        }
    }

    /// The error where no peak has a row: names of both sides, and what may be the matter.
    pub fn nothing_in_common(&self, files: &[PeakFile]) -> Error {
        let peaks = || files.iter().flat_map(|file| &file.peaks);
        let from_one = self.places_of(files, 1) > 0;
        let places = peaks().map(|peak| format!("{}:{}-{}", peak.chromosome, peak.start, peak.end));
        let names: Vec<&str> = peaks().filter_map(|peak| peak.name.as_deref()).collect();
        let names = match names.is_empty() {
            true => "which have no names".to_string(),
            false => format!("called {}", first_names(names)),
        };
        Error::format(
            &self.table.path,
            format!(
                "peaks have no rows: rows are called {}, peaks lie at {}, {names}; expected rows called as peaks, or by their places or their windows'{}",
                first_names(&self.table.rows),
                first_names(places),
                match from_one {
                    true =>
                        ". These rows count from 1, as R does: take 1 off each start, as BED has it",
                    false => "",
                }
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::signals::{RowColumns, parse_signals};
    use crate::io::text::Lines;

    fn table(text: &str) -> Result<RowsOfPeaks> {
        let lines = Lines::new("t.tsv", std::io::Cursor::new(text.to_string()));
        RowsOfPeaks::new(parse_signals(lines, &RowColumns::default()).unwrap())
    }

    fn peaks(text: &str) -> PeakFile {
        PeakFile::read(Lines::new("p.bed", std::io::Cursor::new(text.to_string()))).unwrap()
    }

    #[test]
    fn a_row_is_found_by_name_and_by_place_however_it_is_written() {
        let rows = table(
            "peak\ta\nfirst\t1\nchr1:50-90\t2\nchr1-200-240\t3\nscaffold_7_5_9\t4\nchr1:300-400\t5\n",
        );
        let rows = rows.unwrap();
        let file = peaks(
            "chr1\t10\t30\tfirst\nchr1\t50\t90\tsecond\nchr1\t200\t240\nscaffold_7\t5\t9\nchr1\t320\t380\nchr1\t1\t2\n",
        );
        let of = |peak: &Peak| rows.row(peak, 300, 100);
        let found: Vec<_> = file.peaks.iter().map(of).collect();
        assert_eq!(
            found,
            [Some(0), Some(1), Some(2), Some(3), Some(4), Some(4)]
        );
        assert_eq!(rows.row(&file.peaks[5], 0, 100), None);
        rows.check_names(&[file]).unwrap();
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let twice = table("p\ta\nchr1:5-9\t1\nchr1_5_9\t2\n").err().unwrap();
        let twice = twice.to_string();
        assert!(
            twice.contains("rows 'chr1:5-9' and 'chr1_5_9' are of one place"),
            "{twice}"
        );
        let rows = table("p\ta\nx\t1\ny\t2\n").unwrap();
        let files = [peaks("chr1\t1\t5\tx\n"), peaks("chr1\t7\t9\tx\n")];
        let found = rows.check_names(&files).unwrap_err().to_string();
        assert!(
            found.contains("p.bed, line 1: peak 'x' again, first in p.bed, line 1"),
            "{found}"
        );
    }

    #[test]
    fn rows_that_count_from_one_are_known() {
        let rows = table("p\ta\nchr1:6-9\t1\n").unwrap();
        let said = |text: &str| rows.nothing_in_common(&[peaks(text)]).to_string();
        let found = said("chr1\t5\t9\n");
        assert!(
            found.contains(
                "rows are called 'chr1:6-9', peaks lie at 'chr1:5-9', which have no names"
            ),
            "{found}"
        );
        assert!(found.contains("count from 1, as R does"), "{found}");
        assert!(!said("chr1\t4\t9\tx\n").contains("count from 1"));
    }
}
