//! The penalty path: one model for each lambda, each warm-started from the best of the one before.

use super::config::Config;
use super::measured::{TEST, Tested};
use super::network::Network;
use super::pick::{Picked, Tried};
use super::samples::TrainingRows;
use super::saved::SavedModel;
use crate::data::dataset::Dataset;
use crate::data::split::folds::blocks;
use crate::data::split::rows::Split;
use crate::engine::Device;
use crate::io::atomic::{remove_if_there, remove_leftovers, write_atomic};
use crate::io::state_dict::{StateDict, read};
use crate::io::text::read_text;
use crate::metrics::blocks::standard_error;
use crate::metrics::regression::{known, mse};
use crate::numbers::{counted, rounded};
use crate::optim::{OptimizerSettings, Shrink};
use crate::report::progress::Reporter;
use crate::train::folder::BEST;
use crate::train::folder::weights::{Number, load};
use crate::train::{Begins, TrainSettings, Trainer};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Which penalty the lambdas scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PenaltyKind {
    L1,
    Mcp { b: f64 },
}

impl PenaltyKind {
    /// Lambda 0 is no penalty: AdamW.
    pub fn shrink(self, lambda: f64) -> Shrink {
        match self {
            _ if lambda == 0.0 => Shrink::None,
            PenaltyKind::L1 => Shrink::L1 { lambda },
            PenaltyKind::Mcp { b } => Shrink::Mcp { lambda, b },
        }
    }
}

/// The lambdas of a path, and how its steps differ.
#[derive(Clone, Debug)]
pub struct PenaltyPath {
    pub lambdas: Vec<f64>,
    pub kind: PenaltyKind,
    pub penalised: Vec<String>,
    /// The learning rate of every step but the first.
    pub step_lr: f64,
}

/// `count` numbers from `start` to `stop`, both included, and 0; sorted, without repeats.
pub fn linear_range(start: f64, stop: f64, count: usize) -> Vec<f64> {
    with_zero((0..count).map(|i| at(start, stop, count, i)))
}

/// Such a range whose logarithms are evenly spaced, and 0.
pub fn log_range(start: f64, stop: f64, count: usize) -> Vec<f64> {
    // The ends as they were given, which a logarithm and its inverse change in the last digit.
    let between = |i: usize| match i {
        0 => start,
        i if i + 1 == count => stop,
        i => at(start.ln(), stop.ln(), count, i).exp(),
    };
    with_zero((0..count).map(between))
}

fn at(start: f64, stop: f64, count: usize, i: usize) -> f64 {
    if i == 0 {
        start
    } else if i + 1 == count {
        stop
    } else {
        start + (stop - start) * i as f64 / (count.max(2) - 1) as f64
    }
}

fn with_zero(values: impl Iterator<Item = f64>) -> Vec<f64> {
    sorted(values.chain([0.0]).collect())
}

/// Ascending, without repeats.
pub fn sorted(mut lambdas: Vec<f64>) -> Vec<f64> {
    // 0 and -0 are one penalty.
    lambdas.iter_mut().for_each(|lambda| *lambda += 0.0);
    lambdas.sort_by(f64::total_cmp);
    lambdas.dedup();
    lambdas
}

/// The table of a path's finished steps.
pub const STEPS: &str = "path.tsv";

/// A step's folder.
pub fn step_folder(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("path_{index}"))
}

/// What every step of a path trains on, and where.
pub struct Steps<'a> {
    pub path: &'a PenaltyPath,
    pub settings: &'a TrainSettings,
    pub samples: &'a TrainingRows<'a>,
    /// The split and its rows' names, kept in each step's folder too.
    pub split: &'a Split,
    pub names: &'a [String],
    pub folder: &'a Path,
    pub config: &'a Config,
    pub device: &'a Device,
    pub reporter: &'a Reporter,
    pub tested: Tested<'a>,
    /// As of [`Trainer::begins`], of any step.
    pub begins: Begins<'a>,
}

impl Steps<'_> {
    /// Runs the whole path; steps that are finished are skipped, one that is not goes on.
    ///
    /// # Errors
    /// As [`Trainer::run`].
    pub fn run<T: Number>(&self, network: Network<T>, resume: bool) -> Result<()> {
        let path = self.path;
        let table = self.folder.join(STEPS);
        let mut rows = vec![Row::HEADER.to_string()];
        let mut tried = Vec::new();
        let Network {
            blueprint,
            layout,
            mut params,
        } = network;
        for (index, &lambda) in path.lambdas.iter().enumerate() {
            let step = step_folder(self.folder, index);
            std::fs::create_dir_all(&step).map_err(|e| Error::io(&step, e))?;
            remove_leftovers(&step)?;
            let mut config = self.config.clone();
            config.flags.insert("penalty_param".into(), lambda.into());
            config.write(&step)?;
            self.split.write(&step, self.names)?;
            let trainer = Trainer {
                model: &blueprint,
                samples: self.samples,
                settings: TrainSettings {
                    lr: if index == 0 {
                        self.settings.lr
                    } else {
                        path.step_lr
                    },
                    optimizer: OptimizerSettings::adamw(
                        path.kind.shrink(lambda),
                        path.penalised.clone(),
                    ),
                    ..self.settings.clone()
                },
                folder: &step,
                device: self.device,
                precision: config.precision,
                reporter: self.reporter,
                begins: &|| {
                    (self.begins)()?;
                    remove_if_there(&step.join(TEST))
                },
            };
            self.reporter.line(&format!(
                "path_{index} of {}: lambda {}",
                counted(path.lambdas.len(), "step"),
                rounded(lambda)
            ));
            let outcome = trainer.run(params, resume)?;
            if outcome.was_finished {
                self.reporter
                    .line(&format!("path_{index} is finished already"));
            }
            if !outcome.was_finished || !step.join(TEST).exists() {
                self.tested.write(&step, &config)?;
            }
            let file = step.join(BEST);
            let best = read(&file)?;
            rows.push(format!(
                "{index}\t{lambda:?}\t{}\t{:?}\t{}\t",
                outcome.best_epoch,
                outcome.best_loss,
                nonzero(&best, &path.penalised).nonzero
            ));
            tried.push(Tried {
                lambda,
                validation_loss: outcome.best_loss,
            });
            write_rows(&table, &rows)?;
            // The next step starts from this one's best.
            params = load(&layout, &best, &file)?;
        }
        self.mark(&table, &mut rows, &tried)?;
        self.reporter
            .line(&format!("all steps: {}", table.display()));
        Ok(())
    }

    /// Marks in the table of all steps which of them to go on with.
    fn mark(&self, table: &Path, rows: &mut [String], tried: &[Tried]) -> Result<()> {
        let lowest = |step| self.validation_error(&step_folder(self.folder, step));
        let mut failed = None;
        let picked = Picked::of(tried, |step| {
            lowest(step).unwrap_or_else(|error| {
                failed = Some(error);
                f64::NAN
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let Some(picked) = picked else { return Ok(()) };
        for (step, row) in rows.iter_mut().skip(1).enumerate() {
            row.push_str(&picked.mark(step));
        }
        self.reporter.line(&picked.describe(tried));
        if picked.min > 0 && picked.min + 1 == tried.len() {
            self.reporter.line(
                "note: the lowest loss is at the largest penalty: with larger ones fewer motifs may do as well or better",
            );
        }
        write_rows(table, rows)
    }

    /// The standard error of a step's mean validation loss, by blocks of neighbors where there are at least two, else by sequences.
    fn validation_error(&self, step: &Path) -> Result<f64> {
        let file = step.join(BEST);
        let model = SavedModel {
            config: Config::clone(self.config),
            weights: read(&file)?,
            file,
        };
        let (tested, rows) = (&self.tested, &self.split.validation);
        let found = model.predict(
            self.device,
            self.config.precision,
            tested.rows,
            rows,
            tested.batch_size,
            |_| {},
        )?;
        let found = found.to_f64();
        let losses = losses(&found, tested.dataset, rows);
        let error = standard_error(&losses, &blocks(tested.dataset, rows));
        let alone: Vec<usize> = (0..rows.len()).collect();
        // One validation sequence alone has no spread.
        Ok(error
            .or_else(|| standard_error(&losses, &alone))
            .unwrap_or(0.0))
    }
}

/// The mean squared error of each row, over the outputs that it has a signal of; `predictions`: rows x outputs.
fn losses(predictions: &[f64], dataset: &Dataset, rows: &[usize]) -> Vec<f64> {
    let width = dataset.outputs.len();
    let rows = rows.iter().zip(predictions.chunks_exact(width));
    rows.map(|(&row, predicted)| {
        let (a, b) = known(predicted, dataset.signals(row));
        mse(&a, &b)
    })
    .collect()
}

/// A finished step, as the table has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub step: usize,
    pub lambda: f64,
    /// Weights that the penalty has left.
    pub nonzero: usize,
    pub picked: Vec<String>,
}

impl Row {
    const HEADER: &str = "step\tlambda\tbest_epoch\tvalidation_loss\tnonzero\tpicked";
}

/// The steps of a finished path.
///
/// # Errors
/// A table that cannot be read, or is not one of a path.
pub fn read_rows(folder: &Path) -> Result<Vec<Row>> {
    let table = folder.join(STEPS);
    let text = read_text(&table)?;
    let mut lines = text.lines();
    if lines.next() != Some(Row::HEADER) {
        return Err(Error::format_at(
            &table,
            1,
            "not the table of a penalty path that this version wrote",
        ));
    }
    let row = |(number, line): (usize, &str)| {
        let fields: Vec<&str> = line.split('\t').collect();
        let row = match fields[..] {
            [step, lambda, _, _, nonzero, picked] => (|| {
                Some(Row {
                    step: step.parse().ok()?,
                    lambda: lambda.parse().ok()?,
                    nonzero: nonzero.parse().ok()?,
                    picked: picked.split(',').map(str::to_string).collect(),
                })
            })(),
            _ => None,
        };
        row.ok_or_else(|| {
            Error::format_at(&table, number as u64 + 2, "not a step of a penalty path")
        })
    };
    lines.enumerate().map(row).collect()
}

/// Writes the table of the steps so far; one that has these and more, or has marked them, of a run that is gone on with, stays until the
/// first new step is done.
fn write_rows(table: &Path, rows: &[String]) -> Result<()> {
    let text = rows.join("\n") + "\n";
    let same = |before: &str| {
        let mut before = before.lines();
        rows.iter().all(|row| {
            before
                .next()
                .is_some_and(|line| line.starts_with(row.as_str()))
        })
    };
    match std::fs::read_to_string(table) {
        Ok(before) if same(&before) => Ok(()),
        _ => write_atomic(table, |w| w.write_all(text.as_bytes())),
    }
}

/// Weights of some parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    pub all: usize,
    pub nonzero: usize,
}

/// How many weights of these parameters a penalty has left.
pub fn nonzero(state: &StateDict, names: &[String]) -> Weights {
    let mut found = Weights::default();
    for tensor in names.iter().filter_map(|name| state.get(name)) {
        let values = tensor.values.to_f64();
        found.all += values.len();
        found.nonzero += values.iter().filter(|weight| **weight != 0.0).count();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_more_steps_stays_and_one_of_another_path_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("path.tsv");
        let rows = ["step", "0\t", "1\t"].map(String::from);
        let text = || std::fs::read_to_string(&table).unwrap();
        write_rows(&table, &rows).unwrap();
        write_rows(&table, &rows[..2]).unwrap();
        assert_eq!(text(), "step\n0\t\n1\t\n");
        std::fs::write(&table, "step\n0.5\n").unwrap();
        write_rows(&table, &rows[..2]).unwrap();
        assert_eq!(text(), "step\n0\t\n");
    }

    #[test]
    fn ranges_hold_zero_and_both_ends_once() {
        assert_eq!(linear_range(0.0, 1.0, 3), [0.0, 0.5, 1.0]);
        assert_eq!(linear_range(0.2, 0.2, 1), [0.0, 0.2]);
        let log = log_range(0.001, 0.1, 3);
        assert_eq!(log.len(), 4);
        for (a, b) in log.iter().zip([0.0, 0.001, 0.01, 0.1]) {
            assert!((a - b).abs() <= 1e-15 * b, "{log:?}");
        }
        assert_eq!(log_range(0.1, 0.1, 1).len(), 2);
        assert_eq!(sorted(vec![0.3, 0.1, 0.3]), [0.1, 0.3]);
    }
}
