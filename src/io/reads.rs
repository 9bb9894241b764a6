//! Where reads begin: the 5' ends (cuts, of ATAC-seq and DNase-seq) in BAM and fragment files. Coordinates are 0-based.

mod bam;
mod fragments;

use super::chrom_sizes::Chromosomes;
use crate::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Which reads of a BAM count, and where their cuts are said to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Added to the 5' ends of reads of the forward strand, and of the reverse strand.
    pub shift: (i64, i64),
    /// Reads of a lower mapping quality are left out.
    pub quality: u8,
    /// Whether reads that are marked as duplicates count.
    pub duplicates: bool,
}

/// Reads by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cuts that were handed on.
    pub cuts: u64,
    /// Reads, or fragments, that were kept.
    pub kept: u64,
    /// Of the kept reads by length, where the file says (BAM): how many bases, how many reads.
    pub lengths: Vec<u64>,
    pub unmapped: u64,
    /// Secondary and supplementary alignments, and reads that failed the sequencer's checks.
    pub not_primary: u64,
    pub duplicates: u64,
    pub quality: u64,
    /// On chromosomes that are not in use.
    pub strangers: u64,
    /// Cuts that the shift moved off their chromosome.
    pub off_end: u64,
    /// Cuts of fragments past their chromosome's end, or before its first base.
    pub beyond: u64,
}

impl Tally {
    /// What was left out and why; `None` where nothing was.
    pub fn left_out(&self) -> Option<String> {
        let causes = [
            (self.unmapped, "unmapped"),
            (self.not_primary, "secondary, supplementary or failed"),
            (self.duplicates, "marked as duplicates"),
            (self.quality, "of low mapping quality"),
            (self.strangers, "on chromosomes that are not in use"),
            (self.off_end, "moved off their chromosome by the shift"),
            (self.beyond, "past their chromosome's end"),
        ];
        let causes = causes.into_iter().filter(|(count, _)| *count > 0);
        let causes: Vec<String> = causes
            .map(|(count, cause)| format!("{count} {cause}"))
            .collect();
        (!causes.is_empty()).then(|| causes.join(", "))
    }

    /// The median length of the kept reads, in bases: of an even number the mean of the middle two.
    pub fn median_length(&self) -> Option<f64> {
        let all: u64 = self.lengths.iter().sum();
        let at = |rank: u64| {
            let mut before = 0;
            self.lengths.iter().position(|count| {
                before += count;
                before > rank
            })
        };
        let (low, high) = (at(all.checked_sub(1)? / 2)?, at(all / 2)?);
        Some((low + high) as f64 / 2.0)
    }

    /// Adds what another file gave.
    pub fn add(&mut self, other: &Tally) {
        self.cuts += other.cuts;
        self.kept += other.kept;
        self.unmapped += other.unmapped;
        self.not_primary += other.not_primary;
        self.duplicates += other.duplicates;
        self.quality += other.quality;
        self.strangers += other.strangers;
        self.off_end += other.off_end;
        self.beyond += other.beyond;
        for (bases, count) in other.lengths.iter().enumerate() {
            if *count > 0 {
                self.length(bases);
                self.lengths[bases] += count - 1;
            }
        }
    }

    fn length(&mut self, bases: usize) {
        if self.lengths.len() <= bases {
            self.lengths.resize(bases + 1, 0);
        }
        self.lengths[bases] += 1;
    }
}

/// Hands each cut to `take`: a chromosome's number and a base on it, in the order of the file, which need not be sorted. A BAM
/// read has one, at its 5' end; a fragment two, at its first and its last base, taken as shifted.
///
/// # Errors
/// A CRAM or SAM file; a BAM that breaks off or is damaged; a line of a fragment file that is none; a file without a read, or
/// with none that is kept; no chromosome in common (both sides' first names), chromosomes of other lengths, fragments past their
/// chromosomes' ends.
pub fn each_cut(
    path: &Path,
    chromosomes: &Chromosomes,
    choice: Choice,
    mut take: impl FnMut(u32, u32),
) -> Result<Tally> {
    let tally = match form(path)? {
        Form::Bam => bam::each_cut(path, chromosomes, choice, &mut take)?,
        Form::Fragments => fragments::each_cut(path, chromosomes, &mut take)?,
    };
    match tally.cuts {
        0 => Err(Error::format(
            path,
            format!(
                "no read is left to count{}",
                tally
                    .left_out()
                    .map_or(String::new(), |why| format!(": {why}"))
            ),
        )),
        _ => Ok(tally),
    }
}

/// The chromosomes of a BAM's header; `None` of a fragment file, which has no such list.
///
/// # Errors
/// A file of another format; a header that is damaged or has none.
pub fn chromosomes(path: &Path) -> Result<Option<Chromosomes>> {
    match form(path)? {
        Form::Bam => bam::chromosomes(path).map(Some),
        Form::Fragments => Ok(None),
    }
}

/// How bigWig files begin.
const BIGWIG: [u8; 4] = [0x26, 0xfc, 0x8f, 0x88];

/// What a file of reads is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Bam,
    Fragments,
}

fn form(path: &Path) -> Result<Form> {
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let mut start = [0; 4];
    let length = read_up_to(file, &mut start).map_err(|e| Error::io(path, e))?;
    let start = &start[..length];
    if length == 0 {
        return Err(Error::format(
            path,
            "the file is empty; expected reads: BAM or a fragment file",
        ));
    }
    if start == BIGWIG || start.iter().rev().eq(&BIGWIG) {
        return Err(Error::format(
            path,
            "a bigWig file; expected reads: BAM or a fragment file (tracks are given with --signal, or --track)",
        ));
    }
    let remedy = |what: &str, command: &str| {
        Err(Error::format(
            path,
            format!("{what}; expected BAM or a fragment file: {command} makes a BAM of it"),
        ))
    };
    let shown = path.display();
    if start == b"CRAM" {
        return remedy(
            "a CRAM file",
            &format!("samtools view -b -T GENOME.fa -o reads.bam {shown}"),
        );
    }
    if start.starts_with(b"@HD") || start.starts_with(b"@SQ") {
        return remedy(
            "SAM text",
            &format!("samtools view -b -o reads.bam {shown}"),
        );
    }
    if start.starts_with(&[0x1f, 0x8b]) {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let mut magic = [0; 4];
        // What does not unpack is told by the reader of its form.
        let found = read_up_to(flate2::read::MultiGzDecoder::new(file), &mut magic);
        if found.is_ok_and(|length| magic[..length] == *b"BAM\x01") {
            return Ok(Form::Bam);
        }
    }
    Ok(Form::Fragments)
}

fn read_up_to(mut from: impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < into.len() {
        match from.read(&mut into[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

/// Hands on a cut, if it lies on its chromosome; says whether it does.
fn cut(
    place: i64,
    chromosome: u32,
    chromosomes: &Chromosomes,
    tally: &mut Tally,
    take: &mut impl FnMut(u32, u32),
) -> bool {
    match u32::try_from(place) {
        Ok(place) if place < chromosomes.length(chromosome) => {
            tally.cuts += 1;
            take(chromosome, place);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        let mut tally = Tally::default();
        assert_eq!(tally.median_length(), None);
        [30, 50, 36, 36]
            .iter()
            .for_each(|&bases| tally.length(bases));
        assert_eq!(tally.median_length(), Some(36.0));
        [51, 52].iter().for_each(|&bases| tally.length(bases));
        assert_eq!(tally.median_length(), Some(43.0));
        let mut both = tally.clone();
        both.add(&tally);
        assert_eq!(both.median_length(), Some(43.0));
    }
}
