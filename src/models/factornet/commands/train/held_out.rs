//! The end of training: all windows of the validation regions, which say what a score stands for (training's samples are balanced, they do
//! not), and the second simple rule, of training windows.

use crate::data::regions::Regions;
use crate::data::windows::WINDOW;
use crate::data::windows::bins::{Labeller, State, bins};
use crate::engine::Device;
use crate::metrics::classification::Ranked;
use crate::metrics::curves::Curve;
use crate::metrics::empirical_p::Sorted;
use crate::metrics::false_discovery::Thresholds;
use crate::metrics::isotonic::Isotonic;
use crate::models::factornet::baselines::Rule;
use crate::models::factornet::commands::beside_rules::{self, beside};
use crate::models::factornet::commands::scored_windows::{Known, Scorer, Window, stretches};
use crate::models::factornet::samples::placing::Placer;
use crate::models::factornet::samples::source::TaskSamples;
use crate::models::factornet::saved::{FactorNet, open};
use crate::models::factornet::scores::{self, Found, OfFactor, Scores};
use crate::models::factornet::second_rule::SecondRule;
use crate::numbers::counted;
use crate::report::progress::Reporter;
use crate::train::batch::{Samples, Source};
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use crate::train::predictor::{BLOCK, Predictor};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The windows of the validation regions in each cell line of validation, with what its peaks say of them.
pub(super) struct HeldOut<'a> {
    placer: Placer<'a>,
    /// The same in each cell line.
    windows: Vec<Window>,
    cells: Vec<HeldCell>,
}

struct HeldCell {
    /// Among the cell lines of the samples.
    number: u32,
    folder: PathBuf,
    /// By factor and window.
    states: Vec<Vec<State>>,
}

/// A cell line of validation: its number among those of the samples, its folder, its factors' peaks.
pub(super) type Labelled = (u32, PathBuf, Vec<Labeller>);

impl<'a> HeldOut<'a> {
    /// `regions`: those of validation; `unknown`: N in the genome.
    pub fn new(
        placer: Placer<'a>,
        regions: &Regions,
        unknown: &Regions,
        cells: Vec<Labelled>,
    ) -> HeldOut<'a> {
        let windows = bins(regions, &[&placer.blacklist.plain, unknown]);
        let cells = cells.into_iter().map(|(number, folder, labellers)| {
            let states = labellers.iter().map(|labeller| {
                let states = windows.iter().map(|&window| labeller.state(window));
                states.collect()
            });
            HeldCell {
                number,
                folder,
                states: states.collect(),
            }
        });
        HeldOut {
            cells: cells.collect(),
            placer,
            windows,
        }
    }

    /// `--calibrate`: there is something to fit for each factor.
    ///
    /// # Errors
    /// A factor without a bound window, or with nothing else.
    pub fn check_bound(&self, factors: &[String]) -> Result<()> {
        for (factor, name) in factors.iter().enumerate() {
            let known = self.known(factor).labels;
            let bound = known.iter().filter(|&&bound| bound).count();
            if bound == 0 || bound == known.len() {
                return Err(Error::invalid(format!(
                    "--calibrate: {name}: of {} of {WINDOW} bases in the validation regions {}, so there is nothing to fit: choose other regions with -v, or leave --calibrate out",
                    counted(known.len(), "window"),
                    if bound == 0 {
                        "none is bound"
                    } else {
                        "all are bound"
                    }
                )));
            }
        }
        Ok(())
    }

    fn known(&self, factor: usize) -> Known {
        let states = self.cells.iter();
        Known::new(states.flat_map(|cell| cell.states[factor].iter().copied()))
    }

    /// By window of all cell lines the number of its block. Cell lines have the same blocks: they are as near as neighbors.
    fn blocks(&self) -> Vec<u32> {
        let windows = self.cells.iter().flat_map(|_| self.windows.iter().copied());
        stretches(windows, beside_rules::BLOCK)
    }
}

/// What the end of training works with.
pub(super) struct End<'a> {
    pub folder: &'a Path,
    pub known: Kinds<'a>,
    pub samples: &'a TaskSamples<'a>,
    pub held: &'a HeldOut<'a>,
    pub device: &'a Device,
    pub batch_size: usize,
    pub seed: u64,
    pub reporter: &'a Reporter,
}

impl End<'_> {
    /// Writes scores.json, unless the folder's is of its best weights and holds all that is wanted.
    ///
    /// # Errors
    /// The weights cannot be read, the file not be written; [`Error::Interrupted`].
    pub fn run<T: Number>(&self) -> Result<()> {
        let model = open(self.folder, self.known)?;
        let calibrate = model.config.flags.contains_key(scores::CALIBRATE);
        // One that is damaged is made again.
        if let Ok(Found::Scores(scores)) = Scores::find(self.folder, &model.config.model)
            && (scores.calibrated() || !calibrate)
        {
            return Ok(());
        }
        self.made::<T>(&model, calibrate)?.write(self.folder)
    }

    fn made<T: Number>(&self, model: &FactorNet, calibrate: bool) -> Result<Scores> {
        let described = &model.config.model;
        let network = &described.network;
        let (probabilities, rules) = self.scored::<T>(model)?;
        let second_rule = self.second_rule(model)?;
        let blocks = self.held.blocks();
        let mut factors = Vec::new();
        for (factor, (name, scores)) in described.factors.iter().zip(&probabilities).enumerate() {
            let known = self.held.known(factor);
            let scores = known.of(scores);
            let ranked = Ranked::new(&scores, &known.labels)?;
            let second = second_rule.as_ref();
            let second = second.map(|rule| rule.rule(network, factor, &rules));
            let beside = beside(
                &ranked,
                rules.iter().chain(&second),
                &known,
                &blocks,
                self.seed,
            )?;
            let own = ranked.measures().auprc;
            let of_rules = beside
                .iter()
                .map(|b| format!("{} {:.4}", b.rule.name, b.auprc));
            self.reporter.line(&format!(
                "{name}: {} of the validation regions, {} bound: auPRC {own:.4}; of rules: {}",
                counted(scores.len(), "window"),
                ranked.positives(),
                of_rules.collect::<Vec<_>>().join(", ")
            ));
            for line in beside_rules::told(name, own, &beside) {
                self.reporter.line(&line);
            }
            factors.push(OfFactor {
                name: name.clone(),
                windows: scores.len() as u64,
                bound: ranked.positives(),
                thresholds: Thresholds::of(&Curve::new(&scores, &known.labels)),
                peaks: {
                    let bound = scores
                        .iter()
                        .zip(&known.labels)
                        .filter(|(_, bound)| **bound);
                    Sorted::new(bound.map(|(score, _)| *score as f32).collect()).thinned()
                },
                calibration: match calibrate {
                    true => Isotonic::fit(&scores, &known.labels),
                    false => None,
                },
            });
        }
        let cells = self.held.cells.iter().map(|cell| cell.folder.clone());
        Scores::new(self.folder, cells.collect(), second_rule, factors)
    }

    /// The windows' probabilities by factor, and the rules' scores.
    fn scored<T: Number>(&self, model: &FactorNet) -> Result<(Vec<Vec<f64>>, Vec<Rule>)> {
        let held = self.held;
        let network = &model.config.model.network;
        let inputs = &self.samples.inputs;
        let mut probabilities = vec![Vec::new(); network.factors];
        let mut rules = Rule::all(network);
        if held.windows.is_empty() {
            self.reporter.line(&format!(
                "no window of {WINDOW} bases in the validation regions is off the blacklist and without N: there are no thresholds"
            ));
            return Ok((probabilities, rules));
        }
        let all = held.windows.len() * held.cells.len();
        let bar = self
            .reporter
            .bar("scoring validation regions", all, "windows");
        let mut predictor = Predictor::new(
            self.device,
            model.config.precision,
            network,
            model.parameters::<T>()?,
            inputs,
            self.batch_size,
            held.windows.len().min(BLOCK),
        )?;
        for cell in &held.cells {
            let mut scorer = Scorer {
                predictor: &mut predictor,
                network,
                inputs,
                placer: Placer {
                    cell: cell.number,
                    ..held.placer
                },
                bar: &bar,
            };
            let found = scorer.score(&held.windows, &mut rules, |row| {
                let columns = probabilities.iter_mut().zip(row);
                columns.for_each(|(column, p)| column.push(p.f64()));
            });
            found.inspect_err(|e| {
                if matches!(e, Error::Interrupted) {
                    self.reporter.line("training is finished; with --resume the same command scores the validation regions, which is what is left of it");
                }
            })?;
        }
        bar.finish();
        Ok((probabilities, rules))
    }

    /// Of the windows of the first epoch.
    fn second_rule(&self, model: &FactorNet) -> Result<Option<SecondRule>> {
        let network = &model.config.model.network;
        let (windows, _) = self.samples.epoch(0)?;
        let mut targets = vec![0.0; windows.len() * network.factors];
        for (window, targets) in windows.iter().zip(targets.chunks_mut(network.factors)) {
            self.samples.targets(window, targets);
        }
        Ok(SecondRule::fit(
            network,
            &self.samples.inputs,
            &windows,
            &targets,
        ))
    }
}
