//! tiSFM's samples: rows of a table of sequences and of what a model is fitted to.

use crate::Result;
use crate::data::Notes;
use crate::engine::Philox;
use crate::engine::params::STREAM_SHUFFLE;
use crate::train::batch::{Row, Samples, Source, Table};

/// Sequences and targets by row, in memory; a sample is the number of a row.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// rows x length base codes.
    pub codes: &'a [u8],
    /// rows x targets ([`Targets`](super::targets::Targets)); empty where nothing is trained.
    pub targets: &'a [f64],
    pub length: usize,
}

impl Source for Rows<'_> {
    type Sample = usize;

    fn fill(&self, sample: &usize, row: &mut Row<'_>) {
        let codes = &self.codes[sample * self.length..(sample + 1) * self.length];
        row.codes.copy_from_slice(codes);
    }

    fn targets(&self, sample: &usize, targets: &mut [f64]) {
        let width = targets.len();
        targets.copy_from_slice(&self.targets[sample * width..(sample + 1) * width]);
    }

    fn table(&self) -> Option<Table<usize>> {
        Some(Table {
            rows: self.codes.len() / self.length.max(1),
            sample: |row| row,
            row: |row| *row,
        })
    }
}

/// The rows of a training run.
pub struct TrainingRows<'a> {
    pub rows: Rows<'a>,
    pub train: &'a [usize],
    pub validation: &'a [usize],
    /// Of the order.
    pub seed: u64,
}

impl Source for TrainingRows<'_> {
    type Sample = usize;

    fn fill(&self, sample: &usize, row: &mut Row<'_>) {
        self.rows.fill(sample, row);
    }

    fn targets(&self, sample: &usize, targets: &mut [f64]) {
        self.rows.targets(sample, targets);
    }

    fn table(&self) -> Option<Table<usize>> {
        self.rows.table()
    }
}

impl Samples for TrainingRows<'_> {
    /// All rows of training in an order of the epoch's own.
    fn epoch(&self, epoch: u64) -> Result<(Vec<usize>, Notes)> {
        let order = Philox::new(self.seed).permutation(STREAM_SHUFFLE + epoch, self.train.len());
        let rows = order.into_iter().map(|i| self.train[i]).collect();
        Ok((rows, Notes::new()))
    }

    fn validation(&self) -> &[usize] {
        self.validation
    }

    fn most(&self) -> usize {
        self.train.len().max(self.validation.len())
    }
}
