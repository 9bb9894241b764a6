//! `cisgrad compare` of FactorNet models: auPRC of each factor over all windows of the regions that test them.

use super::evaluate::{STRETCH, factors};
use super::evaluated::{Asked, Evaluated};
use super::members::{Member, Members};
use super::of_run::{OfRun, of_run};
use super::outputs;
use super::probabilities::PriorArgs;
use super::scored_windows::{Known, Window, stretches};
use super::tested_on::TestedOn;
use super::trained_on::test_words;
use crate::args::Unannounced;
use crate::args::compare_args::CompareArgs;
use crate::args::outputs::check;
use crate::metrics::classification::Ranked;
use crate::metrics::comparison::{Comparison, Draws, Figures};
use crate::models::factornet::cell_line::{CellFolder, Lists, Needed};
use crate::numbers::counted;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(next_help_heading = "Of FactorNet models")]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    tested: TestedOn,
    /// Genome, FASTA (plain, gzip or bgzip) or 2bit [default: that of the first model's training]
    #[arg(long, value_name = "FASTA")]
    genome: Option<PathBuf>,
}

impl Args {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let own = self.genome.iter().map(|_| "--genome");
        self.tested.given().chain(own).collect()
    }
}

pub fn run(given: &CompareArgs, own: &Args, known: Kinds) -> Result<Comparison> {
    let entrants = given.models.iter().map(|path| Members::open(path, known));
    let entrants: Vec<Members> = entrants.collect::<Result<_>>()?;
    let trained = entrants[0].first().model.config.precision;
    let (precision, device) = given.open(trained)?;
    match precision {
        Precision::F64 => compare::<f64>(given, own, &entrants, (precision, &device)),
        _ => compare::<f32>(given, own, &entrants, (precision, &device)),
    }
}

fn compare<T: Number>(
    given: &CompareArgs,
    own: &Args,
    entrants: &[Members],
    (precision, device): (Precision, &Unannounced),
) -> Result<Comparison> {
    let first = entrants[0].first();
    let shared = OfRun {
        genome: own.genome.as_ref(),
        chrom_sizes: own.tested.chrom_sizes.as_ref(),
        blacklist: own.tested.blacklist.as_ref(),
        beside: &own.tested.beside,
        batch_size: given.batch_size,
        precision: given.precision,
        device: &given.device,
    };
    let shared = shared.shared(first)?;
    let inputdir = own.tested.inputdir.as_ref();
    let inputdir = of_run(
        &first.model,
        &first.folder,
        inputdir,
        "--inputdir",
        "inputdirs",
    )?;
    let cell = |members: &Members| {
        let lists = Lists {
            factors: true,
            meta: !members.first().model.config.model.meta.is_empty(),
        };
        CellFolder::read(&inputdir, lists)
    };
    let of_first = factors(
        &first.model,
        &cell(&entrants[0])?,
        own.tested.factor.as_deref(),
    )?;
    let described = &first.model.config.model;
    let names: Vec<String> = of_first
        .iter()
        .map(|&(o, _)| described.factors[o].clone())
        .collect();
    let mut read = outputs::inputs(&shared, std::slice::from_ref(&cell(&entrants[0])?));
    for Member { folder, model, .. } in entrants.iter().flat_map(|members| &members.all) {
        read.extend(outputs::of_model(folder));
        read.extend(model.config.files.iter().map(|file| file.path.clone()));
    }
    check(&given.outputs(), &read)?;
    let regions = match own.tested.testchroms.is_empty() {
        true if entrants
            .iter()
            .any(|members| members.first().tested_on.is_some()) =>
        {
            Vec::new()
        }
        true => test_words(&first.model.config),
        false => own.tested.testchroms.clone(),
    };
    let mut evaluated: Vec<Evaluated> = Vec::new();
    for (members, path) in entrants.iter().zip(&given.models) {
        let cell = cell(members)?;
        let places = names.iter().map(|name| {
            let found = factors(&members.first().model, &cell, Some(name))?;
            Ok(found[0])
        });
        let places: Vec<(usize, usize)> = places.collect::<Result<_>>()?;
        let asked = Asked {
            shared: &shared,
            regions: &regions,
            prior: PriorArgs {
                prior: None,
                training_share: None,
            },
            inputdir: &inputdir,
            cell,
            factors: &places,
            needed: match own.tested.factor {
                Some(_) => Needed::ALONE,
                None => Needed::AMONG_OTHERS,
            },
            rules: false,
            device,
            precision,
        };
        let found = asked.evaluate::<T>(members)?;
        if let Some(first) = evaluated.first() {
            check_same(first, &found, &given.models[0], path)?;
        }
        evaluated.push(found);
    }
    let windows = &evaluated[0].windows;
    let numbers = stretches(windows.iter().copied(), STRETCH);
    let count = numbers.iter().max().map_or(0, |most| *most as usize + 1);
    let stretch_of: HashMap<Window, u32> = windows.iter().copied().zip(numbers).collect();
    let keys = |place: usize| -> Vec<(u64, Option<Window>)> {
        let members = entrants[place].all.iter().zip(&evaluated[place].members);
        let first = |first: usize| evaluated[place].windows.get(first).copied();
        members
            .map(|(member, (at, _))| (member.seed, first(*at)))
            .collect()
    };
    let paired = keys(0).len() > 1 && (1..entrants.len()).all(|place| keys(place) == keys(0));
    let draws = Draws::new(count, paired.then_some(keys(0).len()), given.seed);
    let figures = evaluated.iter().map(|found| {
        let of_factor = |factor| figures(found, (factor, &names[factor]), &stretch_of, &draws);
        (0..names.len()).map(of_factor).collect::<Result<Vec<_>>>()
    });
    let figures: Vec<Vec<Figures>> = figures.collect::<Result<_>>()?;
    tell!(
        "auPRC of {} in {} of 10 kb; intervals: 95 % of 1,000 resamples of the blocks{}",
        counted(windows.len(), "window"),
        counted(count, "block"),
        match paired {
            true => " and of the pairs of models with the same seed and fold",
            false => "",
        }
    );
    Ok(Comparison::new("auPRC", &given.names(), &names, &figures))
}

/// # Errors
/// Models that are not held against the same windows.
fn check_same(first: &Evaluated, other: &Evaluated, a: &Path, b: &Path) -> Result<()> {
    let sorted = |found: &Evaluated| {
        let mut windows = found.windows.clone();
        windows.sort_unstable();
        windows
    };
    match sorted(first) == sorted(other) {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "{} and {} are not held against the same windows ({} and {}): their test regions differ; name regions for both with -t, or train both with the same -t or --folds",
            a.display(),
            b.display(),
            first.windows.len(),
            other.windows.len()
        ))),
    }
}

/// Of a factor: the auPRC of each model on its own windows.
fn figures(
    found: &Evaluated,
    (factor, name): (usize, &str),
    stretch_of: &HashMap<Window, u32>,
    draws: &Draws,
) -> Result<Figures> {
    let alone = [(0, found.scores[factor].as_slice())];
    let members: Vec<(usize, &[f64])> = match found.members.is_empty() {
        true => alone.to_vec(),
        false => found
            .members
            .iter()
            .map(|(first, scores)| (*first, scores[factor].as_slice()))
            .collect(),
    };
    let labeller = &found.labellers[factor];
    let mut ranked = Vec::new();
    for (first, scores) in members {
        let windows = &found.windows[first..first + scores.len()];
        let known = Known::new(windows.iter().map(|&window| labeller.state(window)));
        if known.labels.iter().all(|bound| !bound) {
            return Err(Error::invalid(format!(
                "{name}: none of the {} is bound, and an auPRC is not defined: name other regions with -t",
                counted(known.labels.len(), "window")
            )));
        }
        let stretches: Vec<u32> = windows.iter().map(|window| stretch_of[window]).collect();
        ranked.push((
            Ranked::new(&known.of(scores), &known.labels)?,
            known.of(&stretches),
        ));
    }
    let grouped: Vec<_> = ranked.iter().map(|(r, groups)| r.grouped(groups)).collect();
    Ok(Figures {
        members: ranked.iter().map(|(r, _)| r.measures().auprc).collect(),
        resampled: draws.resample(ranked.len(), |member, times| {
            grouped[member].measures(times).auprc
        }),
    })
}
