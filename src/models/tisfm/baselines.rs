//! What simple rules predict from the same training sequences: figures that a model should beat.

use crate::data::dataset::Dataset;
use crate::data::split::rows::Split;
use crate::metrics::regression::mse;
use crate::metrics::ridge::{Features, Ridge};
use rayon::prelude::*;
use std::collections::HashMap;

/// Lengths of words that are tried.
const LENGTHS: [usize; 3] = [4, 5, 6];
/// Strengths that are tried, in units of the number of training sequences.
const STRENGTHS: [f64; 7] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
/// Of more training sequences every n-th.
const MOST: usize = 20_000;

/// A rule and what it predicts.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// `mean`, `GC` or `ridge`, as columns and messages have it.
    pub name: &'static str,
    /// In a sentence.
    pub what: String,
    /// Rows x outputs.
    pub predictions: Vec<f64>,
}

/// What the rules predict for `rows`: the training sequences' mean; a line on the share of G and C; ridge regression on counts of words (a
/// word and its reverse complement are one), whose length and strength have the lowest mean squared error on the validation
/// sequences. Nothing without training sequences; no ridge without validation sequences.
pub fn baselines(dataset: &Dataset, split: &Split, rows: &[usize]) -> Vec<Baseline> {
    let outputs = dataset.outputs.len();
    let train: Vec<usize> = {
        let every = split.train.len().div_ceil(MOST).max(1);
        split.train.iter().copied().step_by(every).collect()
    };
    let signals = |rows: &[usize]| -> Vec<f64> {
        rows.iter()
            .flat_map(|&row| dataset.signals(row))
            .copied()
            .collect()
    };
    let targets = signals(&train);
    let gc = |rows: &[usize]| Features {
        rows: rows
            .iter()
            .map(|&row| vec![(0, gc(dataset, row))])
            .collect(),
        width: 1,
    };
    let Some(line) = Ridge::new(&gc(&train), &targets) else {
        return Vec::new();
    };
    let nothing = Features {
        rows: vec![Vec::new(); train.len()],
        width: 0,
    };
    let none = Features {
        rows: vec![Vec::new(); rows.len()],
        width: 0,
    };
    let mean = Ridge::new(&nothing, &targets).and_then(|ridge| ridge.fit(0.0));
    // Where all have the same share there is no line: the mean is what it says.
    let line = line.fit(0.0).map(|line| line.predict(&gc(rows)));
    let mean = mean.map(|mean| mean.predict(&none)).unwrap_or_default();
    let mut found = vec![
        Baseline {
            name: "GC",
            what: "a line on the share of G and C".to_string(),
            predictions: line.unwrap_or_else(|| mean.clone()),
        },
        Baseline {
            name: "mean",
            what: "the mean of the training sequences".to_string(),
            predictions: mean,
        },
    ];
    let validation = signals(&split.validation);
    if validation.is_empty() {
        return found;
    }
    let tried: Vec<Tried> = LENGTHS
        .par_iter()
        .filter(|&&length| length <= dataset.length)
        .flat_map(|&length| {
            let words = Words::new(length);
            let ridge = Ridge::new(&words.features(dataset, &train), &targets);
            let features = words.features(dataset, &split.validation);
            let of_strength = |strength: &f64| {
                let fitted = ridge.as_ref()?.fit(*strength)?;
                let loss = mse(&fitted.predict(&features), &validation);
                Some(Tried {
                    length,
                    loss,
                    predictions: fitted.predict(&words.features(dataset, rows)),
                })
            };
            STRENGTHS
                .par_iter()
                .filter_map(of_strength)
                .collect::<Vec<_>>()
        })
        .collect();
    let best = tried.into_iter().min_by(|a, b| a.loss.total_cmp(&b.loss));
    if let Some(best) = best {
        debug_assert_eq!(best.predictions.len(), rows.len() * outputs);
        found.insert(
            0,
            Baseline {
                name: "ridge",
                what: format!("ridge regression on words of {} bases", best.length),
                predictions: best.predictions,
            },
        );
    }
    found
}

struct Tried {
    length: usize,
    /// On the validation sequences.
    loss: f64,
    predictions: Vec<f64>,
}

/// The share of G and C among the known bases; one half of none.
fn gc(dataset: &Dataset, row: usize) -> f64 {
    let codes = &dataset.codes[row * dataset.length..(row + 1) * dataset.length];
    let known = codes.iter().filter(|&&code| code < 4).count();
    let gc = codes.iter().filter(|&&code| code == 1 || code == 2).count();
    match known {
        0 => 0.5,
        known => gc as f64 / known as f64,
    }
}

/// Words of a length, each one with its reverse complement.
struct Words {
    length: usize,
    /// By the word as a number of base 4.
    places: Vec<usize>,
    count: usize,
}

impl Words {
    fn new(length: usize) -> Words {
        let all = 1 << (2 * length);
        let turned = |word: usize| {
            let base = |k: usize| 3 - (word >> (2 * k)) % 4;
            (0..length).fold(0, |turned, k| turned * 4 + base(k))
        };
        let mut places = vec![usize::MAX; all];
        let mut count = 0;
        for word in 0..all {
            places[word] = match places[turned(word)] {
                usize::MAX => {
                    count += 1;
                    count - 1
                }
                known => known,
            };
        }
        Words {
            length,
            places,
            count,
        }
    }

    /// How often each word is there; words with an N are none.
    fn features(&self, dataset: &Dataset, rows: &[usize]) -> Features {
        let of_row = |&row: &usize| {
            let codes = &dataset.codes[row * dataset.length..(row + 1) * dataset.length];
            let mut counts: HashMap<usize, f64> = HashMap::new();
            for word in codes.windows(self.length) {
                if word.iter().all(|&code| code < 4) {
                    let number = word.iter().fold(0, |n, &code| n * 4 + usize::from(code));
                    *counts.entry(self.places[number]).or_default() += 1.0;
                }
            }
            let mut counts: Vec<(usize, f64)> = counts.into_iter().collect();
            // Sums in one order give the same bits.
            counts.sort_unstable_by_key(|(place, _)| *place);
            counts
        };
        Features {
            rows: rows.par_iter().map(of_row).collect(),
            width: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_its_reverse_complement_are_one() {
        let words = Words::new(4);
        // 256 words, of which 16 are their own reverse complements.
        assert_eq!(words.count, 136);
        let number = |word: &str| {
            word.chars()
                .fold(0, |n, base| n * 4 + "ACGT".find(base).unwrap())
        };
        assert_eq!(words.places[number("GATA")], words.places[number("TATC")]);
        assert_ne!(words.places[number("GATA")], words.places[number("GATT")]);
        assert_eq!(Words::new(6).count, 2080);
    }
}
