//! Rows by where they lie: in the regions of a BED file for validation, in those of another for testing.

use crate::data::dataset::Dataset;
use crate::io::bed::read_bed;
use crate::io::text::{Lines, excerpt, first_names};
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::Path;

/// Spans of a file by chromosome, sorted, overlapping ones joined.
struct Places(HashMap<String, Vec<(u64, u64)>>);

impl Places {
    fn read(path: &Path) -> Result<Places> {
        let mut places: HashMap<String, Vec<(u64, u64)>> = HashMap::new();
        for interval in read_bed(&mut Lines::open(path)?)? {
            if interval.length() > 0 {
                let list = places.entry(interval.chromosome).or_default();
                list.push((interval.start, interval.end));
            }
        }
        for list in places.values_mut() {
            list.sort_unstable();
            list.dedup_by(|next, last| {
                let joins = next.0 <= last.1;
                last.1 = if joins { last.1.max(next.1) } else { last.1 };
                joins
            });
        }
        Ok(Places(places))
    }

    /// Whether a base of `start..end` is in them.
    fn touch(&self, chromosome: &str, start: u64, end: u64) -> bool {
        self.0.get(chromosome).is_some_and(|list| {
            let next = list.partition_point(|span| span.1 <= start);
            list.get(next).is_some_and(|span| span.0 < end)
        })
    }
}

/// Rows for training, validation and testing. A row with a base in a region of one file is in that part; one with bases in regions of both
/// is in none; all others train.
///
/// # Errors
/// A file that cannot be read or has no interval; a row without a place; a part without a row.
pub fn by_regions(data: &Dataset, validation: &Path, test: &Path) -> Result<[Vec<usize>; 3]> {
    let files = [validation, test];
    let [in_validation, in_test] = [Places::read(validation)?, Places::read(test)?];
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for row in 0..data.len() {
        let (Some(chromosome), Some(start)) = (data.chromosome(row), data.start(row)) else {
            return Err(Error::invalid(format!(
                "row {} has no place in its name, which a split by regions needs; expected names like chr1:100-200",
                excerpt(&data.names[row])
            )));
        };
        let end = start + data.length as u64;
        let touch = |places: &Places| places.touch(chromosome, start, end);
        match (touch(&in_validation), touch(&in_test)) {
            (false, false) => parts[0].push(row),
            (true, false) => parts[1].push(row),
            (false, true) => parts[2].push(row),
            (true, true) => {}
        }
    }
    for (file, rows) in files.into_iter().zip(&parts[1..]) {
        if rows.is_empty() {
            let chromosomes = (0..data.len()).filter_map(|row| data.chromosome(row));
            let mut seen = std::collections::HashSet::new();
            return Err(Error::format(
                file,
                format!(
                    "no row lies in these regions alone; the rows are on {}",
                    first_names(chromosomes.filter(|name| seen.insert(*name)))
                ),
            ));
        }
    }
    if parts[0].is_empty() {
        return Err(Error::invalid(format!(
            "no row is left for training: all lie in regions of {} or {}",
            files[0].display(),
            files[1].display()
        )));
    }
    Ok(parts)
}
