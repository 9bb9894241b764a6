//! From samples to the buffers of a batch.

use super::batch_size::BatchSize;
use super::model::RowShape;
use crate::Result;
use crate::data::Notes;
use crate::engine::memory::{self, Bytes};
use crate::engine::{Batch, Noise, Real};
use rayon::prelude::*;

/// Fills rows.
pub trait Source: Sync {
    /// Whatever names a sample: the number of a row, a place in a genome.
    type Sample: Sync + Send;

    /// Fills in what a sample brings, all of it.
    fn fill(&self, sample: &Self::Sample, row: &mut Row<'_>);

    /// Fills in a sample's targets, of which a source for prediction has none.
    fn targets(&self, sample: &Self::Sample, targets: &mut [f64]) {
        let _ = (sample, targets);
    }

    /// All samples there are, where they are few enough for a GPU to keep; it then chooses rows itself.
    fn table(&self) -> Option<Table<Self::Sample>> {
        None
    }
}

/// What a model is trained and validated on.
pub trait Samples: Source {
    /// The samples of an epoch, counted from 0, in the order of training, with notes for the user: the same for the same
    /// seed and epoch.
    ///
    /// # Errors
    /// Nothing can be drawn.
    fn epoch(&self, epoch: u64) -> Result<(Vec<Self::Sample>, Notes)>;

    /// The samples of validation, the same in every epoch.
    fn validation(&self) -> &[Self::Sample];

    /// No epoch, nor validation, has more samples.
    fn most(&self) -> usize;
}

/// One row of a batch, to be filled.
pub struct Row<'a> {
    /// Base codes, 0 to 3 for A, C, G, T; 4 for none.
    pub codes: &'a mut [u8],
    /// By dense input. They hold another row's numbers until they are written.
    pub dense: &'a mut [Vec<f32>],
}

/// A data set in memory, by row.
pub struct Table<S> {
    pub rows: usize,
    /// The sample of a row.
    pub sample: fn(usize) -> S,
    /// A sample's row.
    pub row: fn(&S) -> usize,
}

/// A batch's buffers, kept from batch to batch; they grow with the largest.
pub struct Feed<T> {
    shape: RowShape,
    /// `--batch-size`, for messages.
    batch_size: usize,
    rows: usize,
    codes: Vec<u8>,
    dense: Vec<Vec<T>>,
    /// As the loss takes them, and as they are.
    targets: Vec<T>,
    exact: Vec<f64>,
}

impl<T: Real> Feed<T> {
    /// For batches of `batch_size`, as `--batch-size` says it.
    pub fn new(shape: RowShape, batch_size: usize) -> Self {
        Feed {
            batch_size,
            rows: 0,
            codes: Vec::new(),
            dense: vec![Vec::new(); shape.dense.len()],
            targets: Vec::new(),
            exact: Vec::new(),
            shape,
        }
    }

    /// That a batch's buffers fit into memory.
    ///
    /// # Errors
    /// They do not: says what they take.
    pub fn check(shape: &RowShape, batch: BatchSize) -> Result<()> {
        let rows = batch.rows;
        let numbers = shape.dense.iter().map(|&len| Bytes::of::<T>(&[rows, len]));
        let targets = Bytes::of::<T>(&[rows, shape.targets]);
        let exact = Bytes::of::<f64>(&[rows, shape.targets]);
        let needed = Bytes::of::<u8>(&[rows, shape.length]) + numbers.sum() + targets + exact;
        memory::check(batch.flag(), needed)
    }

    fn make_room(&mut self, rows: usize) -> Result<()> {
        let batch = BatchSize::of(self.batch_size, rows);
        Self::check(&self.shape, batch)?;
        let what = batch.flag();
        memory::grow(&mut self.codes, rows * self.shape.length, 0, &what)?;
        for (buffer, &len) in self.dense.iter_mut().zip(&self.shape.dense) {
            memory::grow(buffer, rows * len, T::ZERO, &what)?;
        }
        let targets = rows * self.shape.targets;
        memory::grow(&mut self.targets, targets, T::ZERO, &what)?;
        memory::grow(&mut self.exact, targets, 0.0, &what)
    }

    /// Takes over these samples, over all threads.
    ///
    /// # Errors
    /// They do not fit into memory at a time.
    pub fn fill<S: Source>(&mut self, samples: &[S::Sample], source: &S) -> Result<()> {
        self.make_room(samples.len())?;
        self.rows = samples.len();
        let mut codes = Rows::new(&mut self.codes, self.shape.length);
        let lengths = self.shape.dense.iter();
        let buffers = self.dense.iter_mut().zip(lengths);
        let mut dense: Vec<Rows<'_, T>> = buffers.map(|(b, &len)| Rows::new(b, len)).collect();
        let rows: Vec<_> = samples
            .iter()
            .map(|sample| {
                let dense: Vec<&mut [T]> = dense.iter_mut().map(Rows::next).collect();
                (sample, codes.next(), dense)
            })
            .collect();
        let empty = || {
            let lengths = self.shape.dense.iter();
            lengths.map(|&len| vec![0.0f32; len]).collect::<Vec<_>>()
        };
        rows.into_par_iter()
            .for_each_init(empty, |values, (sample, codes, dense)| {
                source.fill(
                    sample,
                    &mut Row {
                        codes,
                        dense: values,
                    },
                );
                for (values, dense) in values.iter().zip(dense) {
                    for (to, &from) in dense.iter_mut().zip(values) {
                        *to = T::of(f64::from(from));
                    }
                }
            });
        Ok(())
    }

    /// The targets of the samples that were taken over last.
    pub fn target<S: Source>(&mut self, samples: &[S::Sample], source: &S) {
        let mut rows = Rows::new(&mut self.exact, self.shape.targets);
        for sample in samples {
            source.targets(sample, rows.next());
        }
        for (to, &from) in self.targets.iter_mut().zip(&self.exact) {
            *to = T::of(from);
        }
    }

    /// rows x targets, as the samples have them.
    pub fn targets(&self) -> &[f64] {
        &self.exact[..self.rows * self.shape.targets]
    }

    /// As the model's programs take it, with the targets for training.
    pub fn batch(&self, noise: Noise, training: bool) -> Batch<'_, T> {
        let buffers = self.dense.iter().zip(&self.shape.dense);
        let mut dense: Vec<&[T]> = buffers.map(|(b, len)| &b[..self.rows * len]).collect();
        if training {
            dense.push(&self.targets[..self.rows * self.shape.targets]);
        }
        Batch {
            rows: self.rows,
            codes: &self.codes[..self.rows * self.shape.length],
            dense,
            noise,
        }
    }
}

/// Hands out rows of a buffer, which may be of no elements.
struct Rows<'a, T> {
    rest: &'a mut [T],
    len: usize,
}

impl<'a, T> Rows<'a, T> {
    fn new(rest: &'a mut [T], len: usize) -> Self {
        Rows { rest, len }
    }

    fn next(&mut self) -> &'a mut [T] {
        let (row, rest) = std::mem::take(&mut self.rest).split_at_mut(self.len);
        self.rest = rest;
        row
    }
}
