//! How well a model's predictions agree with the signals: the table of `test`, and what a training run keeps of its test sequences.

use super::baselines::Baseline;
use super::beside_rules::{beside, told};
use super::config::Config;
use super::members::SPREAD;
use super::samples::Rows;
use super::saved::SavedModel;
use crate::args::Digits;
use crate::data::dataset::Dataset;
use crate::engine::Device;
use crate::io::atomic::write_atomic;
use crate::io::state_dict::read;
use crate::io::text::read_text;
use crate::metrics::empirical_p::Sorted;
use crate::metrics::regression::{known, mse, pearson, spearman};
use crate::numbers::counted;
use crate::report::progress::Reporter;
use crate::train::folder::{BEST, LAST};
use crate::train::interrupt::stopped;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;

/// A training run's test losses.
pub const TEST: &str = "test.tsv";

/// Agreement in an output, or in all of them together.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub output: String,
    pub mse: f64,
    pub pearson: f64,
    pub spearman: f64,
    /// Those with a signal in this output; with any, of all outputs together.
    pub sequences: usize,
}

impl Score {
    pub const COLUMNS: &str = "output\tmse\tpearson\tspearman\tsequences";

    /// A line under [`Score::COLUMNS`].
    pub fn line(&self, digits: Digits) -> String {
        let [mse, pearson, spearman] =
            [self.mse, self.pearson, self.spearman].map(|number| digits.of(number));
        let Score {
            output, sequences, ..
        } = self;
        format!("{output}\t{mse}\t{pearson}\t{spearman}\t{sequences}")
    }
}

/// Of each output, then of all numbers together (`all`); both tables are rows x outputs. Signals that are missing, NaN, are in no
/// score.
pub fn scores(outputs: &[String], predictions: &[f64], signals: &[f64]) -> Vec<Score> {
    let column = |values: &[f64], o: usize| -> Vec<f64> {
        values
            .iter()
            .skip(o)
            .step_by(outputs.len())
            .copied()
            .collect()
    };
    let score = |output: &str, predictions: &[f64], signals: &[f64]| {
        let (a, b) = known(predictions, signals);
        Score {
            output: output.to_string(),
            mse: mse(&a, &b),
            pearson: pearson(&a, &b),
            spearman: spearman(&a, &b),
            sequences: a.len(),
        }
    };
    let each = outputs.iter().enumerate();
    let each = each.map(|(o, name)| score(name, &column(predictions, o), &column(signals, o)));
    let rows = signals.chunks(outputs.len().max(1));
    let rows = rows.filter(|row| row.iter().any(|signal| !signal.is_nan()));
    let all = Score {
        sequences: rows.count(),
        ..score("all", predictions, signals)
    };
    each.chain([all]).collect()
}

/// What an output must not be called, since tables have rows or columns of that name beside the outputs'; None where all
/// names are plain.
pub fn misleading(outputs: &[String]) -> Option<String> {
    const OWN: [&str; 3] = ["all", "overall", "lambda"];
    let own = outputs.iter().find(|name| OWN.contains(&name.as_str()));
    if let Some(name) = own {
        return Some(format!(
            "an output is called '{name}', as is a row or a column of the tables of results that is about all outputs (all, overall) or the penalty (lambda): give it another name"
        ));
    }
    let of_another = |name: &&String| {
        let ends = [MEASURED, SPREAD].into_iter();
        let mut predicted = ends.filter_map(|end| name.strip_suffix(end));
        predicted.any(|predicted| outputs.iter().any(|name| name == predicted))
    };
    let name = outputs.iter().find(of_another)?;
    Some(format!(
        "an output is called '{name}', as is the column of measured values, or of an ensemble's spread, in a table of predictions: give it another name"
    ))
}

/// Behind an output's name: its measured values, in a table of predictions.
pub const MEASURED: &str = ".measured";

/// What the rules of [`baselines`](super::baselines) say of a training run's test sequences.
pub const BASELINES: &str = "baselines.tsv";

/// What the best weights predict for the test sequences: for each output some of the predictions, in rising order.
pub const QUANTILES: &str = "quantiles.tsv";

/// Those of a model folder; None where there are none, as of models of earlier versions and of converted ones.
///
/// # Errors
/// A file that cannot be read, or is of other outputs.
pub fn read_quantiles(folder: &Path, outputs: &[String]) -> Result<Option<Vec<Vec<f32>>>> {
    let path = folder.join(QUANTILES);
    // Training that goes on takes the other file away.
    if !path.exists() || !folder.join(TEST).exists() {
        return Ok(None);
    }
    let text = read_text(&path)?;
    let mut lines = text.lines();
    let wrong = |line: u64, what: &str| Error::format_at(&path, line, what.to_string());
    if !lines.next().unwrap_or_default().split('\t').eq(outputs) {
        return Err(wrong(
            1,
            "other outputs than the model's; remove the file, or train the model again",
        ));
    }
    let mut columns = vec![Vec::new(); outputs.len()];
    for (line, number) in lines.zip(2..) {
        let mut fields = line.split('\t');
        for column in &mut columns {
            let field = fields.next().and_then(|field| field.parse().ok());
            column.push(field.ok_or_else(|| wrong(number, "expected a number for each output"))?);
        }
    }
    Ok(Some(columns))
}

/// The test sequences of a training run.
#[derive(Clone, Copy)]
pub struct Tested<'a> {
    pub rows: Rows<'a>,
    pub dataset: &'a Dataset,
    pub test: &'a [usize],
    /// What simple rules say of the same sequences.
    pub rules: &'a dyn Fn() -> Arc<Vec<Baseline>>,
    pub batch_size: usize,
    pub device: &'a Device,
    pub reporter: &'a Reporter,
}

impl Tested<'_> {
    /// Writes `test.tsv` into a finished model's folder and says the losses: of the last weights, which the original prints, and of the
    /// best by validation, over all test sequences.
    ///
    /// # Errors
    /// The device fails; a file that cannot be read or written; [`Error::Interrupted`].
    pub fn write(&self, folder: &Path, config: &Config) -> Result<()> {
        let outputs = &config.model.outputs;
        let signals: Vec<f64> = self
            .test
            .iter()
            .flat_map(|&row| self.dataset.signals(row))
            .copied()
            .collect();
        let mut lines = vec![format!("weights\t{}", Score::COLUMNS)];
        let mut losses = Vec::new();
        let mut best = (Vec::new(), Vec::new());
        for (name, file) in [("last", LAST), ("best", BEST)] {
            let file = folder.join(file);
            let model = SavedModel {
                config: config.clone(),
                weights: read(&file)?,
                file,
            };
            let bar = self.reporter.bar("testing", self.test.len(), "sequences");
            let found = model.predict(
                self.device,
                config.precision,
                self.rows,
                self.test,
                self.batch_size,
                |n| bar.advance(n),
            );
            let found = found.map_err(|error| match error {
                Error::Interrupted => stopped(folder, self.reporter),
                error => error,
            })?;
            bar.finish();
            let found = found.to_f64();
            let scores = scores(outputs, &found, &signals);
            best = (found, scores.iter().map(|score| score.mse).collect());
            losses.extend(scores.last().map(|all| all.mse));
            let line = |score: &Score| format!("{name}\t{}", score.line(Digits::All));
            lines.extend(scores.iter().map(line));
        }
        if let [last, best] = losses[..] {
            self.reporter.line(&format!(
                "test loss {last:.5} with the last weights, {best:.5} with the best by validation, {}",
                counted(self.test.len(), "sequence")
            ));
        }
        let baselines = (self.rules)();
        if !baselines.is_empty() {
            self.write_baselines(folder, &signals, &baselines)?;
        }
        write_quantiles(folder, outputs, &best.0)?;
        // Last: where it is, all of this was done.
        write_atomic(folder.join(TEST), |w| writeln!(w, "{}", lines.join("\n")))?;
        let (predictions, losses) = best;
        let beside = beside(self.dataset, self.test, &predictions, &baselines);
        for line in told(outputs, &losses, &beside, &baselines) {
            self.reporter.line(&line);
        }
        Ok(())
    }

    /// The same table of the rules.
    fn write_baselines(
        &self,
        folder: &Path,
        signals: &[f64],
        baselines: &[Baseline],
    ) -> Result<()> {
        let outputs = &self.dataset.outputs;
        let mut lines = vec![format!("baseline\t{}", Score::COLUMNS)];
        for baseline in baselines {
            let line = |score: &Score| {
                let line = score.line(Digits::All);
                format!("{}\t{line}", baseline.name)
            };
            lines.extend(
                scores(outputs, &baseline.predictions, signals)
                    .iter()
                    .map(line),
            );
        }
        write_atomic(folder.join(BASELINES), |w| {
            writeln!(w, "{}", lines.join("\n"))
        })
    }
}

/// `predictions`: sequences x outputs.
fn write_quantiles(folder: &Path, outputs: &[String], predictions: &[f64]) -> Result<()> {
    let column = |output: usize| {
        let own = predictions.iter().skip(output).step_by(outputs.len());
        Sorted::new(own.map(|&x| x as f32).collect()).thinned()
    };
    let columns: Vec<Vec<f32>> = (0..outputs.len()).map(column).collect();
    let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
    write_atomic(folder.join(QUANTILES), |w| {
        writeln!(w, "{}", outputs.join("\t"))?;
        for row in 0..rows {
            let fields: Vec<String> = columns.iter().map(|c| c[row].to_string()).collect();
            writeln!(w, "{}", fields.join("\t"))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_tables_own_rows_and_columns_mislead() {
        let found =
            |names: &[&str]| misleading(&names.iter().map(|n| n.to_string()).collect::<Vec<_>>());
        for names in [
            &["B", "all"][..],
            &["overall"],
            &["lambda", "B"],
            &["B", "B.measured"],
            &["B.sd", "B"],
        ] {
            assert!(found(names).is_some(), "{names:?}");
        }
        assert_eq!(found(&["B", "All", "T.measured"]), None);
    }

    #[test]
    fn all_is_over_every_number_of_every_output() {
        let outputs = ["a", "b"].map(String::from);
        let found = scores(&outputs, &[1.0, 0.0, 2.0, 0.0], &[1.0, 1.0, 4.0, 3.0]);
        let losses: Vec<f64> = found.iter().map(|s| s.mse).collect();
        assert_eq!(losses, [2.0, 5.0, 3.5]);
        assert_eq!(found[2].output, "all");
        assert!((found[0].pearson - 1.0).abs() < 1e-12 && found[1].pearson.is_nan());
        let line = found[1].line(Digits::All);
        assert!(
            line.starts_with("b\t5\t") && line.ends_with("\t2"),
            "{line}"
        );
    }

    #[test]
    fn missing_signals_are_in_no_score() {
        let outputs = ["a", "b"].map(String::from);
        let nan = f64::NAN;
        let predictions = [1.0, 5.0, 2.0, 0.0, 3.0, 2.0];
        let found = scores(&outputs, &predictions, &[2.0, nan, nan, nan, 5.0, 2.5]);
        let counts: Vec<usize> = found.iter().map(|score| score.sequences).collect();
        assert_eq!(counts, [2, 1, 2]);
        let losses: Vec<f64> = found.iter().map(|score| score.mse).collect();
        assert_eq!(losses, [2.5, 0.25, 5.25 / 3.0]);
        assert!((found[0].pearson - 1.0).abs() < 1e-12 && found[1].pearson.is_nan());
    }
}
