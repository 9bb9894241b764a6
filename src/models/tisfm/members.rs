//! One model, or all models of an ensemble, opened to predict with: means and spreads over the models.

use super::KIND;
use super::samples::Rows;
use super::saved::{self, Predictions, SavedModel};
use crate::engine::Device;
use crate::train::ensemble::{Ensemble, check_alike};
use crate::train::folder::config::Precision;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::Path;

/// Behind an output's name: the standard deviation of the models' predictions, in a table of an ensemble's.
pub const SPREAD: &str = ".sd";

/// At least one model.
pub struct Members {
    /// By the folder's name in the ensemble; empty for a model alone.
    pub names: Vec<String>,
    pub models: Vec<SavedModel>,
}

impl Members {
    /// A model folder, weights in one, or the folder of an ensemble.
    ///
    /// # Errors
    /// Those of [`saved::open`]; a model of the ensemble that was not trained to the end, or is not of the same outputs, motifs and
    /// architecture as the first.
    pub fn open(path: &Path, known: Kinds) -> Result<Members> {
        let Some(ensemble) = Ensemble::read(path, &KIND, known)? else {
            return Ok(Members {
                names: Vec::new(),
                models: vec![saved::open(path, known)?],
            });
        };
        let folders = ensemble.folders(path)?;
        let models = folders.iter().map(|folder| saved::open(folder, known));
        let models: Vec<SavedModel> = models.collect::<Result<_>>()?;
        check_alike(
            models
                .iter()
                .map(|model| (model.folder(), &model.config.model)),
        )?;
        Ok(Members {
            names: ensemble.members.into_iter().map(|m| m.folder).collect(),
            models,
        })
    }

    /// What all models have in common is read from it.
    pub fn first(&self) -> &SavedModel {
        &self.models[0]
    }

    pub fn is_ensemble(&self) -> bool {
        !self.names.is_empty()
    }

    /// The model alone; `what`: the flag or command that takes no ensemble.
    ///
    /// # Errors
    /// An ensemble.
    pub fn alone(&self, what: &str) -> Result<&SavedModel> {
        match self.names.first() {
            None => Ok(self.first()),
            Some(name) => Err(Error::usage(format!(
                "{what} is about one model, and --model is an ensemble: name one of its folders, as {name}"
            ))),
        }
    }

    /// Predictions of every model for the rows that `rows` gives it.
    ///
    /// # Errors
    /// Those of [`SavedModel::predict`].
    pub fn predict(
        &self,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        rows: &[Vec<usize>],
        batch_size: usize,
        seen: impl Fn(usize),
    ) -> Result<Averaged> {
        let each = self.models.iter().zip(rows);
        let each = each.map(|(model, rows)| {
            model.predict(device, precision, samples, rows, batch_size, &seen)
        });
        let mut each: Vec<Predictions> = each.collect::<Result<_>>()?;
        let width = self.first().config.model.outputs.len();
        match &each[..] {
            [_] => Ok(Averaged {
                rows: rows[0].clone(),
                mean: each.remove(0),
                spread: Vec::new(),
                each: Vec::new(),
            }),
            _ => Ok(Averaged::of(rows, &each, width)),
        }
    }
}

/// Predictions of an ensemble, or of a model alone.
pub struct Averaged {
    /// Of the table's lines: those of the first model where all have the same, else all that any model has, in rising order.
    pub rows: Vec<usize>,
    /// Rows x outputs: over the models that have the row.
    pub mean: Predictions,
    /// Their standard deviation (of a sample, n - 1); NaN of one model. Empty where no row has two.
    pub spread: Vec<f64>,
    /// By model: its own rows x outputs. Empty for a model alone.
    pub each: Vec<Vec<f64>>,
}

impl Averaged {
    fn of(rows: &[Vec<usize>], predictions: &[Predictions], width: usize) -> Averaged {
        let same = rows.iter().all(|other| *other == rows[0]);
        let all = match same {
            true => rows[0].clone(),
            false => {
                let mut all: Vec<usize> = rows.iter().flatten().copied().collect();
                all.sort_unstable();
                all.dedup();
                all
            }
        };
        let places: HashMap<usize, usize> = all
            .iter()
            .enumerate()
            .map(|(place, row)| (*row, place))
            .collect();
        let each: Vec<Vec<f64>> = predictions.iter().map(Predictions::to_f64).collect();
        let mut counts = vec![0.0f64; all.len()];
        let mut sums = vec![0.0; all.len() * width];
        let visit = |add: &mut dyn FnMut(usize, &[f64])| {
            for (rows, values) in rows.iter().zip(&each) {
                for (row, values) in rows.iter().zip(values.chunks_exact(width)) {
                    add(places[row], values);
                }
            }
        };
        visit(&mut |place, values| {
            counts[place] += 1.0;
            let sums = &mut sums[place * width..][..width];
            sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += x);
        });
        let count = |i: usize| counts[i / width];
        let mean: Vec<f64> = (0..sums.len()).map(|i| sums[i] / count(i)).collect();
        let mut squares = vec![0.0; sums.len()];
        visit(&mut |place, values| {
            for (o, x) in values.iter().enumerate() {
                let i = place * width + o;
                squares[i] += (x - mean[i]) * (x - mean[i]);
            }
        });
        let spread = |i: usize| match count(i) {
            n if n < 2.0 => f64::NAN,
            n => (squares[i] / (n - 1.0)).sqrt(),
        };
        let f32s = predictions.iter().all(|p| matches!(p, Predictions::F32(_)));
        // Where no row has two models there is nothing to show.
        let some = counts.iter().any(|&count| count > 1.0);
        Averaged {
            spread: (0..squares.len()).filter(|_| some).map(spread).collect(),
            rows: all,
            mean: match f32s {
                true => Predictions::F32(mean.iter().map(|&x| x as f32).collect()),
                false => Predictions::F64(mean),
            },
            each,
        }
    }

    /// A spread as a table has it: as many digits as a mean, empty where there is none.
    pub fn spread_text(&self, index: usize) -> String {
        match (self.spread[index], &self.mean) {
            (spread, _) if spread.is_nan() => String::new(),
            (spread, Predictions::F32(_)) => format!("{:?}", spread as f32),
            (spread, Predictions::F64(_)) => format!("{spread:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_averaged_over_the_models_that_have_them() {
        let table = |values: &[f64]| Predictions::F64(values.to_vec());
        let same = Averaged::of(
            &[vec![5, 2], vec![5, 2]],
            &[table(&[1.0, 0.0, 2.0, 0.0]), table(&[3.0, 1.0, 2.0, 1.0])],
            2,
        );
        assert_eq!(same.rows, [5, 2]);
        assert_eq!(same.mean.to_f64(), [2.0, 0.5, 2.0, 0.5]);
        assert!((same.spread[0] - 2.0f64.sqrt()).abs() < 1e-12 && same.spread[2] == 0.0);
        let folds = Averaged::of(
            &[vec![4, 1], vec![1, 0]],
            &[table(&[4.0, 1.0]), table(&[3.0, 0.5])],
            1,
        );
        assert_eq!(folds.rows, [0, 1, 4]);
        assert_eq!(folds.mean.to_f64(), [0.5, 2.0, 4.0]);
        assert_eq!(
            (folds.spread_text(0), folds.spread_text(1)),
            (String::new(), "1.4142135623730951".into())
        );
    }
}
