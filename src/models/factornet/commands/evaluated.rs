//! Scores of all windows of regions by a model, or by the models of an ensemble: their mean. Of a cross-validation each window is scored by
//! the models whose test regions it lies in.

use super::args::SharedArgs;
use super::members::{Group, Member, Members};
use super::probabilities::{Correction, PriorArgs};
use super::scored_windows::{Scorer, Window};
use super::train::{TEST, words};
use super::trained_on;
use crate::args::{Unannounced, say};
use crate::attribution::subjects::{Place, Subject};
use crate::data::Notes;
use crate::data::split::regions::Choice;
use crate::data::windows::WINDOW;
use crate::data::windows::bins::{Labeller, bins};
use crate::dna::bases::N;
use crate::engine::Device;
use crate::io::sources::Sources;
use crate::models::factornet::baselines::Rule;
use crate::models::factornet::cell_line::{CellFolder, Needed};
use crate::models::factornet::genome_inputs::{GenomeInputs, Wanted};
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::samples::placing::Placer;
use crate::numbers::descending;
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use crate::train::predictor::{BLOCK, Predictor};
use crate::{Error, Result};
use std::path::Path;

/// What is scored, and how.
pub(super) struct Asked<'a> {
    pub shared: &'a SharedArgs,
    /// The words of `-t`; none: the default, or of a cross-validation each model's own regions.
    pub regions: &'a [String],
    pub prior: PriorArgs,
    /// The cell line's folder, as it was named.
    pub inputdir: &'a Path,
    pub cell: CellFolder,
    /// Place among the model's outputs, and in the folder's list.
    pub factors: &'a [(usize, usize)],
    pub needed: Needed,
    pub rules: bool,
    pub device: &'a Unannounced,
    pub precision: Precision,
}

/// Windows with their scores.
pub(super) struct Evaluated {
    /// Names of the chromosomes, by number.
    pub chromosomes: Vec<String>,
    pub windows: Vec<Window>,
    /// By factor.
    pub labellers: Vec<Labeller>,
    /// By factor, by window: the mean over the models that score it.
    pub scores: Vec<Vec<f64>>,
    /// By model: the place of its first window, and by factor its own scores. Empty for a model alone.
    pub members: Vec<(usize, Vec<Vec<f64>>)>,
    /// Of all windows.
    pub rules: Vec<Rule>,
    /// By factor: tracks and GC together, where all models keep that rule.
    pub second: Vec<Option<Rule>>,
    /// The windows with the largest scores of the first factors.
    pub top: Vec<Top>,
}

/// A window with the largest score of a factor.
pub(super) struct Top {
    pub name: String,
    /// Where the input around it lies.
    pub place: Option<Place>,
    pub subject: Subject,
}

/// Factors of which the window with the largest score is kept.
const TOPS: usize = 4;

impl Asked<'_> {
    /// # Errors
    /// What is wrong with genome, tracks, peaks or regions; the device fails; [`Error::Interrupted`].
    pub fn evaluate<T: Number>(self, members: &Members) -> Result<Evaluated> {
        let files = self.shared.files()?;
        let sources = Sources::new();
        let described = &members.first().model.config.model;
        let network = &described.network;
        let mut notes = Notes::new();
        let genome = GenomeInputs::open(&files, &sources, network.length, &mut notes)?;
        let chromosomes = genome.chromosomes();
        let mut groups = Vec::new();
        for group in members.groups(!self.regions.is_empty()) {
            let default = words(self.regions, &TEST);
            let choice = Choice {
                flag: "-t",
                what: "test region",
                words: group.words.unwrap_or(&default),
                explicit: group.words.is_some() || !self.regions.is_empty(),
            };
            let regions = choice.regions(&sources, chromosomes, &mut notes)?;
            groups.push((group, regions));
        }
        let labellers = self
            .factors
            .iter()
            .map(|&(_, files)| {
                let files = &self.cell.factors[files];
                let peaks = files.peaks(self.needed, &sources, chromosomes, &mut notes)?;
                Ok(Labeller::new(&peaks, chromosomes.len()))
            })
            .collect::<Result<Vec<_>>>()?;
        let cells = [self.cell];
        let wanted = Wanted::of(described, self.shared.track_scale.as_deref());
        let inputs = genome.inputs(files.storage, &cells, &wanted, &mut notes)?;
        let annotations = genome.annotations(&files, &sources, described.gencode, &mut notes)?;
        let device = self.device.announce();
        say(&notes);
        let placer = Placer {
            chromosomes,
            blacklist: &genome.blacklist,
            annotations: annotations.as_ref(),
            cell: 0,
        };
        let mut windows: Vec<(Group<'_>, Vec<Window>)> = Vec::new();
        for (group, regions) in groups {
            let found = bins(&regions, &[&genome.blacklist.plain, &genome.unknown]);
            let default = words(self.regions, &TEST);
            if found.is_empty() {
                return Err(Error::invalid(format!(
                    "-t {}: no window of {WINDOW} bases there is off the blacklist and without N",
                    group.words.unwrap_or(&default).join(" ")
                )));
            }
            let mut told: Vec<String> = Vec::new();
            for member in &group.members {
                let config = &member.model.config;
                told.extend(trained_on::told(config, self.inputdir, &found, chromosomes));
            }
            told.dedup();
            say(&told);
            windows.push((group, found));
        }
        if self.shared.strict {
            let all = windows.iter().flat_map(|(_, windows)| windows);
            genome.check_held(&inputs, all.map(|&(chromosome, _)| chromosome))?;
        }
        // From here on a signal ends the work between two batches.
        interrupt::watch();
        let run = Run {
            inputs: &inputs,
            placer,
            factors: self.factors,
            shared: self.shared,
            device: &device,
            precision: self.precision,
        };
        let mut all = Evaluated {
            chromosomes: chromosomes.names().to_vec(),
            windows: Vec::new(),
            labellers,
            scores: vec![Vec::new(); self.factors.len()],
            members: Vec::new(),
            rules: Vec::new(),
            second: Vec::new(),
            top: Vec::new(),
        };
        for (group, windows) in windows {
            let first = all.windows.len();
            let mut rules = match self.rules {
                true => Rule::all(network),
                false => Vec::new(),
            };
            let mut sums = vec![vec![0.0; windows.len()]; self.factors.len()];
            for (place, member) in group.members.iter().enumerate() {
                let correction =
                    self.prior
                        .of(&member.model, member.kept.as_ref(), &member.folder)?;
                // Rules are the same for each of them.
                let rules = if place == 0 { &mut rules[..] } else { &mut [] };
                let scores = run.score::<T>(member, &correction, &windows, rules)?;
                for (sums, scores) in sums.iter_mut().zip(&scores) {
                    sums.iter_mut().zip(scores).for_each(|(sum, x)| *sum += x);
                }
                if members.is_ensemble {
                    all.members.push((first, scores));
                }
            }
            let share = 1.0 / group.members.len() as f64;
            for (scores, sums) in all.scores.iter_mut().zip(sums) {
                // One model's own scores stay as they are.
                scores.extend(sums.into_iter().map(|sum| sum * share));
            }
            let second = group.members[0].kept.as_ref();
            let second = second.and_then(|kept| kept.second_rule.as_ref());
            let second = second.filter(|_| self.rules);
            let second: Vec<Option<Rule>> = self
                .factors
                .iter()
                .map(|&(output, _)| second.map(|rule| rule.rule(network, output, &rules)))
                .collect();
            all.add_rules(rules, second);
            all.windows.extend(windows);
        }
        all.top = run.top(&all, network.length);
        Ok(all)
    }
}

impl Evaluated {
    /// Adds the rules' scores of more windows. A rule that some windows lack is none.
    fn add_rules(&mut self, rules: Vec<Rule>, second: Vec<Option<Rule>>) {
        if self.windows.is_empty() {
            (self.rules, self.second) = (rules, second);
            return;
        }
        for (all, more) in self.rules.iter_mut().zip(rules) {
            all.scores.extend(more.scores);
        }
        for (all, more) in self.second.iter_mut().zip(second) {
            match (all.as_mut(), more) {
                (Some(all), Some(more)) => all.scores.extend(more.scores),
                _ => *all = None,
            }
        }
    }
}

/// What all models of a command are run with.
struct Run<'a> {
    inputs: &'a Inputs,
    placer: Placer<'a>,
    factors: &'a [(usize, usize)],
    shared: &'a SharedArgs,
    device: &'a Device,
    precision: Precision,
}

impl Run<'_> {
    fn top(&self, all: &Evaluated, length: usize) -> Vec<Top> {
        let chromosomes = self.placer.chromosomes;
        let of = |scores: &Vec<f64>| {
            let best = (0..scores.len()).min_by(|&a, &b| descending(scores[a], scores[b]))?;
            let (chromosome, start) = all.windows[best];
            let sample = self.placer.window((chromosome, start));
            let mut codes = vec![N; length];
            let mut tracks = vec![0.0; self.inputs.tracks() * length];
            let mut meta = vec![0.0; self.inputs.meta()];
            self.inputs
                .fill_parts(&sample, &mut codes, &mut tracks, &mut meta);
            let dense = [tracks, meta].into_iter();
            let name = chromosomes.name(chromosome);
            let first = sample.middle - (length / 2) as i64;
            Some(Top {
                name: format!("{name}:{start}-{}", start + WINDOW),
                place: u64::try_from(first).ok().map(|start| Place {
                    chromosome: name.to_string(),
                    start,
                }),
                subject: Subject {
                    codes,
                    dense: dense.filter(|values| !values.is_empty()).collect(),
                },
            })
        };
        all.scores.iter().take(TOPS).filter_map(of).collect()
    }

    /// By factor, the scores of windows.
    fn score<T: Number>(
        &self,
        member: &Member,
        correction: &Correction,
        windows: &[Window],
        rules: &mut [Rule],
    ) -> Result<Vec<Vec<f64>>> {
        let network = &member.model.config.model.network;
        let mut predictor = Predictor::new(
            self.device,
            self.precision,
            network,
            member.model.parameters::<T>()?,
            self.inputs,
            self.shared.batch_size(),
            windows.len().min(BLOCK),
        )?;
        let label = format!("scoring with {}", member.folder.display());
        let bar = Reporter::new().bar(&label, windows.len(), "windows");
        let mut scores: Vec<Vec<f64>> = vec![Vec::with_capacity(windows.len()); self.factors.len()];
        let mut scorer = Scorer {
            predictor: &mut predictor,
            network,
            inputs: self.inputs,
            placer: Placer { ..self.placer },
            bar: &bar,
        };
        scorer.score(windows, rules, |row| {
            for (&(output, _), scores) in self.factors.iter().zip(&mut scores) {
                scores.push(correction.apply(output, row[output].f64()));
            }
        })?;
        bar.finish();
        Ok(scores)
    }
}
