//! P-values of all variants, one output after the other, so that one output's numbers are in memory.

use super::scored::{Block, NULL, P_VALUES, SCORES, Shape, numbers};
use crate::io::grown_files::GrownFiles;
use crate::metrics::empirical_p::Sorted;
use crate::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// A file of which pieces are read and written.
struct Pieces {
    path: PathBuf,
    file: File,
}

impl Pieces {
    fn open(parts: &GrownFiles, name: &str) -> Result<Pieces> {
        let path = parts.path(name);
        let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
        Ok(Pieces { path, file })
    }

    fn go_to(&mut self, offset: u64) -> Result<()> {
        let found = self.file.seek(SeekFrom::Start(offset));
        found.map(drop).map_err(|e| Error::io(&self.path, e))
    }
}

/// Writes the file of p-values. `blocks`: for each block how many variants are scored.
pub fn fill(parts: &GrownFiles, blocks: &[Block], shape: Shape) -> Result<()> {
    let mut scores = Pieces::open(parts, SCORES)?;
    let mut null = Pieces::open(parts, NULL)?;
    let path = parts.path(P_VALUES);
    let file = File::create(&path).map_err(|e| Error::io(&path, e))?;
    let mut out = Pieces { path, file };
    let all: usize = blocks.iter().map(|block| block.scored as usize).sum();
    for output in 0..shape.outputs {
        let mut pooled = Vec::with_capacity(all * shape.null);
        for (first, count) in places(blocks) {
            // Numbers of earlier blocks, and of this block's earlier outputs.
            let before = (first * shape.outputs + output * count) * shape.null;
            null.go_to(4 * before as u64)?;
            let mut bytes = vec![0; 4 * count * shape.null];
            let read = null.file.read_exact(&mut bytes);
            read.map_err(|e| Error::io(&null.path, e))?;
            let (found, _) = bytes.as_chunks::<4>();
            pooled.extend(found.iter().map(|&bytes| f32::from_le_bytes(bytes)));
        }
        let pooled = Sorted::new(pooled);
        for (first, count) in places(blocks) {
            let before = first * shape.outputs + output * count;
            scores.go_to(8 * (before * shape.numbers()) as u64)?;
            let found = numbers(&mut scores.file, 2 * count, &scores.path)?;
            let (reference, alternative) = found.split_at(count);
            let p_value = |(reference, alternative): (&f64, &f64)| {
                let p_value = pooled.p_value(alternative - reference);
                p_value.unwrap_or(f64::NAN).to_le_bytes()
            };
            let bytes: Vec<u8> = reference
                .iter()
                .zip(alternative)
                .flat_map(p_value)
                .collect();
            out.go_to(8 * before as u64)?;
            let written = out.file.write_all(&bytes);
            written.map_err(|e| Error::io(&out.path, e))?;
        }
    }
    Ok(())
}

/// For each block how many variants come before it, and how many it has.
fn places(blocks: &[Block]) -> impl Iterator<Item = (usize, usize)> {
    blocks.iter().scan(0, |before, block| {
        let (first, count) = (*before, block.scored as usize);
        *before += count;
        Some((first, count))
    })
}
