//! Fragment files of single-cell ATAC-seq: chromosome, start, end, barcode, count; 0-based, half-open, shifted already.

use super::{Tally, cut};
use crate::io::bed::Reader;
use crate::io::chrom_sizes::{Chromosomes, Numbers, Strangers};
use crate::io::text::Lines;
use crate::numbers::counted;
use crate::{Error, Result};
use std::path::Path;

/// Cuts past the end: fewer may be a mapper's rounding.
const FEWEST: u64 = 10;
/// And more than one fragment in so many.
const SHARE: u64 = 100;

pub fn each_cut(
    path: &Path,
    chromosomes: &Chromosomes,
    take: &mut impl FnMut(u32, u32),
) -> Result<Tally> {
    let mut reader = Reader::new(Lines::open(path)?);
    let mut tally = Tally::default();
    let mut strangers = Strangers::default();
    let mut numbers = Numbers::new(chromosomes);
    let (mut any, mut rows, mut first) = (false, 0_u64, None);
    while let Some(row) = reader.read()? {
        any = true;
        let Some(number) = numbers.of(row.chromosome) else {
            strangers.count(row.chromosome);
            continue;
        };
        if row.start == row.end {
            let (chromosome, start) = (row.chromosome.to_string(), row.start);
            return Err(reader.error(format!(
                "fragment {chromosome}:{start}-{start} has no base; expected start and end, 0-based and half-open"
            )));
        }
        rows += 1;
        let length = chromosomes.length(number);
        if row.end > u64::from(length) {
            first.get_or_insert_with(|| {
                let place = format!("{}:{}-{}", row.chromosome, row.start, row.end);
                (row.line, place, counted(length, "base"))
            });
        }
        let before = tally.cuts;
        for place in [row.start, row.end - 1] {
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            if !cut(place, number, chromosomes, &mut tally, take) {
                tally.beyond += 1;
            }
        }
        tally.kept += u64::from(tally.cuts > before);
    }
    tally.strangers = strangers.rows() as u64;
    if let Some((line, place, length)) = first
        && tally.beyond >= FEWEST
        && tally.beyond * SHARE > rows
    {
        return Err(Error::format_at(
            path,
            line,
            format!(
                "fragment {place} ends past its chromosome, which has {length} in {}, and {} past their chromosomes' ends: of another genome build; expected the same",
                chromosomes.path.display(),
                counted(tally.beyond, "cut")
            ),
        ));
    }
    match any && rows == 0 {
        true => Err(chromosomes.nothing_in_common(path, strangers.names())),
        false => Ok(tally),
    }
}
