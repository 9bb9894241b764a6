//! Offsets of batches (experiments whose rows were pooled): what the signals of a batch have in common, taken off before a
//! model is fitted (fixed effects, by centring).
//!
//! ```text
//! offset[b, o] = sum of w[r] s[r, o] / sum of w[r], over the training rows r of batch b whose number s[r, o] is known,
//!                less the same over the training rows of all batches
//! ```
//!
//! So the offsets of an output have the weighted mean 0 over the training rows, and its signals keep theirs.

use super::Notes;
use super::dataset::Dataset;
use crate::io::text::first_names;
use crate::numbers::counted;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By batch: an offset for each output, None where no training row of the batch has a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchOffsets(BTreeMap<String, Vec<Option<f64>>>);

/// A weighted mean while it is being summed up.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: f64, weight: f64) {
        self.sum += weight * value;
        self.weight += weight;
    }

    fn value(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

impl BatchOffsets {
    /// Of the training rows; None where the data set says nothing of batches.
    ///
    /// # Errors
    /// Every training row is a batch of its own: its offset would be all there is of it.
    pub fn of(data: &Dataset, train: &[usize]) -> Result<Option<BatchOffsets>> {
        let Some(batches) = &data.batches else {
            return Ok(None);
        };
        let outputs = data.outputs.len();
        let mut all = vec![Mean::default(); outputs];
        let mut each: BTreeMap<&str, Vec<Mean>> = BTreeMap::new();
        for &row in train {
            let weight = data.weights.as_ref().map_or(1.0, |weights| weights[row]);
            let own = each.entry(&batches[row]);
            let own = own.or_insert_with(|| vec![Mean::default(); outputs]);
            let means = all.iter_mut().zip(own);
            for (&signal, (all, own)) in data.signals(row).iter().zip(means) {
                if !signal.is_nan() {
                    all.add(signal, weight);
                    own.add(signal, weight);
                }
            }
        }
        if train.len() > 1 && each.len() == train.len() {
            return Err(Error::invalid(format!(
                "--batch-column: another batch in each of {} ({}); expected a column that names one batch (experiment) for many rows",
                counted(train.len(), "training row"),
                first_names(each.keys())
            )));
        }
        let offsets = |own: Vec<Mean>| -> Vec<Option<f64>> {
            let pairs = own.into_iter().zip(&all);
            pairs
                .map(|(own, all)| Some(own.value()? - all.value()?))
                .collect()
        };
        let each = each.into_iter();
        let each = each.map(|(batch, own)| (batch.to_string(), offsets(own)));
        Ok(Some(BatchOffsets(each.collect())))
    }

    /// They are for so many outputs.
    pub fn are_of(&self, outputs: usize) -> bool {
        self.0.values().all(|offsets| offsets.len() == outputs)
    }

    /// Takes each row's offsets off its signals, nothing where there is no offset; says so. A data set without batches stays as it
    /// is.
    pub fn take_off(&self, data: &mut Dataset) -> Notes {
        let Some(batches) = &data.batches else {
            return Notes::new();
        };
        let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
        let rows = data.signals.chunks_mut(data.outputs.len().max(1));
        for (signals, batch) in rows.zip(batches) {
            let Some(offsets) = self.0.get(batch) else {
                *unknown.entry(batch).or_default() += 1;
                continue;
            };
            for (signal, offset) in signals.iter_mut().zip(offsets) {
                *signal -= offset.unwrap_or_default();
            }
        }
        let mut notes = vec![format!(
            "note: batches {}: the mean of a batch's training signals, less that of all, is taken off the signals of its rows",
            first_names(self.0.keys())
        )];
        if !unknown.is_empty() {
            notes.push(format!(
                "warning: no training row is of {} ({}): nothing is taken off there",
                match unknown.len() {
                    1 => "the batch".to_string(),
                    count => format!("{count} batches"),
                },
                unknown
                    .iter()
                    .map(|(batch, rows)| format!("'{batch}', {}", counted(*rows, "row")))
                    .take(3)
                    .collect::<Vec<_>>()
                    .join("; ")
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(batches: &[&str], signals: &[[f64; 2]]) -> Dataset {
        Dataset {
            names: (0..signals.len()).map(|i| format!("s{i}")).collect(),
            outputs: ["a", "b"].map(String::from).to_vec(),
            length: 1,
            codes: vec![0; signals.len()],
            signals: signals.concat(),
            weights: None,
            batches: Some(batches.iter().map(|batch| batch.to_string()).collect()),
            chromosomes: None,
        }
    }

    #[test]
    fn batches_lose_their_means_and_an_unknown_one_stays() {
        let nan = f64::NAN;
        let mut data = data(
            &["x", "x", "y", "y", "z"],
            &[[1.0, 2.0], [3.0, nan], [11.0, nan], [13.0, nan], [9.0, 9.0]],
        );
        let offsets = BatchOffsets::of(&data, &[0, 1, 2, 3]).unwrap().unwrap();
        // Means: a 7, x 2, y 12; b has numbers in x alone.
        let expected = [
            ("x", vec![Some(-5.0), Some(0.0)]),
            ("y", vec![Some(5.0), None]),
        ];
        let expected = expected.map(|(batch, offsets)| (batch.to_string(), offsets));
        assert_eq!(offsets, BatchOffsets(expected.into()));
        assert!(offsets.are_of(2) && !offsets.are_of(1));
        let notes = offsets.take_off(&mut data);
        assert_eq!(
            [data.signals(0), data.signals(4)].concat(),
            [6.0, 2.0, 9.0, 9.0]
        );
        assert_eq!((data.signals(2)[0], data.signals(3)[0]), (6.0, 8.0));
        assert!(
            notes[0].starts_with("note: batches 'x', 'y': the mean"),
            "{}",
            notes[0]
        );
        assert!(
            notes[1].contains("of the batch ('z', 1 row): nothing is taken off"),
            "{}",
            notes[1]
        );
        let text = serde_json::to_string(&offsets).unwrap();
        assert_eq!(
            serde_json::from_str::<BatchOffsets>(&text).unwrap(),
            offsets
        );
    }

    /// Moving the signals of a batch by a constant moves its offset alone.
    #[test]
    fn weighted_offsets_have_the_mean_0_and_take_off_any_shift() {
        let (batches, weights) = (["x", "x", "y", "y"], vec![1.0, 3.0, 2.0, 2.0]);
        let signals = [[1.0, 0.5], [2.0, 0.25], [4.0, 1.0], [8.0, 2.0]];
        let left = |shift: f64| {
            let moved: Vec<[f64; 2]> = signals
                .iter()
                .zip(batches)
                .map(|(row, batch)| {
                    row.map(|signal| if batch == "y" { signal + shift } else { signal })
                })
                .collect();
            let mut data = data(&batches, &moved);
            data.weights = Some(weights.clone());
            let offsets = BatchOffsets::of(&data, &[0, 1, 2, 3]).unwrap().unwrap();
            let of = |batch: &str| offsets.0[batch][0].unwrap();
            // Both batches weigh 4.
            assert!((of("x") + of("y")).abs() < 1e-12);
            offsets.take_off(&mut data);
            data.signals
        };
        let (plain, moved) = (left(0.0), left(100.0));
        // What is left moves by the same number everywhere: the mean of all has moved.
        let by: Vec<f64> = plain.iter().zip(&moved).map(|(a, b)| b - a).collect();
        assert!(by.iter().all(|by| (by - 50.0).abs() < 1e-9), "{by:?}");
    }

    #[test]
    fn a_batch_for_each_row_is_refused() {
        let data = data(&["x", "y", "z"], &[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        let error = BatchOffsets::of(&data, &[0, 1]).unwrap_err().to_string();
        assert!(
            error.contains("another batch in each of 2 training rows ('x', 'y')"),
            "{error}"
        );
    }
}
