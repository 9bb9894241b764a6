//! `cisgrad compare` of tiSFM models: Pearson's r of each output on the sequences that test them.

use super::data_args::DataArgs;
use super::model_args::files_of_run;
use crate::args::compare_args::CompareArgs;
use crate::args::outputs;
use crate::data::dataset::Dataset;
use crate::data::split::folds::blocks;
use crate::data::split::rows::Split;
use crate::metrics::blocks::FEWEST_BLOCKS;
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
    /// By output of the first entrant, which of its own outputs that is.
    outputs: Vec<usize>,
}

impl Entrant {
    fn open(path: &Path, own: &Args, known: Kinds) -> Result<Entrant> {
        let members = Members::open(path, known)?;
        let data = DataArgs {
            no_flags: true,
            ..DataArgs::default()
        };
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
            outputs: (0..dataset.outputs.len()).collect(),
            members,
            dataset,
        })
    }

    /// Every row that tests one of its models, by name.
    fn tested(&self) -> HashMap<&str, usize> {
        let rows = self.rows.iter().flatten();
        rows.map(|&row| (self.dataset.names[row].as_str(), row))
            .collect()
    }

    /// A row's signals in the first entrant's order of the outputs.
    fn signals(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        let signals = self.dataset.signals(row);
        self.outputs.iter().map(|&output| signals[output])
    }

    /// Takes the outputs in the first entrant's order.
    ///
    /// # Errors
    /// Other outputs or other rows than the first's, or other signals or bases of the same.
    fn check_same(&mut self, first: &Entrant) -> Result<()> {
        let both = format!("{} and {}", self.path.display(), first.path.display());
        let refused = |what: String| Err(Error::invalid(format!("{both} {what}")));
        let outputs = |of: &Entrant| of.dataset.outputs.join(", ");
        let theirs = &self.dataset.outputs;
        let place = |name| theirs.iter().position(|own| own == name);
        let places: Option<Vec<usize>> = first.dataset.outputs.iter().map(place).collect();
        match places {
            Some(places) if theirs.len() == places.len() => self.outputs = places,
            _ => {
                return refused(format!(
                    "have not the same outputs: {} and {}",
                    outputs(self),
                    outputs(first)
                ));
            }
        }
        let (own, other) = (self.tested(), first.tested());
        let missing = |a: &HashMap<&str, usize>, b: &HashMap<&str, usize>| {
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
        let mut pairs: Vec<(&str, usize, usize)> = own
            .iter()
            .map(|(name, &row)| (*name, row, other[name]))
            .collect();
        pairs.sort_unstable();
        for (name, row, of_first) in pairs {
            let same = |(a, b): (f64, f64)| a == b || a.is_nan() && b.is_nan();
            if !self.signals(row).zip(first.signals(of_first)).all(same) {
                return refused(format!(
                    "have other signals of the same sequence, {name}: they were trained on other tables, and figures of one do not compare with those of the other"
                ));
            }
            if self.dataset.codes(row) != first.dataset.codes(of_first) {
                return refused(format!(
                    "have other bases of the sequence called {name}: they were trained on other sequences, and figures of one do not compare with those of the other"
                ));
            }
        }
        Ok(())
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
    let mut entrants: Vec<Entrant> = entrants.collect::<Result<_>>()?;
    if let Some((first, others)) = entrants.split_first_mut() {
        others
            .iter_mut()
            .try_for_each(|other| other.check_same(first))?;
    }
    let first = &entrants[0];
    let models = entrants.iter().flat_map(|entrant| &entrant.members.models);
    let read: Vec<PathBuf> = models.flat_map(files_of_run).collect();
    outputs::check(&given.outputs(), &read)?;
    let (precision, device) = given.open(first.members.first().config.precision)?;
    let device = device.announce();
    first.members.first().config.model.tell_transform();
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
                let own = entrant.outputs[output];
                let predictions = values.iter().skip(own).step_by(outputs.len());
                let mut of = Predicted::default();
                for (&row, &prediction) in rows.iter().zip(predictions) {
                    let signal = dataset.signals(row)[own];
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
    if draws.count < FEWEST_BLOCKS {
        tell!(
            "warning: the test sequences lie in {} of 1 Mb: there are no intervals with fewer than {FEWEST_BLOCKS}",
            counted(draws.count, "block")
        );
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
