//! What a model is fitted to: the signals, with weights behind them where not all numbers count the same.

use super::network::Loss;
use crate::data::dataset::Dataset;
use crate::data::split::rows::Split;
use std::borrow::Cow;

/// The targets of all rows of a data set.
pub struct Targets<'a> {
    /// Rows x [`Loss::targets`].
    pub values: Cow<'a, [f64]>,
    pub loss: Loss,
}

impl<'a> Targets<'a> {
    /// The signals alone where all of training and validation are known and the rows have no weights. Else each row's signals,
    /// 0 where one is missing, and their weights: the row's, 0 for one that is missing. Weights are scaled so that those of the
    /// training rows have the mean 1 over rows x outputs: an epoch's mean loss of a row is then the weighted mean over all numbers
    /// that are known.
    pub fn of(data: &'a Dataset, split: &Split) -> Targets<'a> {
        let fitted = || split.train.iter().chain(&split.validation);
        let known = fitted().all(|&row| data.signals(row).iter().all(|s| !s.is_nan()));
        if known && data.weights.is_none() {
            return Targets {
                values: Cow::Borrowed(&data.signals),
                loss: Loss::Mean,
            };
        }
        let unit = unit(data);
        let weight = |row: usize, signal: &f64| match signal.is_nan() {
            true => 0.0,
            false => data
                .weights
                .as_ref()
                .map_or(1.0, |weights| weights[row] / unit),
        };
        let of_row = |row: usize| {
            data.signals(row)
                .iter()
                .map(move |signal| weight(row, signal))
        };
        let sum: f64 = split.train.iter().flat_map(|&row| of_row(row)).sum();
        let scale = (split.train.len() * data.outputs.len()) as f64 / sum;
        let values = (0..data.len()).flat_map(|row| {
            let signals = data.signals(row).iter();
            let signals = signals.map(|signal| if signal.is_nan() { 0.0 } else { *signal });
            signals.chain(of_row(row).map(|weight| weight * scale))
        });
        Targets {
            values: Cow::Owned(values.collect()),
            loss: Loss::Weighted,
        }
    }
}

/// What weights are divided by first: 1, but where they are so small that their sum's inverse is no number.
fn unit(data: &Dataset) -> f64 {
    let weights = data.weights.iter().flatten();
    let largest = weights.copied().fold(0.0, f64::max);
    match largest > f64::MIN_POSITIVE * 1e9 {
        true => 1.0,
        false => largest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(signals: &[[f64; 2]], weights: Option<&[f64]>) -> Dataset {
        Dataset {
            names: (0..signals.len()).map(|i| format!("s{i}")).collect(),
            outputs: ["a", "b"].map(String::from).to_vec(),
            length: 1,
            codes: vec![0; signals.len()],
            signals: signals.concat(),
            weights: weights.map(<[f64]>::to_vec),
            batches: None,
            chromosomes: None,
        }
    }

    fn split() -> Split {
        Split {
            train: vec![0, 1],
            validation: vec![2],
            test: vec![3],
        }
    }

    #[test]
    fn signals_that_are_known_where_a_model_is_fitted_stay_as_they_are() {
        let data = data(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, f64::NAN]], None);
        let targets = Targets::of(&data, &split());
        assert_eq!(targets.loss, Loss::Mean);
        assert!(matches!(targets.values, Cow::Borrowed(_)));
    }

    #[test]
    fn weights_have_the_mean_1_over_the_training_rows_and_missing_numbers_none() {
        let nan = f64::NAN;
        let signals = [[1.0, nan], [3.0, 4.0], [nan, 6.0], [7.0, 8.0]];
        let targets = Targets::of(&data(&signals, None), &split())
            .values
            .into_owned();
        let third = 4.0 / 3.0;
        let expected = [
            [1.0, 0.0, third, 0.0],
            [3.0, 4.0, third, third],
            [0.0, 6.0, 0.0, third],
            [7.0, 8.0, third, third],
        ];
        assert_eq!(targets, expected.concat());
        let weights = [3.0, 0.5, 1.0, 2.0];
        let data = data(&signals, Some(&weights));
        let weighted = Targets::of(&data, &split());
        assert_eq!(weighted.loss, Loss::Weighted);
        // The training rows weigh 3 + 0.5 + 0.5 of 4 numbers: the scale is 1.
        let expected = [
            [1.0, 0.0, 3.0, 0.0],
            [3.0, 4.0, 0.5, 0.5],
            [0.0, 6.0, 0.0, 1.0],
            [7.0, 8.0, 2.0, 2.0],
        ];
        assert_eq!(weighted.values.into_owned(), expected.concat());
    }
}
