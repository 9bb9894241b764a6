//! GENCODE features: which kinds of sequence an interval touches.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::peaks::{Intervals, read_intervals};
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::dna::span::Span;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::edges::{Edge, Edges, Treatment};
use crate::io::gtf::{Transcript, parse_gtf};
use crate::io::text::{Lines, first_names};
use crate::{Error, Result};

/// The features' names in the order of the network's inputs.
pub const FEATURES: [&str; 6] = ["cpgisland", "cds", "intron", "promoter", "utr5", "utr3"];

/// What of a positive sample is looked up (`--gencode-span`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GencodeSpan {
    /// The unshifted 200-bp window, as for every other sample.
    #[default]
    Window,
    /// The whole peak, as the original program does in training and validation.
    Peak,
}

/// Bases of a promoter upstream and downstream of a transcription start (`--promoter UP,DOWN`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promoter {
    pub up: u32,
    pub down: u32,
}

impl Default for Promoter {
    /// As the original program's files have it.
    fn default() -> Self {
        Promoter { up: 500, down: 100 }
    }
}

impl FromStr for Promoter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Promoter> {
        let numbers = text
            .split_once(',')
            .map(|(up, down)| (up.trim().parse(), down.trim().parse()));
        match numbers {
            Some((Ok(up), Ok(down))) => Ok(Promoter { up, down }),
            _ => Err(Error::usage(format!(
                "--promoter {text}: expected UP,DOWN in bases, each below {}, as 500,100",
                u64::from(u32::MAX) + 1
            ))),
        }
    }
}

/// Where each feature is, in the order of [`FEATURES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotations {
    pub regions: [Regions; 6],
}

impl Annotations {
    /// Reads the six BED files of a folder, known by the words of [`FEATURES`] in their names
    /// (upper and lower case alike), `.bed` or `.bed.gz`.
    ///
    /// Errors: no file or several for a feature, those of [`read_intervals`].
    pub fn read(
        folder: &Path,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Annotations> {
        let files = FEATURES.map(|feature| feature_file(folder, feature));
        let files = files.into_iter().collect::<Result<Vec<_>>>()?;
        let read: Vec<(Regions, Notes)> = files
            .par_iter()
            .map(|path| {
                let mut notes = Notes::new();
                let intervals = read_intervals(Lines::open(path)?, chromosomes, &mut notes)?;
                Ok((Regions::merge(chromosomes.len(), intervals), notes))
            })
            .collect::<Result<_>>()?;
        let none = || Regions::none(chromosomes.len());
        let mut regions = std::array::from_fn(|_| none());
        for (slot, (found, found_notes)) in regions.iter_mut().zip(read) {
            *slot = found;
            notes.extend(found_notes);
        }
        Ok(Annotations { regions })
    }

    /// Takes all but the CpG islands from the transcripts of a GTF, and those from `cpg`, a folder
    /// or a BED file; without it no window touches an island, which is noted.
    ///
    /// CDS: coding exons with their stop codons. Intron: between a transcript's exons. UTR: its
    /// exons before and after the coding part, by strand. Promoter: around its first base.
    ///
    /// Errors: those of [`parse_gtf`], of [`read_intervals`] and of [`Edges::note`].
    pub fn from_gtf(
        gtf: Lines,
        cpg: Option<&Path>,
        promoter: Promoter,
        chromosomes: &Chromosomes,
        notes: &mut Notes,
    ) -> Result<Annotations> {
        let path = gtf.path().to_path_buf();
        let mut lists: [Intervals; 6] = Default::default();
        match cpg {
            Some(path) => {
                let file = if path.is_dir() {
                    feature_file(path, FEATURES[0])?
                } else {
                    path.to_path_buf()
                };
                lists[0] = read_intervals(Lines::open(&file)?, chromosomes, notes)?;
            }
            None => notes.push(format!(
                "note: {}: a GTF has no CpG islands; that feature is 0",
                path.display()
            )),
        }
        let mut read = parse_gtf(gtf, chromosomes)?;
        let mut edges = Edges::default();
        for transcript in &mut read.transcripts {
            let number = transcript.chromosome;
            let length = chromosomes.length(number);
            let (start, end) = (transcript.start().into(), transcript.end().into());
            let place = (chromosomes.name(number), start, end);
            match edges.count(place, transcript.line, length.into()) {
                Edge::Inside => {}
                Edge::Over => transcript.clip(length),
                Edge::Past | Edge::Empty => continue,
            }
            for (list, spans) in lists[1..]
                .iter_mut()
                .zip(features(transcript, promoter, length))
            {
                list.extend(spans.into_iter().map(|span| (number, span)));
            }
        }
        notes.extend(read.note);
        notes.extend(edges.note(&path, &chromosomes.path, Treatment::Clip)?);
        let regions = lists.map(|list| Regions::merge(chromosomes.len(), list));
        Ok(Annotations { regions })
    }

    /// Bit i is set when a base of `start..end` is in feature i.
    pub fn features(&self, chromosome: u32, start: i64, end: i64) -> u8 {
        let touches = |regions: &Regions| regions.touches(chromosome, start, end);
        let bits = self.regions.iter().enumerate();
        bits.fold(0, |bits, (i, regions)| {
            bits | u8::from(touches(regions)) << i
        })
    }
}

/// CDS, intron, promoter, 5' UTR and 3' UTR of a transcript.
fn features(transcript: &Transcript, promoter: Promoter, length: u32) -> [Vec<Span>; 5] {
    let exons = &transcript.exons;
    let introns = exons.windows(2).filter(|pair| pair[0].end < pair[1].start);
    let introns = introns
        .map(|pair| Span::new(pair[0].end, pair[1].start))
        .collect();
    let (up, down) = match transcript.forward {
        true => (promoter.up, promoter.down),
        false => (promoter.down, promoter.up),
    };
    let first = match transcript.forward {
        true => transcript.start(),
        false => transcript.end().saturating_sub(1),
    };
    let end = first.saturating_add(1).saturating_add(down).min(length);
    let promoter = vec![Span::new(first.saturating_sub(up), end)];
    let coding = &transcript.coding;
    let clipped = |from: u32, to: u32| -> Vec<Span> {
        let inside = exons
            .iter()
            .map(|exon| Span::new(exon.start.max(from), exon.end.min(to)));
        inside.filter(|span| span.start < span.end).collect()
    };
    let (left, right) = match (coding.first(), coding.last()) {
        (Some(first), Some(last)) => (clipped(0, first.start), clipped(last.end, u32::MAX)),
        _ => (Vec::new(), Vec::new()),
    };
    let (utr5, utr3) = if transcript.forward {
        (left, right)
    } else {
        (right, left)
    };
    [coding.clone(), introns, promoter, utr5, utr3]
}

/// The one BED file in a folder with this word in its name.
fn feature_file(folder: &Path, feature: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let path = entry.map_err(|e| Error::io(folder, e))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        if name.contains(feature) && (name.ends_with(".bed") || name.ends_with(".bed.gz")) {
            found.push(path);
        }
    }
    found.sort();
    match &found[..] {
        [file] => Ok(file.clone()),
        [] => Err(Error::format(
            folder,
            format!(
                "no annotation with '{feature}' in its name; expected a .bed or .bed.gz for each of {}",
                FEATURES.join(", ")
            ),
        )),
        several => Err(Error::format(
            folder,
            format!(
                "{} annotations with '{feature}' in their names: {}; expected one",
                several.len(),
                first_names(several.iter().map(|path| path.display().to_string()))
            ),
        )),
    }
}

#[cfg(test)]
#[path = "annotations_tests.rs"]
mod tests;
