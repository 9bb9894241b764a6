//! `history.tsv` of FactorNet: losses and accuracies, as the original's history has them.

use crate::io::atomic::write_atomic;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    pub epoch: u64,
    pub train_loss: f64,
    /// The share of probabilities on their label's side of one half, with dropout.
    pub train_accuracy: f64,
    pub validation_loss: f64,
    pub validation_accuracy: f64,
    pub seconds: f64,
    pub samples_per_s: f64,
}

/// How many epochs a history has; none where there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn epochs(path: &Path) -> Result<usize> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().skip(1).count()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(Error::io(path, e)),
    }
}

/// Writes the whole history, replacing what was there.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, records: &[EpochRecord]) -> Result<()> {
    write_atomic(path, |w| {
        writeln!(
            w,
            "epoch\ttrain_loss\ttrain_accuracy\tvalidation_loss\tvalidation_accuracy\tseconds\tsamples_per_s"
        )?;
        for r in records {
            writeln!(
                w,
                "{}\t{:?}\t{:?}\t{:?}\t{:?}\t{:?}\t{:?}",
                r.epoch,
                r.train_loss,
                r.train_accuracy,
                r.validation_loss,
                r.validation_accuracy,
                r.seconds,
                r.samples_per_s
            )?;
        }
        Ok(())
    })
}
