//! bigWig tracks in memory, compressed: a cell line's whole genome in a few gigabytes at most.

mod block;
mod scale;
mod transform;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::io::bigwig::BigWig;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::text::first_names;
use crate::numbers::counted;
use crate::{Error, Result};
use block::{BLOCK, Blocks, Writer};
pub use scale::Scale;
pub use transform::Transform;

/// How values are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    #[default]
    F32,
    /// Rounded to 16 bits: 11 bits of precision, up to 65,504. Less memory where a track has many
    /// distinct values.
    F16,
}

/// A bigWig on the chromosomes in use: values as stored in the file, 0 where it has none.
pub struct Track {
    path: PathBuf,
    blocks: Vec<Blocks>,
    /// Of all values over the bases that they hold for.
    sum: f64,
    mean: f64,
    runs: u64,
    /// For each chromosome in use why it is all zero, if it is for want of values.
    lacks: Vec<Option<Lack>>,
    /// The file's end is there.
    whole: bool,
}

/// Why a track has nothing on a chromosome in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The file does not list the chromosome.
    Absent,
    /// The file lists it and holds no value on it (NaN is none), as a file that was made for some chromosomes alone.
    Empty,
}

/// What one task decoded.
struct Piece {
    chromosome: u32,
    blocks: Blocks,
    sum: f64,
    runs: u64,
    /// There is a value, be it 0.
    filled: bool,
}

/// Bases that one task decodes: many blocks, few tasks.
const PIECE: u32 = 1 << 24;
const _: () = assert!(PIECE.is_multiple_of(BLOCK));

impl Track {
    /// Decodes a file: see [`read_tracks`].
    pub fn read(path: &Path, chromosomes: &Chromosomes, storage: Storage) -> Result<Track> {
        let file = BigWig::open(path)?;
        let lengths: HashMap<&str, u32> = file.chromosomes().collect();
        let mut lacks = vec![Some(Lack::Empty); chromosomes.len()];
        let mut pieces = Vec::new();
        for (number, name) in (0..).zip(chromosomes.names()) {
            let length = chromosomes.length(number);
            match lengths.get(name.as_str()) {
                None => lacks[number as usize] = Some(Lack::Absent),
                Some(&found) if found != length => {
                    return Err(Error::format(
                        path,
                        format!(
                            "chromosome '{name}' has {} here and {length} in {}; another build?",
                            counted(found, "base"),
                            chromosomes.path.display()
                        ),
                    ));
                }
                Some(_) => {
                    let starts = (0..length).step_by(PIECE as usize);
                    pieces.extend(
                        starts
                            .map(|start| (number, start, length.min(start.saturating_add(PIECE)))),
                    );
                }
            }
        }
        if lacks.iter().all(|lack| *lack == Some(Lack::Absent)) {
            let names = file.chromosomes().map(|(name, _)| name);
            return Err(chromosomes.nothing_in_common(path, names));
        }
        let decoded: Vec<Piece> = pieces
            .into_par_iter()
            .map(|(chromosome, start, end)| {
                let name = chromosomes.name(chromosome);
                let mut writer = Writer::new(start, end, storage);
                let (mut sum, mut runs, mut filled, mut wrong) = (0.0, 0, false, None);
                file.each_run(name, start, end, |start, end, value| {
                    if value.is_infinite() {
                        wrong.get_or_insert(start);
                    } else if !value.is_nan() {
                        filled = true;
                        if value != 0.0 {
                            runs += 1;
                            sum += writer.run(start, end, value) * f64::from(end - start);
                        }
                    }
                })?;
                if let Some(place) = wrong {
                    return Err(Error::format(
                        path,
                        format!("the value at {name}:{place} is infinite"),
                    ));
                }
                Ok(Piece {
                    chromosome,
                    blocks: writer.finish(),
                    sum,
                    runs,
                    filled,
                })
            })
            .collect::<Result<_>>()?;
        let mut blocks = vec![Blocks::default(); chromosomes.len()];
        let (mut sum, mut runs) = (0.0, 0);
        for piece in decoded {
            let number = piece.chromosome as usize;
            blocks[number].append(piece.blocks);
            sum += piece.sum;
            runs += piece.runs;
            if piece.filled {
                lacks[number] = None;
            }
        }
        if lacks.iter().all(Option::is_some) {
            return Err(Error::format(
                path,
                format!(
                    "no value on any of the chromosomes in use: {}; expected values there: was the track made for other chromosomes, or of an empty file?",
                    first_names(chromosomes.names())
                ),
            ));
        }
        Ok(Track {
            path: path.to_path_buf(),
            blocks,
            sum,
            mean: sum / chromosomes.total() as f64,
            runs,
            lacks,
            whole: file.is_whole()?,
        })
    }

    /// Over all bases of the chromosomes in use, those without data counted as 0.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Over all bases of the chromosomes on which it has values: what is compared between cell lines, since a file may
    /// hold some chromosomes alone. Not finite where it has none.
    pub fn mean_where_held(&self, chromosomes: &Chromosomes) -> f64 {
        let held = (0..).zip(&self.lacks).filter(|(_, lack)| lack.is_none());
        let bases = held.map(|(number, _)| u64::from(chromosomes.length(number)));
        self.sum / bases.sum::<u64>() as f64
    }

    /// The runs of one value that were read, those of 0 left out.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(Blocks::bytes).sum()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why a chromosome is all 0, if the track has no value there. Panics when there is no such chromosome.
    pub fn lack(&self, chromosome: u32) -> Option<Lack> {
        self.lacks[chromosome as usize]
    }

    /// [`Self::lack`] as a sentence: `chromosome 'chr3' has no value in D.bw`.
    pub fn lack_of(&self, chromosome: u32, chromosomes: &Chromosomes) -> Option<String> {
        let name = chromosomes.name(chromosome);
        let how = match self.lack(chromosome)? {
            Lack::Absent => "is not in",
            Lack::Empty => "has no value in",
        };
        Some(format!("chromosome '{name}' {how} {}", self.path.display()))
    }

    /// Warnings: chromosomes in use that are not in the file or have no value there, a file without its end.
    /// `chromosomes` are those that it was read for.
    pub fn warnings(&self, chromosomes: &Chromosomes) -> Vec<String> {
        let path = self.path.display();
        let lacking = [
            (
                Lack::Absent,
                ["is not in this track", "are not in this track"],
            ),
            (
                Lack::Empty,
                [
                    "is in this track without a value",
                    "are in this track without a value",
                ],
            ),
        ];
        let lacking = lacking.into_iter().filter_map(|(lack, [one, several])| {
            let names = chromosomes.names().iter().zip(&self.lacks);
            let names: Vec<&String> = names
                .filter(|(_, found)| **found == Some(lack))
                .map(|(name, _)| name)
                .collect();
            let (are, read) = match names.len() {
                0 => return None,
                1 => (one, "reads"),
                _ => (several, "read"),
            };
            Some(format!(
                "warning: {path}: {} of the chromosomes in use {are} and {read} as 0: {}",
                names.len(),
                first_names(names)
            ))
        });
        let cut = (!self.whole).then(|| {
            format!(
                "warning: {path}: truncated? It does not end as bigWig files do, but all values that it lists are there"
            )
        });
        lacking.chain(cut).collect()
    }

    /// Puts the values of the bases from `start` on into `out`, times `factor`; 0 before the
    /// chromosome and past its end. Panics when there is no such chromosome.
    pub fn values(&self, chromosome: u32, start: i64, factor: f32, out: &mut [f32]) {
        self.blocks[chromosome as usize].values(start, out);
        if factor != 1.0 {
            out.iter_mut().for_each(|value| *value *= factor);
        }
    }
}

/// Reads bigWig files, each distinct one once, on all threads; a track for each path, in order.
///
/// Gaps and NaN are 0. Errors: those of the reader, an infinite value, no chromosome in common
/// with those in use (shows both sides' first names), a chromosome of another length, no value on any
/// in use. One that the file lacks or has no value on is 0 ([`Track::warnings`]); those that only the
/// file has are not looked at.
pub fn read_tracks(
    paths: &[PathBuf],
    chromosomes: &Chromosomes,
    storage: Storage,
) -> Result<Vec<Arc<Track>>> {
    let mut distinct = HashMap::<PathBuf, Arc<Track>>::new();
    let mut tracks = Vec::with_capacity(paths.len());
    for path in paths {
        // The same file by another way (a link, `../`) is the same track.
        let file = path.canonicalize().map_err(|e| Error::io(path, e))?;
        let track = match distinct.get(&file) {
            Some(track) => track.clone(),
            None => Arc::new(Track::read(path, chromosomes, storage)?),
        };
        distinct.insert(file, track.clone());
        tracks.push(track);
    }
    Ok(tracks)
}

/// For each track of these names the one that takes its place on the reverse strand: `x_fwd` and
/// `x_rev` change places, all others stay. Error: one of a pair without the other.
pub fn reverse_order<S: AsRef<str>>(names: &[S]) -> Result<Vec<usize>> {
    let partner = |name: &str| {
        let swap = |from: &str, to: &str| name.strip_suffix(from).map(|stem| format!("{stem}{to}"));
        swap("_fwd", "_rev").or_else(|| swap("_rev", "_fwd"))
    };
    let order = names.iter().enumerate().map(|(i, name)| {
        let name = name.as_ref();
        let Some(partner) = partner(name) else {
            return Ok(i);
        };
        let place = names.iter().position(|other| other.as_ref() == partner);
        place.ok_or_else(|| {
            Error::invalid(format!(
                "track '{name}' has no '{partner}' beside it; stranded tracks come in pairs"
            ))
        })
    });
    order.collect()
}

#[cfg(test)]
#[path = "tracks_tests.rs"]
mod tests;
