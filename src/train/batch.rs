//! From samples to the buffers of a batch.

use super::model::RowShape;
use crate::Result;
use crate::data::Notes;
use crate::engine::{Batch, Noise, Real};
use rayon::prelude::*;

/// Fills rows.
pub trait Source: Sync {
    /// Whatever names a sample: the number of a row, a place in a genome.
    type Sample: Sync + Send;

    /// Fills in what a sample brings, all of it.
    fn fill(&self, sample: &Self::Sample, row: &mut Row<'_>);

    /// All samples, where they are a table in memory: a GPU keeps it and chooses rows itself.
    fn table(&self) -> Option<Table<'_, Self::Sample>> {
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

    /// Fills in a sample's targets.
    fn targets(&self, sample: &Self::Sample, targets: &mut [f64]);
}

/// One row of a batch, to be filled.
pub struct Row<'a> {
    /// Base codes, 0 to 3 for A, C, G, T; 4 for none.
    pub codes: &'a mut [u8],
    /// By dense input. They hold another row's numbers until they are written.
    pub dense: &'a mut [Vec<f32>],
}

/// A data set in memory, by row.
pub struct Table<'a, S> {
    /// rows x length base codes.
    pub codes: &'a [u8],
    /// rows x targets; empty where nothing is trained.
    pub targets: &'a [f64],
    pub length: usize,
    pub width: usize,
    /// A sample's row.
    pub row: fn(&S) -> usize,
}

/// A batch's buffers, made once.
pub struct Feed<T> {
    shape: RowShape,
    rows: usize,
    codes: Vec<u8>,
    dense: Vec<Vec<T>>,
    /// As the loss takes them, and as they are.
    targets: Vec<T>,
    exact: Vec<f64>,
}

impl<T: Real> Feed<T> {
    /// For batches of up to `rows` rows.
    pub fn new(shape: RowShape, rows: usize) -> Self {
        Feed {
            rows: 0,
            codes: vec![0; rows * shape.length],
            dense: shape
                .dense
                .iter()
                .map(|len| vec![T::ZERO; rows * len])
                .collect(),
            targets: vec![T::ZERO; rows * shape.targets],
            exact: vec![0.0; rows * shape.targets],
            shape,
        }
    }

    /// Takes over these samples, over all threads.
    ///
    /// # Panics
    /// When there are more samples than rows.
    pub fn fill<S: Source>(&mut self, samples: &[S::Sample], source: &S) {
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
    }

    /// The targets of the samples that were taken over last.
    pub fn target<S: Samples>(&mut self, samples: &[S::Sample], source: &S) {
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
