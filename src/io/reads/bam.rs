//! BAM, sorted or not; no index is needed.

use super::{Choice, Tally, cut};
use crate::io::chrom_sizes::Chromosomes;
use crate::io::text::BGZF_END;
use crate::{Error, Result};
use noodles_bam as bam;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZero;
use std::path::Path;

/// Threads that unpack blocks: more do not help one that counts.
const UNPACKING: usize = 2;

/// The reference sequences of the header, all of them, in its order.
///
/// # Errors
/// No BAM; a header without any.
pub fn chromosomes(path: &Path) -> Result<Chromosomes> {
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let mut reader = bam::io::Reader::new(file);
    let damaged = |e: io::Error| match e.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::format(path, "truncated BAM file: it ends within its header")
        }
        _ => Error::format(path, format!("corrupt BAM file: its header: {e}")),
    };
    let header = reader.read_header().map_err(damaged)?;
    let list = header.reference_sequences().iter();
    let list = list.map(|(name, map)| match u32::try_from(map.length().get()) {
        Ok(length) => Ok((name.to_string(), length)),
        Err(_) => Err(Error::format(
            path,
            format!("chromosome {name} has 2^32 bases or more"),
        )),
    });
    match Chromosomes::new(path, list.collect::<Result<_>>()?) {
        Some(chromosomes) if !chromosomes.is_empty() => Ok(chromosomes),
        _ => Err(Error::format(
            path,
            "a BAM file without reference sequences; expected reads that were mapped to a genome",
        )),
    }
}

pub fn each_cut(
    path: &Path,
    chromosomes: &Chromosomes,
    choice: Choice,
    take: &mut impl FnMut(u32, u32),
) -> Result<Tally> {
    let damaged = |e: io::Error| match e.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::format(path, "truncated BAM file: it ends within a read")
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Error::format(path, format!("corrupt BAM file: {e}"))
        }
        _ => Error::io(path, e),
    };
    let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
    check_end(path, &mut file)?;
    let threads = rayon::current_num_threads().clamp(1, UNPACKING);
    let threads = NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN);
    let blocks = noodles_bgzf::io::MultithreadedReader::with_worker_count(threads, file);
    let mut reader = bam::io::Reader::from(blocks);
    let header = reader.read_header().map_err(damaged)?;
    let numbers = numbers(path, &header, chromosomes)?;
    let mut tally = Tally::default();
    let mut record = bam::Record::default();
    while reader.read_record(&mut record).map_err(damaged)? > 0 {
        let flags = record.flags();
        let quality = record
            .mapping_quality()
            .map_or(u8::MAX, |quality| quality.get());
        let (Some(reference), Some(start), false) = (
            record.reference_sequence_id(),
            record.alignment_start(),
            flags.is_unmapped(),
        ) else {
            tally.unmapped += 1;
            continue;
        };
        match () {
            () if flags.is_secondary() || flags.is_supplementary() || flags.is_qc_fail() => {
                tally.not_primary += 1;
                continue;
            }
            () if flags.is_duplicate() && !choice.duplicates => {
                tally.duplicates += 1;
                continue;
            }
            () if quality < choice.quality => {
                tally.quality += 1;
                continue;
            }
            () => {}
        }
        let reference = reference.map_err(damaged)?;
        let Some(&chromosome) = numbers.get(reference) else {
            return Err(Error::format(
                path,
                format!(
                    "corrupt BAM file: a read on reference sequence {reference} of {}",
                    numbers.len()
                ),
            ));
        };
        let Some(chromosome) = chromosome else {
            tally.strangers += 1;
            continue;
        };
        let start = start.map_err(damaged)?.get() as i64 - 1;
        let (mut span, mut length) = (0_usize, 0_usize);
        for op in record.cigar().iter() {
            let op = op.map_err(damaged)?;
            if op.kind().consumes_reference() {
                span += op.len();
            }
            if op.kind().consumes_read() {
                length += op.len();
            }
        }
        let place = match flags.is_reverse_complemented() {
            false => start + choice.shift.0,
            true => start + span as i64 - 1 + choice.shift.1,
        };
        tally.kept += 1;
        tally.length(length);
        if !cut(place, chromosome, chromosomes, &mut tally, take) {
            tally.off_end += 1;
        }
    }
    Ok(tally)
}

/// Every whole BAM ends in an empty block: without it, blocks are missing.
fn check_end(path: &Path, file: &mut File) -> Result<()> {
    let mut end = [0; BGZF_END.len()];
    let read = file
        .seek(SeekFrom::End(-(end.len() as i64)))
        .and_then(|_| file.read_exact(&mut end))
        .and_then(|()| file.rewind());
    match read {
        Ok(()) if end == BGZF_END => Ok(()),
        _ => Err(Error::format(
            path,
            "truncated BAM file: the block that ends every BAM is missing; copy the file again",
        )),
    }
}

/// The number of each reference sequence of the header, `None` of one that is not in use.
fn numbers(
    path: &Path,
    header: &noodles_sam::Header,
    chromosomes: &Chromosomes,
) -> Result<Vec<Option<u32>>> {
    let mut numbers = Vec::new();
    let mut names = Vec::new();
    for (name, map) in header.reference_sequences() {
        let name = name.to_string();
        let number = chromosomes.number(&name);
        if let Some(number) = number {
            let (theirs, ours) = (map.length().get(), chromosomes.length(number) as usize);
            if theirs != ours {
                return Err(Error::format(
                    path,
                    format!(
                        "chromosome {name} has {theirs} bases in its header, {ours} in {}: reads of another genome build; expected the same",
                        chromosomes.path.display()
                    ),
                ));
            }
        }
        names.push(name);
        numbers.push(number);
    }
    match numbers.iter().any(Option::is_some) {
        true => Ok(numbers),
        false => Err(chromosomes.nothing_in_common(path, names)),
    }
}
