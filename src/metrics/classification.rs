//! How well scores part positives from negatives.
//!
//! Examples with the same score are one step of the curve: no order among them is assumed. With positives and negatives
//! TP and FP at or above a threshold, of P and N in all:
//! auROC is the chance that a positive scores above a negative, ties counted half;
//! auPRC is the average precision, the sum over thresholds of (gain in TP / P) · TP / (TP + FP), not interpolated;
//! recall at a false discovery rate is the largest TP / P at a threshold where FP / (TP + FP) is that rate or below,
//! 0 where there is none.

use rayon::prelude::*;

use crate::engine::random::Philox;
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

/// A percentile interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
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
    /// replacement, keyed by (`seed`, sample): the same whatever the number of threads. Samples where a measure is NaN do
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
        let random = Philox::new(seed);
        let group: Vec<usize> = self.given.iter().map(|&i| groups[i] as usize).collect();
        let count = group.iter().max().map_or(0, |&last| last + 1);
        let samples: Vec<Measures<f64>> = (0..resamples)
            .into_par_iter()
            .map_init(
                || vec![0_u32; count],
                |times, sample| {
                    draw(random, sample as u64, times);
                    let (mut positives, mut negatives) = (0, 0);
                    for (&positive, &group) in self.positive.iter().zip(&group) {
                        let of_class = if positive {
                            &mut positives
                        } else {
                            &mut negatives
                        };
                        *of_class += u64::from(times[group]);
                    }
                    self.weighted(|i| u64::from(times[group[i]]), positives, negatives)
                },
            )
            .collect();
        let interval = |measure: fn(&Measures<f64>) -> f64| {
            let mut values: Vec<f64> = samples.iter().map(measure).collect();
            values.retain(|value| !value.is_nan());
            values.sort_unstable_by(f64::total_cmp);
            Interval {
                low: quantile(&values, (1.0 - level) / 2.0),
                high: quantile(&values, (1.0 + level) / 2.0),
            }
        };
        Measures {
            auroc: interval(|m| m.auroc),
            auprc: interval(|m| m.auprc),
            recall_at_10pct_fdr: interval(|m| m.recall_at_10pct_fdr),
            recall_at_50pct_fdr: interval(|m| m.recall_at_50pct_fdr),
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

/// How often each of `times.len()` groups comes among as many draws. Lemire's multiply-shift in place of a remainder:
/// the bias is below the number of groups / 2^64.
fn draw(random: Philox, sample: u64, times: &mut [u32]) {
    times.fill(0);
    let count = times.len();
    let mut pick = |high: u32, low: u32| {
        let bits = u128::from(u64::from(high) << 32 | u64::from(low));
        times[((bits * count as u128) >> 64) as usize] += 1;
    };
    for pair in 0..count.div_ceil(2) {
        let words = random.at(sample, pair as u64);
        pick(words[0], words[1]);
        if 2 * pair + 1 < count {
            pick(words[2], words[3]);
        }
    }
}

/// The value below which a fraction `q` of sorted values lies, linear between them; NaN of none.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = q.clamp(0.0, 1.0) * last as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = sorted[(below + 1).min(last)];
    sorted[below] + part * (above - sorted[below])
}

#[cfg(test)]
#[path = "classification_tests.rs"]
mod tests;
