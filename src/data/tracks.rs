//! bigWig tracks in memory, compressed: a cell line's whole genome in a few gigabytes at most.

mod block;
mod scale;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::io::bigwig::BigWig;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::distinct::Distinct;
use crate::io::text::first_names;
use crate::numbers::{counted, is_or_are};
use crate::{Error, Result};
use block::{BLOCK, Blocks, Writer};
pub use scale::Scale;

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
    mean: f64,
    runs: u64,
    /// Chromosomes in use that the file lacks: all zero.
    missing: Distinct,
    /// The file's end is there.
    whole: bool,
}

/// Bases that one task decodes: many blocks, few tasks.
const PIECE: u32 = 1 << 24;
const _: () = assert!(PIECE.is_multiple_of(BLOCK));

impl Track {
    /// Decodes a file: see [`read_tracks`].
    pub fn read(path: &Path, chromosomes: &Chromosomes, storage: Storage) -> Result<Track> {
        let file = BigWig::open(path)?;
        let lengths: HashMap<&str, u32> = file.chromosomes().collect();
        let mut missing = Distinct::default();
        let mut pieces = Vec::new();
        for (number, name) in (0..).zip(chromosomes.names()) {
            let length = chromosomes.length(number);
            match lengths.get(name.as_str()) {
                None => drop(missing.add(name.as_str())),
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
        if missing.names().len() == chromosomes.len() {
            let names = file.chromosomes().map(|(name, _)| name);
            return Err(chromosomes.nothing_in_common(path, names));
        }
        let decoded: Vec<(u32, Blocks, f64, u64)> = pieces
            .into_par_iter()
            .map(|(number, start, end)| {
                let mut writer = Writer::new(start, end, storage);
                let (mut sum, mut runs, mut wrong) = (0.0, 0, None);
                file.each_run(chromosomes.name(number), start, end, |start, end, value| {
                    if value.is_infinite() {
                        wrong.get_or_insert(start);
                    } else if !value.is_nan() && value != 0.0 {
                        runs += 1;
                        sum += writer.run(start, end, value) * f64::from(end - start);
                    }
                })?;
                if let Some(place) = wrong {
                    let name = chromosomes.name(number);
                    return Err(Error::format(
                        path,
                        format!("the value at {name}:{place} is infinite"),
                    ));
                }
                Ok((number, writer.finish(), sum, runs))
            })
            .collect::<Result<_>>()?;
        let mut blocks = vec![Blocks::default(); chromosomes.len()];
        let (mut sum, mut runs) = (0.0, 0);
        for (number, piece, piece_sum, piece_runs) in decoded {
            blocks[number as usize].append(piece);
            sum += piece_sum;
            runs += piece_runs;
        }
        Ok(Track {
            path: path.to_path_buf(),
            blocks,
            mean: sum / chromosomes.total() as f64,
            runs,
            missing,
            whole: file.is_whole()?,
        })
    }

    /// Over all bases of the chromosomes in use, those without data counted as 0.
    pub fn mean(&self) -> f64 {
        self.mean
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

    /// Whether it is one of the chromosomes in use that the file lacks.
    pub fn lacks(&self, chromosome: &str) -> bool {
        self.missing.contains(chromosome)
    }

    /// Warnings: chromosomes in use that are not in the file, a file without its end.
    pub fn warnings(&self) -> Vec<String> {
        let path = self.path.display();
        let names = self.missing.names();
        let missing = (!names.is_empty()).then(|| {
            format!(
                "{path}: {} of the chromosomes in use {} not in this track and read as 0: {}",
                names.len(),
                is_or_are(names.len()),
                first_names(names)
            )
        });
        let cut = (!self.whole).then(|| {
            format!(
                "{path}: truncated? It does not end as bigWig files do, but all values that it lists are there"
            )
        });
        missing.into_iter().chain(cut).collect()
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
/// with those in use (shows both sides' first names), a chromosome of another length. One that the
/// file lacks is 0 ([`Track::warnings`]); those that only the file has are not looked at.
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
