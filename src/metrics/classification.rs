//! How well scores part positives from negatives.
//!
//! Examples with the same score are one step of the curve: no order among them is assumed. With positives and negatives
//! TP and FP at or above a threshold, of P and N in all:
//! auROC is the chance that a positive scores above a negative, ties counted half;
//! auPRC is the average precision, the sum over thresholds of (gain in TP / P) · TP / (TP + FP), not interpolated;
//! recall at a false discovery rate is the largest TP / P at a threshold where FP / (TP + FP) is that rate or below,
//! 0 where there is none.

use rayon::prelude::*;

use super::blocks::{Difference, FEWEST_BLOCKS, Interval, RESAMPLES, resampled};
use crate::{Error, Result};

/// One number for each measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures<T> {
    pub auroc: T,
    /// Average precision.
    pub auprc: T,
    pub recall_at_10pct_fdr: T,
    pub recall_at_50pct_fdr: T,
}

/// Examples from the highest score to the lowest.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Which of the examples as given each one is.
    given: Vec<usize>,
    positive: Vec<bool>,
    /// The next example has a lower score.
    ends_tie: Vec<bool>,
    positives: u64,
}

impl Ranked {
    /// Sorts examples by score; `labels` are true for positives.
    ///
    /// Errors: a score that is not a number (infinite is fine), another number of labels than of scores.
    pub fn new(scores: &[f64], labels: &[bool]) -> Result<Ranked> {
        if scores.len() != labels.len() {
            return Err(Error::invalid(format!(
                "{} scores and {} labels, expected as many",
                scores.len(),
                labels.len()
            )));
        }
        if let Some(place) = scores.iter().position(|score| score.is_nan()) {
            return Err(Error::invalid(format!(
                "score {place} (counted from 0) is not a number"
            )));
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        // The index decides among equal scores, so that resampling draws the same examples on any number of threads.
        // Adding zero makes -0 equal to 0.
        order.par_sort_unstable_by(|&i, &j| {
            let descending = (scores[j] + 0.0).total_cmp(&(scores[i] + 0.0));
            descending.then(i.cmp(&j))
        });
        let lower = |pair: &[usize]| scores[pair[0]] != scores[pair[1]];
        Ok(Ranked {
            positive: order.iter().map(|&i| labels[i]).collect(),
            ends_tie: order
                .windows(2)
                .map(lower)
                .chain([true])
                .take(scores.len())
                .collect(),
            positives: labels.iter().filter(|&&label| label).count() as u64,
            given: order,
        })
    }

    pub fn positives(&self) -> u64 {
        self.positives
    }

    pub fn negatives(&self) -> u64 {
        self.positive.len() as u64 - self.positives
    }

    /// The measures of all examples. NaN without positives; auROC also without negatives.
    pub fn measures(&self) -> Measures<f64> {
        self.weighted(|_| 1, self.positives, self.negatives())
    }

    /// Percentile intervals that hold `level` (such as 0.95) of `resamples` bootstrap samples.
    ///
    /// `groups` has the group of each example in the order given to [`Self::new`], from 0; what is not independent, as
    /// neighbours on a chromosome, belongs to one group. A sample draws as many groups as there are, whole and with
    /// replacement ([`resampled`]). Samples where a measure is NaN do
    /// not count for it; NaN where none counts. Between samples, quantiles are linear.
    ///
    /// Panics when `groups` is shorter than the examples.
    pub fn bootstrap(
        &self,
        resamples: usize,
        level: f64,
        seed: u64,
        groups: &[u32],
    ) -> Measures<Interval> {
        let grouped = self.grouped(groups);
        let count = grouped.counts.len();
        let samples = resampled(count, resamples, seed, |times| grouped.measures(times));
        let interval = |measure: fn(&Measures<f64>) -> f64| {
            Interval::of(samples.iter().map(measure).collect(), level)
        };
        Measures {
            auroc: interval(|m| m.auroc),
            auprc: interval(|m| m.auprc),
            recall_at_10pct_fdr: interval(|m| m.recall_at_10pct_fdr),
            recall_at_50pct_fdr: interval(|m| m.recall_at_50pct_fdr),
        }
    }

    /// The examples in groups, as [`Self::bootstrap`] takes them, for resamples of one's own.
    pub fn grouped(&self, groups: &[u32]) -> Grouped<'_> {
        let group: Vec<u32> = self.given.iter().map(|&i| groups[i]).collect();
        let count = group.iter().max().map_or(0, |&last| last as usize + 1);
        let mut counts = vec![[0; 2]; count];
        for (&positive, &group) in self.positive.iter().zip(&group) {
            counts[group as usize][usize::from(positive)] += 1;
        }
        Grouped {
            ranked: self,
            group,
            counts,
        }
    }

    /// The measures of examples that each count `times(i)`, `i` being the place from the highest score.
    fn weighted(
        &self,
        times: impl Fn(usize) -> u64,
        positives: u64,
        negatives: u64,
    ) -> Measures<f64> {
        let (mut tp, mut fp) = (0_u64, 0_u64);
        let (mut tp_before, mut fp_before) = (0, 0);
        // Pairs of a positive and a lower negative, twice, so that ties stay whole numbers.
        let mut pairs = 0_u128;
        let mut precision = 0.0;
        let mut recalled = [0; 2];
        for (i, (&positive, &ends_tie)) in self.positive.iter().zip(&self.ends_tie).enumerate() {
            let count = times(i);
            if positive {
                tp += count;
            } else {
                fp += count;
            }
            if !ends_tie {
                continue;
            }
            // Nothing changes for the better at a threshold that gains no positive.
            let gain = tp - tp_before;
            if gain > 0 {
                let below = 2 * negatives - fp - fp_before;
                pairs += u128::from(gain) * u128::from(below);
                precision += gain as f64 * (tp as f64 / (tp + fp) as f64);
                for (recalled, percent) in recalled.iter_mut().zip([10, 50]) {
                    if fp * 100 <= percent * (tp + fp) {
                        *recalled = tp;
                    }
                }
            }
            (tp_before, fp_before) = (tp, fp);
        }
        // 0 / 0 is the NaN that is promised.
        let of_positives = |count: f64| count / positives as f64;
        Measures {
            auroc: pairs as f64 / (2 * u128::from(positives) * u128::from(negatives)) as f64,
            auprc: of_positives(precision),
            recall_at_10pct_fdr: of_positives(recalled[0] as f64),
            recall_at_50pct_fdr: of_positives(recalled[1] as f64),
        }
    }
}

/// Examples in groups that are drawn whole.
pub struct Grouped<'a> {
    ranked: &'a Ranked,
    /// Of each example, from the highest score on.
    group: Vec<u32>,
    /// By group: negatives, positives.
    counts: Vec<[u64; 2]>,
}

impl Grouped<'_> {
    /// The measures where the examples of group g count `times[g]` each.
    pub fn measures(&self, times: &[u32]) -> Measures<f64> {
        let [mut negatives, mut positives] = [0; 2];
        for (&times, &[no, yes]) in times.iter().zip(&self.counts) {
            negatives += u64::from(times) * no;
            positives += u64::from(times) * yes;
        }
        let times = |i: usize| u64::from(times[self.group[i] as usize]);
        self.ranked.weighted(times, positives, negatives)
    }
}

/// The auPRC of `own` less that of each of `others`, scores of the same examples, with 95 % intervals from resamples of whole blocks.
/// `blocks`: the block of each example as given, from 0. None where an auPRC is not defined, or there are fewer than [`FEWEST_BLOCKS`].
///
/// Panics when `blocks` is shorter than the examples.
pub fn auprc_differences(
    own: &Ranked,
    others: &[Ranked],
    blocks: &[u32],
    seed: u64,
) -> Vec<Option<Difference>> {
    if others.is_empty() {
        return Vec::new();
    }
    let all: Vec<Grouped> = std::iter::once(own)
        .chain(others)
        .map(|ranked| ranked.grouped(blocks))
        .collect();
    let count = all[0].counts.len();
    if count < FEWEST_BLOCKS || own.positives() == 0 {
        return vec![None; others.len()];
    }
    let auprcs = |times: &[u32]| -> Vec<f64> {
        let of = all.iter().map(|grouped| grouped.measures(times).auprc);
        of.collect()
    };
    let whole = auprcs(&vec![1; count]);
    let drawn = resampled(count, RESAMPLES, seed, auprcs);
    (1..all.len())
        .map(|other| {
            let less = |auprcs: &Vec<f64>| auprcs[0] - auprcs[other];
            Difference::of(less(&whole), drawn.iter().map(less).collect())
        })
        .collect()
}

#[cfg(test)]
#[path = "classification_tests.rs"]
mod tests;
