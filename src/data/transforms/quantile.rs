//! Quantile normalization with the distributions of training rows.

use serde::{Deserialize, Serialize};

/// A distribution is kept by so many quantiles at most, evenly spaced from the least to the largest.
const POINTS: usize = 1001;

/// The outputs' distributions in training rows and their mean. A signal's quantile in its output's distribution is
/// looked up in the mean of all; a signal that equals several quantiles has the middle of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// By output, evenly spaced quantiles, ascending.
    outputs: Vec<Vec<f64>>,
    mean: Vec<f64>,
}

impl Quantiles {
    /// Of the signals of each output in training rows, one or more of each.
    pub fn of(columns: &[Vec<f64>]) -> Quantiles {
        let most = columns.iter().map(Vec::len).max().unwrap_or(0);
        let points = most.clamp(2, POINTS);
        let outputs: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| {
                let mut sorted = column.clone();
                sorted.sort_by(f64::total_cmp);
                let at = |point: usize| between(&sorted, point as f64 / (points - 1) as f64);
                (0..points).map(at).collect()
            })
            .collect();
        let mean = (0..points).map(|point| {
            let sum: f64 = outputs.iter().map(|output| output[point]).sum();
            sum / outputs.len() as f64
        });
        Quantiles {
            mean: mean.collect(),
            outputs,
        }
    }

    /// Changes a row's signals; what is missing (NaN) stays missing.
    pub fn apply(&self, row: &mut [f64]) {
        for (signal, output) in row.iter_mut().zip(&self.outputs) {
            if !signal.is_nan() {
                *signal = between(&self.mean, quantile_of(*signal, output));
            }
        }
    }
}

/// Which quantile a signal is, 0 to 1.
fn quantile_of(signal: f64, quantiles: &[f64]) -> f64 {
    let last = (quantiles.len() - 1) as f64;
    let below = quantiles.partition_point(|&quantile| quantile < signal);
    let up_to = quantiles.partition_point(|&quantile| quantile <= signal);
    if up_to > below {
        return (below + up_to - 1) as f64 / 2.0 / last;
    }
    match (below.checked_sub(1), quantiles.get(below)) {
        (None, _) => 0.0,
        (_, None) => 1.0,
        (Some(before), Some(after)) => {
            let share = (signal - quantiles[before]) / (after - quantiles[before]);
            (before as f64 + share) / last
        }
    }
}

/// The number at a quantile (0 to 1) of sorted numbers, in proportion between two of them.
pub fn between(sorted: &[f64], quantile: f64) -> f64 {
    let place = quantile * (sorted.len() - 1) as f64;
    let (before, share) = (place.floor(), place.fract());
    let low = sorted[before as usize];
    match sorted.get(before as usize + 1) {
        Some(high) if share > 0.0 => low + share * (high - low),
        _ => low,
    }
}
