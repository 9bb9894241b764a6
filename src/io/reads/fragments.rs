//! Fragment files of single-cell ATAC-seq: chromosome, start, end, barcode, count; 0-based, half-open, shifted already.

use super::{Tally, cut};
use crate::Result;
use crate::io::bed::Reader;
use crate::io::chrom_sizes::{Chromosomes, Numbers, Strangers};
use crate::io::text::Lines;
use std::path::Path;

pub fn each_cut(
    path: &Path,
    chromosomes: &Chromosomes,
    take: &mut impl FnMut(u32, u32),
) -> Result<Tally> {
    let mut reader = Reader::new(Lines::open(path)?);
    let mut tally = Tally::default();
    let mut strangers = Strangers::default();
    let mut numbers = Numbers::new(chromosomes);
    let mut any = false;
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
        tally.kept += 1;
        for place in [row.start, row.end - 1] {
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            cut(place, number, chromosomes, &mut tally, take);
        }
    }
    tally.strangers = strangers.rows() as u64;
    match any && tally.kept == 0 {
        true => Err(chromosomes.nothing_in_common(path, strangers.names())),
        false => Ok(tally),
    }
}
