//! From samples to the dense inputs of a batch.

use crate::Result;
use crate::engine::{Batch, Noise, Real};
use crate::models::factornet::Spec;
use rayon::prelude::*;

/// Where samples come from. `S` is whatever names one.
pub trait Source<S>: Sync {
    /// The samples of an epoch, counted from 0, in the order of training, with notes for the user: the same for the same
    /// seed and epoch.
    ///
    /// # Errors
    /// No space for what is to be drawn.
    fn epoch(&self, epoch: u64) -> Result<(Vec<S>, Vec<String>)>;

    /// The samples of validation, the same in every epoch.
    fn validation(&self) -> &[S];

    /// Fills in a sample: L base codes (4: none), the tracks (n, L), the meta numbers (M).
    fn fill(&self, sample: &S, codes: &mut [u8], tracks: &mut [f32], meta: &mut [f32]);

    /// Its T labels, 0 or 1.
    fn labels(&self, sample: &S, labels: &mut [f32]);
}

/// A batch's buffers, made once.
pub struct Feed<T> {
    length: usize,
    tracks: usize,
    meta: usize,
    factors: usize,
    rows: usize,
    codes: Vec<u8>,
    signals: Vec<T>,
    numbers: Vec<T>,
    labels: Vec<T>,
}

impl<T: Real> Feed<T> {
    /// For batches of up to `rows` rows.
    pub fn new(spec: &Spec, rows: usize) -> Self {
        let (length, tracks) = (spec.length, spec.tracks.len());
        Feed {
            length,
            tracks,
            meta: spec.meta,
            factors: spec.factors,
            rows: 0,
            codes: vec![0; rows * length],
            signals: vec![T::ZERO; rows * tracks * length],
            numbers: vec![T::ZERO; rows * spec.meta],
            labels: vec![T::ZERO; rows * spec.factors],
        }
    }

    /// Takes over these samples, over all threads: `fill` writes codes (L), tracks (n, L) and meta numbers (M) of one.
    ///
    /// # Panics
    /// When there are more samples than rows.
    pub fn fill<S: Sync>(
        &mut self,
        samples: &[S],
        fill: impl Fn(&S, &mut [u8], &mut [f32], &mut [f32]) + Sync,
    ) {
        assert!(samples.len() * self.length <= self.codes.len());
        self.rows = samples.len();
        let mut signals = Rows::new(&mut self.signals, self.tracks * self.length);
        let mut numbers = Rows::new(&mut self.numbers, self.meta);
        let rows: Vec<_> = samples
            .iter()
            .zip(self.codes.chunks_exact_mut(self.length))
            .map(|(sample, codes)| (sample, codes, signals.next(), numbers.next()))
            .collect();
        rows.into_par_iter().for_each_init(
            || {
                (
                    vec![0.0f32; self.tracks * self.length],
                    vec![0.0f32; self.meta],
                )
            },
            |(tracks, meta), (sample, codes, signals, numbers)| {
                fill(sample, codes, tracks, meta);
                convert(tracks, signals);
                convert(meta, numbers);
            },
        );
    }

    /// The labels of the samples that were taken over last.
    pub fn label<S>(&mut self, samples: &[S], label: impl Fn(&S, &mut [f32])) {
        let mut row = vec![0.0f32; self.factors];
        for (sample, labels) in samples
            .iter()
            .zip(self.labels.chunks_exact_mut(self.factors))
        {
            label(sample, &mut row);
            convert(&row, labels);
        }
    }

    /// `rows x T`.
    pub fn labels(&self) -> &[T] {
        &self.labels[..self.rows * self.factors]
    }

    /// As the network's programs take it, with the labels for training.
    pub fn batch(&self, noise: Noise, training: bool) -> Batch<'_, T> {
        let mut dense = Vec::with_capacity(3);
        if self.tracks > 0 {
            dense.push(&self.signals[..self.rows * self.tracks * self.length]);
        }
        if self.meta > 0 {
            dense.push(&self.numbers[..self.rows * self.meta]);
        }
        if training {
            dense.push(self.labels());
        }
        Batch {
            rows: self.rows,
            codes: &self.codes[..self.rows * self.length],
            dense,
            noise,
        }
    }
}

fn convert<T: Real>(from: &[f32], to: &mut [T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = T::of(f64::from(from));
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

/// Sequences and signals by row; rows are chosen by index.
#[derive(Clone, Copy)]
pub struct Samples<'a> {
    /// rows x length base codes.
    pub codes: &'a [u8],
    /// rows x outputs.
    pub signals: &'a [f64],
    pub length: usize,
    pub outputs: usize,
}

impl<'a> Samples<'a> {
    pub fn codes(&self, row: usize) -> &'a [u8] {
        &self.codes[row * self.length..(row + 1) * self.length]
    }

    pub fn signals(&self, row: usize) -> &'a [f64] {
        &self.signals[row * self.outputs..(row + 1) * self.outputs]
    }

    /// The base codes of some rows, one after the other.
    pub fn gather(&self, rows: &[usize]) -> Vec<u8> {
        rows.iter().flat_map(|&r| self.codes(r)).copied().collect()
    }
}
