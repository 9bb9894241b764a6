//! What is done to signals before a model learns them: a chain of transforms, each fitted on training rows alone.

mod quantile;

use crate::numbers::counted;
use crate::{Error, Result};
pub use quantile::Quantiles;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A transform of `--transform`, not fitted yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transform {
    /// log2(x + 1).
    Log2p1,
    /// Every output gets the same distribution: the mean of the outputs' distributions in training rows.
    Quantile,
    /// Of every output less its mean, over its standard deviation, in training rows.
    Zscore,
    /// A row less the mean of its outputs; a row with one number alone has none then.
    Rowcenter,
    /// Every output is cut off at two of its percentiles in training rows.
    Clip { low: f64, high: f64 },
}

/// A chain, in the order in which it is applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain(Vec<Transform>);

/// A transform with what was fitted: numbers by output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "transform", rename_all = "lowercase")]
pub enum Fitted {
    Log2p1,
    Quantile(Quantiles),
    Zscore {
        means: Vec<f64>,
        deviations: Vec<f64>,
    },
    Rowcenter,
    Clip {
        /// In per cent.
        low: f64,
        high: f64,
        lowest: Vec<f64>,
        highest: Vec<f64>,
    },
}

/// A fitted chain: what made the signals of a table out of what was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FittedChain(pub Vec<Fitted>);

/// A chain without a transform.
const NONE: &str = "none";

const FORMS: &str = "log2p1, quantile, zscore, rowcenter and clip:LOW:HIGH (percentiles, as clip:0:99), separated by commas, or none";

impl FromStr for Transform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Transform> {
        let wrong = |problem: &str| {
            Error::usage(format!("transform '{text}': {problem}; expected {FORMS}"))
        };
        match text.split(':').collect::<Vec<_>>()[..] {
            ["log2p1"] => Ok(Transform::Log2p1),
            ["quantile"] => Ok(Transform::Quantile),
            ["zscore"] => Ok(Transform::Zscore),
            ["rowcenter"] => Ok(Transform::Rowcenter),
            ["clip", low, high] => match (low.parse::<f64>(), high.parse::<f64>()) {
                (Ok(low), Ok(high)) if 0.0 <= low && low < high && high <= 100.0 => {
                    Ok(Transform::Clip { low, high })
                }
                _ => Err(wrong("expected two percentiles, the smaller one first")),
            },
            _ => Err(wrong("not a transform")),
        }
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Transform::Log2p1 => write!(f, "log2p1"),
            Transform::Quantile => write!(f, "quantile"),
            Transform::Zscore => write!(f, "zscore"),
            Transform::Rowcenter => write!(f, "rowcenter"),
            Transform::Clip { low, high } => write!(f, "clip:{low}:{high}"),
        }
    }
}

impl FromStr for Chain {
    type Err = Error;

    /// `none` is no transform at all.
    fn from_str(text: &str) -> Result<Chain> {
        if text.trim() == NONE {
            return Ok(Chain::default());
        }
        let chain = text.split(',').map(|part| part.trim().parse());
        chain.collect::<Result<_>>().map(Chain)
    }
}

impl Chain {
    /// Applies the chain to signals (rows x outputs, row-major; NaN where one is missing) in place, each transform fitted on
    /// the rows `train` of what the ones before it made. Gives what was fitted.
    ///
    /// # Errors
    /// A transform that makes what is no number, with the first row and output; `rowcenter` of one output; an output that is
    /// missing in every training row.
    pub fn fit(
        &self,
        signals: &mut [f64],
        outputs: &[String],
        train: &[usize],
        names: &[String],
    ) -> Result<FittedChain> {
        let width = outputs.len();
        let mut fitted = Vec::with_capacity(self.0.len());
        for &transform in &self.0 {
            let column = |output: usize| -> Result<Vec<f64>> {
                let all = train.iter().map(|&row| signals[row * width + output]);
                let there: Vec<f64> = all.filter(|signal| !signal.is_nan()).collect();
                match there.is_empty() {
                    false => Ok(there),
                    true => Err(Error::invalid(format!(
                        "--transform {transform}: output {} has no signal in any of the {}",
                        outputs[output],
                        counted(train.len(), "training row")
                    ))),
                }
            };
            let columns = || (0..width).map(column).collect::<Result<Vec<_>>>();
            let one = match transform {
                Transform::Log2p1 => Fitted::Log2p1,
                Transform::Rowcenter if width < 2 => {
                    return Err(Error::usage(
                        "--transform rowcenter: there is one output, and a row less its mean would be 0 everywhere; leave it out, or give more signals",
                    ));
                }
                Transform::Rowcenter => Fitted::Rowcenter,
                Transform::Quantile => Fitted::Quantile(Quantiles::of(&columns()?)),
                Transform::Zscore => {
                    let (means, deviations): (Vec<f64>, Vec<f64>) = columns()?
                        .iter()
                        .map(|column| mean_and_deviation(column))
                        .unzip();
                    if let Some(output) = deviations.iter().position(|&found| found == 0.0) {
                        return Err(Error::invalid(format!(
                            "--transform zscore: output {} is the same in every training row: it has no standard deviation to divide by",
                            outputs[output]
                        )));
                    }
                    Fitted::Zscore { means, deviations }
                }
                Transform::Clip { low, high } => {
                    let columns = columns()?;
                    let at = |percent: f64| {
                        let columns = columns.iter();
                        columns.map(|column| percentile(column, percent)).collect()
                    };
                    Fitted::Clip {
                        low,
                        high,
                        lowest: at(low),
                        highest: at(high),
                    }
                }
            };
            for (row, signals) in signals.chunks_exact_mut(width).enumerate() {
                let before = signals.to_vec();
                one.apply(signals);
                let odd = before.iter().zip(&*signals).position(|(before, after)| {
                    let lone = transform == Transform::Rowcenter && after.is_nan();
                    !before.is_nan() && !after.is_finite() && !lone
                });
                if let Some(output) = odd {
                    return Err(Error::invalid(format!(
                        "--transform {transform}: the signal {} of {} in output {} becomes {}; expected finite numbers{}",
                        before[output],
                        names[row],
                        outputs[output],
                        signals[output],
                        match transform {
                            Transform::Log2p1 => ": log2(x + 1) needs signals above -1",
                            _ => "",
                        }
                    )));
                }
            }
            fitted.push(one);
        }
        Ok(FittedChain(fitted))
    }
}

impl Fitted {
    /// Changes a row's signals; what is missing (NaN) stays missing.
    fn apply(&self, row: &mut [f64]) {
        match self {
            Fitted::Log2p1 => row.iter_mut().for_each(|x| *x = (*x + 1.0).log2()),
            Fitted::Quantile(quantiles) => quantiles.apply(row),
            Fitted::Zscore { means, deviations } => {
                let fitted = means.iter().zip(deviations);
                let cells = row.iter_mut().zip(fitted);
                cells.for_each(|(x, (mean, deviation))| *x = (*x - mean) / deviation);
            }
            Fitted::Rowcenter => {
                let there: Vec<f64> = row.iter().copied().filter(|x| !x.is_nan()).collect();
                // Of one number alone it is not known where it stands among the outputs.
                let mean = match there.len() {
                    0 | 1 => f64::NAN,
                    count => there.iter().sum::<f64>() / count as f64,
                };
                row.iter_mut().for_each(|x| *x -= mean);
            }
            Fitted::Clip {
                lowest, highest, ..
            } => {
                let cells = row.iter_mut().zip(lowest.iter().zip(highest));
                // `f64::max` would take the number beside a NaN.
                let there = cells.filter(|(x, _)| !x.is_nan());
                there.for_each(|(x, (low, high))| *x = x.max(*low).min(*high));
            }
        }
    }

    /// Its name in `--transform`.
    fn name(&self) -> String {
        match self {
            Fitted::Log2p1 => Transform::Log2p1.to_string(),
            Fitted::Quantile(_) => Transform::Quantile.to_string(),
            Fitted::Zscore { .. } => Transform::Zscore.to_string(),
            Fitted::Rowcenter => Transform::Rowcenter.to_string(),
            Fitted::Clip { low, high, .. } => {
                let (low, high) = (*low, *high);
                Transform::Clip { low, high }.to_string()
            }
        }
    }
}

impl FittedChain {
    /// The chain as `--transform` takes it; "none" where nothing is done.
    pub fn describe(&self) -> String {
        match self.0.is_empty() {
            true => NONE.to_string(),
            false => {
                let names = self.0.iter().map(Fitted::name);
                names.collect::<Vec<_>>().join(",")
            }
        }
    }

    /// What was done, and what that makes a ranking of motifs mean.
    pub fn sentence(&self) -> String {
        format!("signals: transform {}; {}", self.describe(), self.meaning())
    }

    /// Whether any of it depends on which rows train.
    pub fn is_fitted(&self) -> bool {
        let plain = |one: &Fitted| matches!(one, Fitted::Log2p1 | Fitted::Rowcenter);
        !self.0.iter().all(plain)
    }

    /// What the chain makes a ranking of motifs mean.
    fn meaning(&self) -> &'static str {
        match self.0.iter().any(|one| matches!(one, Fitted::Rowcenter)) {
            true => {
                "signals are relative to the row's mean over all outputs: a motif's weight says where it makes a difference between outputs (cells); what is open in all of them alike has no weight"
            }
            false => {
                "signals are each output's own: a motif's weight says how much it opens a region in that output (cell), which includes what opens it in all of them"
            }
        }
    }
}

/// The mean, and the standard deviation of the population.
fn mean_and_deviation(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / count).sqrt())
}

/// A percentile, between two numbers in proportion (numpy's default).
fn percentile(numbers: &[f64], percent: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile::between(&sorted, percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(
        chain: &str,
        signals: &mut [f64],
        outputs: usize,
        train: &[usize],
    ) -> Result<FittedChain> {
        let outputs: Vec<String> = (0..outputs).map(|i| format!("o{i}")).collect();
        let names: Vec<String> = (0..signals.len()).map(|i| format!("r{i}")).collect();
        chain
            .parse::<Chain>()
            .unwrap()
            .fit(signals, &outputs, train, &names)
    }

    #[test]
    fn the_order_of_a_chain_counts() {
        let mut a = [1.0, 7.0, 3.0, 3.0];
        fit("log2p1,rowcenter", &mut a, 2, &[0, 1]).unwrap();
        assert_eq!(a, [-1.0, 1.0, 0.0, 0.0]);
        let mut lone = [1.0, f64::NAN, 2.0, 4.0];
        fit("rowcenter", &mut lone, 2, &[0, 1]).unwrap();
        assert!(lone[0].is_nan() && lone[1].is_nan() && lone[2..] == [-1.0, 1.0]);
        let mut b = [1.0, 1.5, 3.0, 3.0];
        fit("rowcenter,log2p1", &mut b, 2, &[0, 1]).unwrap();
        assert_eq!(b, [0.75_f64.log2(), 1.25_f64.log2(), 0.0, 0.0]);
    }

    #[test]
    fn a_z_score_is_of_the_training_rows_alone_and_missing_stays_missing() {
        let mut signals = [1.0, 3.0, 101.0, f64::NAN];
        let fitted = fit("zscore", &mut signals, 1, &[0, 1]).unwrap();
        assert_eq!(signals[..3], [-1.0, 1.0, 99.0]);
        assert!(signals[3].is_nan());
        let expected = Fitted::Zscore {
            means: vec![2.0],
            deviations: vec![1.0],
        };
        assert_eq!(fitted.0, [expected]);
    }

    #[test]
    fn clip_takes_percentiles_of_training_rows() {
        let mut signals: Vec<f64> = (0..=100).map(f64::from).chain([1000.0, -5.0]).collect();
        let train: Vec<usize> = (0..101).collect();
        signals.push(f64::NAN);
        fit("clip:5:90", &mut signals, 1, &train).unwrap();
        assert!(signals.pop().is_some_and(f64::is_nan));
        assert_eq!(
            (signals[0], signals[50], signals[101], signals[102]),
            (5.0, 50.0, 90.0, 5.0)
        );
    }

    #[test]
    fn quantiles_make_outputs_alike() {
        // Output 1 is ten times output 0.
        let mut signals = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 9.0, 15.0];
        fit("quantile", &mut signals, 2, &[0, 1, 2]).unwrap();
        assert_eq!(signals[..6], [5.5, 5.5, 11.0, 11.0, 16.5, 16.5]);
        // Past the largest one of training rows: the largest.
        assert_eq!(signals[6..], [16.5, 8.25]);
    }

    #[test]
    fn faults_name_the_row_and_the_output() {
        let mut signals = [1.0, -1.0];
        let found = fit("log2p1", &mut signals, 1, &[0])
            .unwrap_err()
            .to_string();
        assert_eq!(
            found,
            "--transform log2p1: the signal -1 of r1 in output o0 becomes -inf; expected finite numbers: log2(x + 1) needs signals above -1"
        );
        let found = fit("rowcenter", &mut [1.0], 1, &[0])
            .unwrap_err()
            .to_string();
        assert!(found.contains("there is one output"), "{found}");
        let found = fit("zscore", &mut [1.0, 1.0, 4.0], 1, &[0, 1])
            .unwrap_err()
            .to_string();
        assert!(found.contains("the same in every training row"), "{found}");
        let found = fit("zscore", &mut [f64::NAN, 4.0], 1, &[0])
            .unwrap_err()
            .to_string();
        assert!(found.contains("output o0 has no signal"), "{found}");
        assert_eq!("none".parse::<Chain>().unwrap(), Chain::default());
        for text in ["log2", "clip:1", "clip:9:1", "clip:0:101", ""] {
            let found = text.parse::<Chain>().unwrap_err().to_string();
            assert!(found.contains("expected log2p1, quantile"), "{found}");
        }
    }

    #[test]
    fn a_fitted_chain_is_kept_and_read_back() {
        let mut signals = [1.0, 3.0, 5.0, 6.0, 2.0, 0.5];
        let fitted = fit(
            "clip:1:99,quantile,log2p1,zscore,rowcenter",
            &mut signals,
            2,
            &[0, 1, 2],
        )
        .unwrap();
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<FittedChain>(&text).unwrap(), fitted);
        assert_eq!(
            fitted.describe(),
            "clip:1:99,quantile,log2p1,zscore,rowcenter"
        );
        assert!(fitted.meaning().contains("relative to the row's mean"));
        assert_eq!(FittedChain::default().describe(), "none");
    }
}
