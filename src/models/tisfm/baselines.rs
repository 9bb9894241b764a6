//! What simple rules predict from the same training sequences: figures that a model should beat.

use crate::data::dataset::Dataset;
use crate::data::split::rows::Split;
use crate::dna::bases::gc_share;
use crate::metrics::regression::mse;
use crate::metrics::ridge::{Features, Ridge};
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::HashMap;

/// Lengths of words that are tried.
const LENGTHS: [usize; 3] = [4, 5, 6];
/// Strengths that are tried, in units of the number of training sequences.
const STRENGTHS: [f64; 7] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
/// Where outputs lack different rows, each such group needs regressions of its own: the largest few choose length and strength.
const CHOOSING: usize = 4;
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
/// sequences (of the outputs of the four largest groups that are known in the same rows). Each output's are of the sequences
/// whose signal is known there. Nothing without training sequences; no ridge without
/// validation sequences.
pub fn baselines(dataset: &Dataset, split: &Split, rows: &[usize]) -> Vec<Baseline> {
    if split.train.is_empty() || dataset.outputs.is_empty() {
        return Vec::new();
    }
    let groups = Group::all(dataset, &split.train);
    let gc = |rows: &[usize]| Features {
        rows: rows
            .iter()
            .map(|&row| vec![(0, gc(dataset, row))])
            .collect(),
        width: 1,
    };
    let nothing = |rows: &[usize]| Features {
        rows: vec![Vec::new(); rows.len()],
        width: 0,
    };
    let fitted = |group: &Group, features: &dyn Fn(&[usize]) -> Features| {
        let ridge = Ridge::new(&features(&group.train), &group.targets)?;
        Some(ridge.fit(0.0)?.predict(&features(rows)))
    };
    let all = dataset.outputs.len();
    let unknown = || vec![f64::NAN; rows.len() * all];
    let (mut line, mut mean) = (unknown(), unknown());
    for group in &groups {
        if let Some(found) = fitted(group, &nothing) {
            // Where all have the same share there is no line: the mean is what it says.
            let on_gc = fitted(group, &gc);
            group.put(on_gc.as_ref().unwrap_or(&found), &mut line, all);
            group.put(&found, &mut mean, all);
        }
    }
    let mut found = vec![
        Baseline {
            name: "GC",
            what: "a line on the share of G and C".to_string(),
            predictions: line,
        },
        Baseline {
            name: "mean",
            what: "the mean of the training sequences".to_string(),
            predictions: mean,
        },
    ];
    found.splice(0..0, ridge(dataset, &groups, &split.validation, rows));
    found
}

/// Outputs whose signals are known in the same training rows, which one regression serves.
struct Group {
    outputs: Vec<usize>,
    /// Of more than [`MOST`] every n-th.
    train: Vec<usize>,
    /// Rows x outputs.
    targets: Vec<f64>,
}

impl Group {
    /// In the order of their first outputs.
    fn all(dataset: &Dataset, train: &[usize]) -> Vec<Group> {
        let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
        for output in 0..dataset.outputs.len() {
            let known = |row: &usize| !dataset.signals(*row)[output].is_nan();
            let rows: Vec<usize> = train.iter().copied().filter(known).collect();
            match groups.iter_mut().find(|(own, _)| *own == rows) {
                Some((_, outputs)) => outputs.push(output),
                None => groups.push((rows, vec![output])),
            }
        }
        let group = |(rows, outputs): (Vec<usize>, Vec<usize>)| {
            let every = rows.len().div_ceil(MOST).max(1);
            let train: Vec<usize> = rows.into_iter().step_by(every).collect();
            let own = |row: &usize| {
                let signals = dataset.signals(*row);
                outputs.iter().map(|&output| signals[output])
            };
            Group {
                targets: train.iter().flat_map(own).collect(),
                train,
                outputs: outputs.clone(),
            }
        };
        groups.into_iter().map(group).collect()
    }

    /// Puts this group's predictions (rows x its outputs) into those of all outputs.
    fn put(&self, predictions: &[f64], into: &mut [f64], all: usize) {
        let rows = predictions.chunks(self.outputs.len());
        for (row, into) in rows.zip(into.chunks_mut(all)) {
            for (value, &output) in row.iter().zip(&self.outputs) {
                into[output] = *value;
            }
        }
    }
}

/// What one length and strength give in a group: for the validation rows, and for those that are asked for. None without a
/// solution.
type Tried = Option<[Vec<f64>; 2]>;

/// None without validation rows, or where no length and strength have a solution for all outputs.
fn ridge(
    dataset: &Dataset,
    groups: &[Group],
    validation: &[usize],
    rows: &[usize],
) -> Option<Baseline> {
    if validation.is_empty() {
        return None;
    }
    let lengths = LENGTHS.iter().filter(|&&length| length <= dataset.length);
    let words: Vec<Words> = lengths.map(|&length| Words::new(length)).collect();
    let features: Vec<[Features; 2]> = words
        .iter()
        .map(|words| [validation, rows].map(|rows| words.features(dataset, rows)))
        .collect();
    // All strengths of a length.
    let tried = |group: &Group, length: usize, strengths: &[f64]| -> Vec<Tried> {
        let own = words[length].features(dataset, &group.train);
        let ridge = Ridge::new(&own, &group.targets);
        let of_strength = |strength: &f64| {
            let fitted = ridge.as_ref()?.fit(*strength)?;
            Some([0, 1].map(|which| fitted.predict(&features[length][which])))
        };
        strengths.par_iter().map(of_strength).collect()
    };
    // Outputs without a training number stay unknown. Of the others the groups with most numbers are first.
    let mut groups: Vec<&Group> = groups.iter().filter(|g| !g.train.is_empty()).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.targets.len()));
    let (choosing, others) = groups.split_at(groups.len().min(CHOOSING));
    // A group at a time: each holds the products of all words.
    let of_group = |group: &&Group| -> Vec<Tried> {
        let lengths = (0..words.len()).into_par_iter();
        lengths
            .flat_map(|length| tried(group, length, &STRENGTHS))
            .collect()
    };
    let of_choosing: Vec<Vec<Tried>> = choosing.iter().map(of_group).collect();
    let signals: Vec<f64> = validation
        .iter()
        .flat_map(|&row| dataset.signals(row))
        .copied()
        .collect();
    let all = dataset.outputs.len();
    let loss = |choice: usize| {
        let mut predictions = vec![f64::NAN; signals.len()];
        for (group, tried) in choosing.iter().zip(&of_choosing) {
            group.put(&tried[choice].as_ref()?[0], &mut predictions, all);
        }
        let pairs = predictions.iter().zip(&signals);
        let pairs = pairs.filter(|(p, s)| !p.is_nan() && !s.is_nan());
        let (predictions, signals): (Vec<f64>, Vec<f64>) = pairs.map(|(p, s)| (*p, *s)).unzip();
        Some((choice, mse(&predictions, &signals)))
    };
    let choices = (0..words.len() * STRENGTHS.len()).filter_map(loss);
    let (best, _) = choices.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (length, strength) = (best / STRENGTHS.len(), best % STRENGTHS.len());
    let mut predictions = vec![f64::NAN; rows.len() * all];
    for (group, tried) in choosing.iter().zip(&of_choosing) {
        group.put(&tried[best].as_ref()?[1], &mut predictions, all);
    }
    for group in others {
        let found = tried(group, length, &STRENGTHS[strength..=strength]);
        let [_, found] = found.into_iter().next()??;
        group.put(&found, &mut predictions, all);
    }
    Some(Baseline {
        name: "ridge",
        what: format!(
            "ridge regression on words of {} bases",
            words[length].length
        ),
        predictions,
    })
}

/// The share of G and C among the known bases; one half of none.
fn gc(dataset: &Dataset, row: usize) -> f64 {
    gc_share(dataset.codes(row)).unwrap_or(0.5)
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

/// What the rules predict for `all` rows, those of several splits: of each by its own training sequences.
///
/// # Errors
/// A row that is not among all.
pub fn of_folds(
    dataset: &Dataset,
    splits: &[Split],
    rows: &[Vec<usize>],
    all: &[usize],
) -> Result<Vec<Baseline>> {
    let width = dataset.outputs.len();
    let places: HashMap<usize, usize> = all.iter().enumerate().map(|(i, row)| (*row, i)).collect();
    let mut merged: Vec<Baseline> = Vec::new();
    let mut done: Vec<&Split> = Vec::new();
    for (split, rows) in splits.iter().zip(rows) {
        if done.contains(&split) {
            continue;
        }
        done.push(split);
        for rule in baselines(dataset, split, rows) {
            let known = merged.iter().position(|known| known.name == rule.name);
            let place = known.unwrap_or_else(|| {
                merged.push(Baseline {
                    name: rule.name,
                    what: rule.what.clone(),
                    predictions: vec![f64::NAN; all.len() * width],
                });
                merged.len() - 1
            });
            let merged = &mut merged[place];
            if merged.what != rule.what {
                // Folds may choose words of other lengths.
                merged.what = "ridge regression on words".to_string();
            }
            for (row, values) in rows.iter().zip(rule.predictions.chunks_exact(width)) {
                let place = places
                    .get(row)
                    .ok_or_else(|| Error::invalid(format!("row {row}")))?;
                merged.predictions[place * width..][..width].copy_from_slice(values);
            }
        }
    }
    // A rule that a fold does not have says nothing about the whole.
    merged.retain(|rule| rule.predictions.iter().all(|x| x.is_finite()));
    Ok(merged)
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

    /// Sequences of 6 bases at random, whose signals follow the share of G and C.
    fn data(missing: &[(usize, usize)]) -> (Dataset, Split) {
        let mut state = 5u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state >> 40
        };
        let codes: Vec<u8> = (0..40 * 6).map(|_| (random() % 4) as u8).collect();
        let mut signals: Vec<f64> = Vec::new();
        for sequence in codes.chunks(6) {
            let gc = sequence.iter().filter(|code| **code % 3 > 0).count() as f64;
            signals.extend([gc + 1.0, 3.0 - gc + (random() % 8) as f64 / 8.0]);
        }
        for (row, output) in missing {
            signals[2 * row + output] = f64::NAN;
        }
        let data = Dataset {
            names: (0..40).map(|i| format!("s{i}")).collect(),
            outputs: ["a", "b"].map(String::from).to_vec(),
            length: 6,
            codes,
            signals,
            weights: None,
            batches: None,
            chromosomes: None,
        };
        let split = Split {
            train: (0..24).collect(),
            validation: (24..32).collect(),
            test: (32..40).collect(),
        };
        (data, split)
    }

    #[test]
    fn rules_of_an_output_are_those_of_the_rows_where_it_is_known() {
        let gone = [3, 7, 11, 20];
        let missing = gone.map(|row| (row, 1));
        let (whole, split) = data(&[]);
        let (part, _) = data(&missing);
        let all = baselines(&whole, &split, &split.test);
        let found = baselines(&part, &split, &split.test);
        let names = |rules: &[Baseline]| rules.iter().map(|rule| rule.name).collect::<Vec<_>>();
        assert_eq!(names(&all), ["ridge", "GC", "mean"]);
        assert_eq!(names(&found), ["ridge", "GC", "mean"]);
        let fewer = Split {
            train: split
                .train
                .iter()
                .copied()
                .filter(|row| !gone.contains(row))
                .collect(),
            ..split.clone()
        };
        let without = baselines(&whole, &fewer, &split.test);
        let column = |rules: &[Baseline], rule: usize, output: usize| -> Vec<f64> {
            let values = rules[rule].predictions.iter();
            values.skip(output).step_by(2).copied().collect()
        };
        // The line and the mean; the ridge's length and strength are chosen for all outputs together.
        for rule in [1, 2] {
            assert_eq!(column(&found, rule, 0), column(&all, rule, 0));
            assert_eq!(column(&found, rule, 1), column(&without, rule, 1));
            assert_ne!(column(&found, rule, 1), column(&all, rule, 1));
        }
        assert!(found[0].predictions.iter().all(|p| p.is_finite()));
        assert!((column(&found, 1, 0)[0] - part.signals(32)[0]).abs() < 1e-9);
    }

    #[test]
    fn an_output_that_is_known_nowhere_has_no_rule() {
        let missing: Vec<(usize, usize)> = (0..24).map(|row| (row, 1)).collect();
        let (part, split) = data(&missing);
        let found = baselines(&part, &split, &split.test);
        for rule in &found {
            let [a, b] = [0, 1].map(|output| rule.predictions[output]);
            assert!(a.is_finite() && b.is_nan(), "{}", rule.name);
        }
        assert_eq!(found.len(), 3);
    }
}
