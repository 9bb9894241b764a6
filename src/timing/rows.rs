//! Random rows of any model's shape.

use super::Target;
use crate::Result;
use crate::data::Notes;
use crate::engine::Philox;
use crate::engine::memory::{self, Bytes};
use crate::train::batch::{Row, Samples, Source, Table};
use crate::train::model::RowShape;

/// A sample is the number of a row.
pub struct RandomRows {
    pub shape: RowShape,
    /// rows x length.
    pub codes: Vec<u8>,
    /// rows x targets.
    pub targets: Vec<f64>,
    rows: usize,
}

/// Random streams, by purpose.
const CODES: u64 = 0;
const DENSE: u64 = 2;

impl RandomRows {
    /// # Errors
    /// So many rows, `batch_size` of them in each batch, do not fit into memory.
    pub fn new(shape: RowShape, rows: usize, batch_size: usize, target: Target) -> Result<Self> {
        let taken =
            Bytes::of::<u8>(&[rows, shape.length]) + Bytes::of::<f64>(&[rows, shape.targets]);
        // A row's number in the order of the rows.
        let taken = taken + Bytes::of::<usize>(&[rows]);
        memory::check(format!("--batch-size {batch_size}"), taken)?;
        let philox = Philox::new(11);
        let codes = 0..(rows * shape.length) as u64;
        let targets = 0..(rows * shape.targets) as u64;
        Ok(RandomRows {
            codes: codes.map(|i| (philox.bits(CODES, i) & 3) as u8).collect(),
            targets: targets.map(|i| target(&philox, i)).collect(),
            shape,
            rows,
        })
    }

    pub fn all(&self) -> Vec<usize> {
        (0..self.rows).collect()
    }
}

impl Source for RandomRows {
    type Sample = usize;

    fn fill(&self, sample: &usize, row: &mut Row<'_>) {
        let length = self.shape.length;
        row.codes
            .copy_from_slice(&self.codes[sample * length..(sample + 1) * length]);
        let philox = Philox::new(11);
        for (number, values) in (0..).zip(row.dense.iter_mut()) {
            for (i, value) in (0..).zip(values.iter_mut()) {
                *value = philox.uniform(DENSE + number, i) as f32;
            }
        }
    }

    fn targets(&self, sample: &usize, targets: &mut [f64]) {
        let width = self.shape.targets;
        targets.copy_from_slice(&self.targets[sample * width..(sample + 1) * width]);
    }

    fn table(&self) -> Option<Table<usize>> {
        Some(Table {
            rows: self.rows,
            sample: |row| row,
            row: |row| *row,
        })
    }
}

impl Samples for RandomRows {
    fn epoch(&self, _epoch: u64) -> Result<(Vec<usize>, Notes)> {
        Ok((self.all(), Notes::new()))
    }

    fn validation(&self) -> &[usize] {
        &[]
    }

    fn most(&self) -> usize {
        self.rows
    }
}
