//! `cisgrad compare` of tiSFM models: Pearson's r of each output on the sequences that test them.

use super::data_args::DataArgs;
use super::model_args::files_of_run;
use crate::args::compare_args::CompareArgs;
use crate::args::outputs;
use crate::data::dataset::Dataset;
use crate::data::split::folds::blocks;
use crate::data::split::rows::Split;
use crate::metrics::comparison::{Comparison, Draws, Figures, Predicted, correlations};
use crate::models::tisfm::members::Members;
use crate::models::tisfm::samples::Rows;
use crate::numbers::counted;
use crate::report::progress::Reporter;
use crate::train::interrupt;
use crate::train::model::Kinds;
use crate::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(next_help_heading = "Of tiSFM models")]
#[group(skip)]
pub struct Args {
    /// Compare on the validation sequences instead of those of the test
    #[arg(long)]
    use_validation: bool,
}

impl Args {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        self.use_validation
            .then_some("--use-validation")
            .into_iter()
            .collect()
    }
}

/// A model, or an ensemble, with what it is compared on.
struct Entrant {
    path: PathBuf,
    members: Members,
    dataset: Dataset,
    /// By member.
    rows: Vec<Vec<usize>>,
}

impl Entrant {
    fn open(path: &Path, own: &Args, known: Kinds) -> Result<Entrant> {
        let members = Members::open(path, known)?;
        let data = DataArgs::default();
        let dataset = data.dataset(members.first(), None)?;
        let rows = members.models.iter().map(|model| {
            let Split {
                validation, test, ..
            } = data.split(model, &dataset)?;
            Ok(if own.use_validation { validation } else { test })
        });
        Ok(Entrant {
            path: path.to_path_buf(),
            rows: rows.collect::<Result<_>>()?,
            members,
            dataset,
        })
    }

    /// The signals of every row that tests one of its models, by name.
    fn tested(&self) -> HashMap<&str, &[f64]> {
        let rows = self.rows.iter().flatten();
        rows.map(|&row| (self.dataset.names[row].as_str(), self.dataset.signals(row)))
            .collect()
    }

    /// # Errors
    /// Other outputs or other rows than the first's, or other signals of the same.
    fn check_same(&self, first: &Entrant) -> Result<()> {
        let (own, other) = (self.path.display(), first.path.display());
        let refused = |what: String| Err(Error::invalid(format!("{own} and {other} {what}")));
        let outputs = |of: &Entrant| of.dataset.outputs.join(", ");
        if self.dataset.outputs != first.dataset.outputs {
            return refused(format!(
                "have not the same outputs: {} and {}",
                outputs(self),
                outputs(first)
            ));
        }
        let (own, other) = (self.tested(), first.tested());
        let missing = |a: &HashMap<&str, &[f64]>, b: &HashMap<&str, &[f64]>| {
            let mut missing: Vec<String> = a
                .keys()
                .filter(|name| !b.contains_key(*name))
                .map(|n| n.to_string())
                .collect();
            missing.sort_unstable();
            missing
                .into_iter()
                .next()
                .map(|name| (name, a.len(), b.len()))
        };
        if let Some((name, a, b)) = missing(&own, &other).or_else(|| missing(&other, &own)) {
            return refused(format!(
                "are not tested on the same sequences: {name} is among the {a} of one and not among the {b} of the other; models are compared on the same test sequences (give both the same split or folds)"
            ));
        }
        let differs = own.iter().find(|(name, signals)| {
            let same = |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan();
            !signals.iter().zip(other[*name]).all(same)
        });
        match differs {
            Some((name, _)) => refused(format!(
                "have other signals of the same sequence, {name}: they were trained on other tables, and figures of one do not compare with those of the other"
            )),
            None => Ok(()),
        }
    }

    /// What tells one of its models from the others: seed and split.
    fn keys(&self) -> Vec<(u64, Vec<usize>)> {
        let seed = |flags: &serde_json::Map<String, Value>| {
            flags
                .get("seed")
                .and_then(Value::as_u64)
                .unwrap_or_default()
        };
        let models = self.members.models.iter().zip(&self.rows);
        models
            .map(|(model, rows)| (seed(&model.config.flags), rows.clone()))
            .collect()
    }
}

pub fn run(given: &CompareArgs, own: &Args, known: Kinds) -> Result<Comparison> {
    let entrants = given
        .models
        .iter()
        .map(|path| Entrant::open(path, own, known));
    let entrants: Vec<Entrant> = entrants.collect::<Result<_>>()?;
    let first = &entrants[0];
    entrants[1..]
        .iter()
        .try_for_each(|other| other.check_same(first))?;
    let models = entrants.iter().flat_map(|entrant| &entrant.members.models);
    let read: Vec<PathBuf> = models.flat_map(files_of_run).collect();
    outputs::check(&given.outputs(), &read)?;
    let (precision, device) = given.open(first.members.first().config.precision)?;
    let device = device.announce();
    // From here on a signal ends the work between two batches.
    interrupt::watch();
    // Blocks by the first one's rows, by name: the others may hold them in another order.
    let all: Vec<usize> = (0..first.dataset.len()).collect();
    let of_name: HashMap<&str, usize> = first
        .dataset
        .names
        .iter()
        .map(String::as_str)
        .zip(blocks(&first.dataset, &all))
        .collect();
    // Numbered anew: of those that hold tested rows.
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    for row in first.rows.iter().flatten() {
        let next = numbers.len();
        numbers
            .entry(of_name[first.dataset.names[*row].as_str()])
            .or_insert(next);
    }
    let keys = first.keys();
    let paired = keys.len() > 1 && entrants[1..].iter().all(|entrant| entrant.keys() == keys);
    let draws = Draws::new(numbers.len(), paired.then_some(keys.len()), given.seed);
    let outputs = &first.dataset.outputs;
    let mut figures: Vec<Vec<Figures>> = Vec::new();
    for entrant in &entrants {
        let dataset = &entrant.dataset;
        let samples = Rows {
            codes: &dataset.codes,
            targets: &[],
            length: dataset.length,
        };
        let label = format!("predicting with {}", entrant.path.display());
        let count = entrant.rows.iter().map(Vec::len).sum();
        let bar = Reporter::new().bar(&label, count, "sequences");
        let mut predicted: Vec<Vec<f64>> = Vec::new();
        for (model, rows) in entrant.members.models.iter().zip(&entrant.rows) {
            let size = given.batch_size;
            let found =
                model.predict(&device, precision, samples, rows, size, |n| bar.advance(n))?;
            predicted.push(found.to_f64());
        }
        bar.finish();
        let of_output = |output: usize| {
            let members = predicted.iter().zip(&entrant.rows).map(|(values, rows)| {
                let predictions = values.iter().skip(output).step_by(outputs.len());
                let mut of = Predicted::default();
                for (&row, &prediction) in rows.iter().zip(predictions) {
                    let signal = dataset.signals(row)[output];
                    // A signal that is missing says nothing.
                    if !signal.is_nan() {
                        of.predictions.push(prediction);
                        of.signals.push(signal);
                        of.blocks
                            .push(numbers[&of_name[dataset.names[row].as_str()]]);
                    }
                }
                of
            });
            correlations(&members.collect::<Vec<_>>(), &draws)
        };
        figures.push((0..outputs.len()).map(of_output).collect());
    }
    if draws.count < 2 {
        tell!("warning: all test sequences lie in one block of 1 Mb: there are no intervals");
    }
    tell!(
        "Pearson's r on {} in {} of 1 Mb; intervals: 95 % of 1,000 resamples of the blocks{}",
        counted(first.tested().len(), "sequence"),
        counted(draws.count, "block"),
        match paired {
            true => " and of the pairs of models with the same seed and fold",
            false => "",
        }
    );
    Ok(Comparison::new("r", &given.names(), outputs, &figures))
}
