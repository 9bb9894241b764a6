//! The scores as bigWig, a file for each column.

use super::super::asked::Line;
use crate::io::bigwig::Means;
use crate::io::chrom_sizes::Chromosomes;
use crate::{Error, Result};
use std::path::PathBuf;

/// Means over each base, where they are asked for.
pub(super) struct BigWigs<'a> {
    means: Option<Means>,
    files: &'a [PathBuf],
    scored: usize,
}

impl<'a> BigWigs<'a> {
    /// # Errors
    /// No temporary file can be made.
    pub fn new(files: &'a [PathBuf], chromosomes: &Chromosomes) -> Result<Self> {
        let means = match files {
            [] => None,
            files => Some(Means::new(chromosomes.clone(), files.len())?),
        };
        Ok(BigWigs {
            means,
            files,
            scored: 0,
        })
    }

    /// Adds an interval that was scored.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, line: &Line, scores: &[f64]) -> Result<()> {
        let (Some(means), Some(sample)) = (&mut self.means, line.sample) else {
            return Ok(());
        };
        self.scored += 1;
        let row: Vec<f32> = scores.iter().map(|&score| score as f32).collect();
        // What is scored lies on a chromosome, whose length is below 2^32.
        means.add(sample.chromosome, line.start as u32, line.end as u32, &row)
    }

    /// # Errors
    /// A file that cannot be written.
    pub fn write(self) -> Result<()> {
        let Some(mut means) = self.means else {
            return Ok(());
        };
        for (column, path) in self.files.iter().enumerate() {
            if self.scored > 0 {
                means.write(column, path)?;
                continue;
            }
            // A bigWig without a value is none; an older one would pass for this run's.
            tell!(
                "note: no interval was scored; {} is not written",
                path.display()
            );
            if path.is_file() {
                std::fs::remove_file(path).map_err(|e| Error::io(path, e))?;
            }
        }
        Ok(())
    }
}
