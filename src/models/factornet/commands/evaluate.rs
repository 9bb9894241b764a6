//! `cisgrad factornet evaluate`.

use super::args::{SharedArgs, chosen};
use super::beside_rules::{self, Beside, beside};
use super::curves::Curves;
use super::evaluated::{Asked, Evaluated};
use super::members::{Member, Members};
use super::outputs;
use super::probabilities::PriorArgs;
use super::scored_windows::{Known, stretches};
use crate::args::numbers::{one_or_more, zero_or_more};
use crate::args::outputs::{check, check_apart};
use crate::args::{Unannounced, emit, say};
use crate::engine::memory::{self, Bytes};
use crate::metrics::classification::{Measures, Ranked};
use crate::metrics::curves::Curve;
use crate::metrics::false_discovery::Thresholds;
use crate::metrics::{deviation, mean};
use crate::models::factornet::cell_line::{CellFolder, Lists, Needed};
use crate::models::factornet::saved::FactorNet;
use crate::numbers::counted;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Folder of the cell line, with its peaks
    #[arg(short = 'i', long, value_name = "DIR")]
    inputdir: PathBuf,
    /// Model folder, ours or one that Keras saved, or the folder of an ensemble: the mean of its models
    #[arg(short = 'm', long, visible_alias = "modeldir", value_name = "DIR")]
    model: PathBuf,
    /// The factor to evaluate [default: every factor of the model that the folder has peaks for]
    #[arg(short = 'f', long, value_name = "NAME")]
    factor: Option<String>,
    /// Chromosomes, regions (chr22:30000000-35000000), BED files, folds (fold:1/5) or a file FOLD.json, of which it is the list test
    /// [default: chr1 chr8 chr21; of a cross-validation the regions that test each model]
    #[arg(short = 't', long, num_args = 1.., value_name = "REGION")]
    testchroms: Vec<String>,
    /// Add 95 % intervals from this many bootstrap samples of stretches of 10,000 bases
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    bootstrap: Option<usize>,
    /// Seed of the bootstrap
    #[arg(short = 's', long, default_value_t = 420, value_name = "N", value_parser = zero_or_more::<u64>)]
    seed: u64,
    /// Do not compare with simple rules: the track's mean, GC
    #[arg(long)]
    no_baselines: bool,
    /// Write precision-recall and ROC curves, and how reliable the probabilities are (TSV and SVG), into this folder
    #[arg(long, value_name = "DIR")]
    curves: Option<PathBuf>,
    /// Write here instead of to stdout
    #[arg(short = 'o', long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    prior: PriorArgs,
    #[command(flatten)]
    shared: SharedArgs,
}
const LEVEL: f64 = 0.95;
/// Bases that the bootstrap draws together: windows overlap, and so do the inputs of near ones.
pub(super) const STRETCH: u32 = 10_000;

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    if let Some(samples) = args.bootstrap {
        let taken = Bytes::of::<Measures<f64>>(&[samples, 2]);
        memory::check(format!("--bootstrap {samples}"), taken)?;
    }
    let members = Members::open(&args.model, known)?;
    let trained = members.first().model.config.precision;
    let (device, precision) = args.shared.open(Some(trained))?;
    match precision {
        Precision::F64 => evaluate::<f64>(args, &members, &device, precision),
        _ => evaluate::<f32>(args, &members, &device, precision),
    }
}

fn evaluate<T: Number>(
    args: &Args,
    members: &Members,
    device: &Unannounced,
    precision: Precision,
) -> Result<()> {
    let model = &members.first().model;
    let described = &model.config.model;
    let lists = Lists {
        factors: true,
        meta: !described.meta.is_empty(),
    };
    let cell = CellFolder::read(&args.inputdir, lists)?;
    for member in &members.all {
        args.prior
            .of(&member.model, member.kept.as_ref(), &member.folder)?;
    }
    let factors = factors(model, &cell, args.factor.as_deref())?;
    let name = |&(output, _): &(usize, usize)| described.factors[output].as_str();
    let names: Vec<&str> = factors.iter().map(name).collect();
    let curves = args.curves.as_deref();
    let curves = curves
        .map(|folder| Curves::check(folder, &names))
        .transpose()?;
    args.check_outputs(members, &cell, curves.as_ref())?;
    let asked = Asked {
        shared: &args.shared,
        regions: &args.testchroms,
        prior: args.prior,
        inputdir: &args.inputdir,
        cell,
        factors: &factors,
        needed: match args.factor {
            Some(_) => Needed::ALONE,
            None => Needed::AMONG_OTHERS,
        },
        rules: !args.no_baselines,
        device,
        precision,
    };
    let found = asked.evaluate::<T>(members)?;
    let windows = &found.windows;
    let numbers = |bases| stretches(windows.iter().copied(), bases);
    let (stretches, blocks) = (numbers(STRETCH), numbers(beside_rules::BLOCK));
    let mut rows = Vec::new();
    if let Some(curves) = &curves {
        curves.begin()?;
    }
    let mut columns: Vec<String> = found.rules.iter().map(|rule| rule.name.clone()).collect();
    for (place, (name, labeller)) in names.iter().zip(&found.labellers).enumerate() {
        let known = Known::new(windows.iter().map(|&window| labeller.state(window)));
        let scores = known.of(&found.scores[place]);
        let ranked = Ranked::new(&scores, &known.labels)?;
        let curve = Curve::new(&scores, &known.labels);
        if ranked.positives() == 0 {
            tell!("warning: {name}: no window is bound there; its measures are NaN");
        }
        let second = found.second.get(place).and_then(Option::as_ref);
        let all_rules = found.rules.iter().chain(second);
        let beside = beside(&ranked, all_rules, &known, &blocks, args.seed)?;
        columns = beside.iter().map(|rule| rule.rule.name.clone()).collect();
        say(&beside_rules::told(name, ranked.measures().auprc, &beside));
        if let Some(curves) = &curves {
            let thresholds = Thresholds::of(&curve);
            let told = [0.1, 0.5]
                .into_iter()
                .filter_map(|rate| thresholds.at(rate));
            let told: Vec<f64> = told.map(|point| point.threshold).collect();
            curves.write(place, name, &curve, (&scores, &known.labels), &told)?;
        }
        let members = members_auprc(&found, place)?;
        let groups = known.of(&stretches);
        rows.push(args.row(name, &ranked, &curve, &groups, &beside, &members));
    }
    emit(args.out.as_deref(), |w| {
        writeln!(w, "{}", args.header(&columns, members.is_ensemble))?;
        rows.iter().try_for_each(|row| writeln!(w, "{row}"))
    })?;
    if members.is_ensemble {
        tell!(
            "an ensemble of {}: the first columns are about {}; members_ columns are the mean and the standard deviation of the figures of single models",
            counted(members.all.len(), "model"),
            match members.groups(!args.testchroms.is_empty()).len() {
                1 => "the mean of their scores",
                _ => "each window's score by the models whose test regions it lies in",
            }
        );
    }
    Ok(())
}

/// The auPRC of each model of an ensemble, of its own windows.
fn members_auprc(found: &Evaluated, factor: usize) -> Result<Vec<f64>> {
    let of_member = |(first, scores): &(usize, Vec<Vec<f64>>)| {
        let scores = &scores[factor];
        let windows = &found.windows[*first..first + scores.len()];
        let labeller = &found.labellers[factor];
        let known = Known::new(windows.iter().map(|&window| labeller.state(window)));
        Ok(Ranked::new(&known.of(scores), &known.labels)?
            .measures()
            .auprc)
    };
    found.members.iter().map(of_member).collect()
}

/// The factors to evaluate: place among the model's outputs, and in the folder's list; `given`: by `-f`.
///
/// # Errors
/// A factor that the model does not predict or the folder has no peaks of.
pub(super) fn factors(
    model: &FactorNet,
    cell: &CellFolder,
    given: Option<&str>,
) -> Result<Vec<(usize, usize)>> {
    let outputs = chosen(model, given)?;
    if let Some(name) = given {
        return Ok(vec![(outputs[0], cell.factor(name)?)]);
    }
    let mut pairs = Vec::new();
    for output in outputs {
        let name = &model.config.model.factors[output];
        match cell.factors.iter().position(|f| f.name == *name) {
            Some(files) => pairs.push((output, files)),
            None => tell!("note: {} has no peaks of {name}", cell.path.display()),
        }
    }
    if pairs.is_empty() {
        return Err(Error::invalid(format!(
            "{}: peaks of none of the model's factors: {}",
            cell.list("chip.txt"),
            model.config.model.factors.join(", ")
        )));
    }
    Ok(pairs)
}

/// False discovery rates of the thresholds, in per cent.
const FDR: [u64; 2] = [10, 50];

/// Columns of an ensemble: mean and standard deviation of the auPRC of its models.
const MEMBERS: [&str; 2] = ["members_auPRC", "members_auPRC_sd"];

const MEASURES: [&str; 4] = [
    "auROC",
    "auPRC",
    "recall_at_10pct_FDR",
    "recall_at_50pct_FDR",
];

fn four<T: Copy>(m: &Measures<T>) -> [T; 4] {
    [
        m.auroc,
        m.auprc,
        m.recall_at_10pct_fdr,
        m.recall_at_50pct_fdr,
    ]
}

impl Args {
    /// # Errors
    /// An output that is an input, or cannot be written.
    fn check_outputs(
        &self,
        members: &Members,
        cell: &CellFolder,
        curves: Option<&Curves>,
    ) -> Result<()> {
        let mut read = outputs::inputs(&self.shared, std::slice::from_ref(cell));
        read.extend(self.testchroms.iter().map(PathBuf::from));
        for Member { folder, model, .. } in &members.all {
            read.extend(outputs::of_model(folder));
            read.extend(model.config.files.iter().map(|file| file.path.clone()));
        }
        let out = self.out.iter().map(|out| ("--out", out.as_path()));
        let out: Vec<(&str, &Path)> = out.collect();
        check(&out, &read)?;
        let files = curves.map(Curves::touched).transpose()?.unwrap_or_default();
        let files = files.iter().map(|file| ("--curves", file.as_path()));
        check_apart(&files.chain(out.iter().copied()).collect::<Vec<_>>(), &read)
    }

    fn header(&self, rules: &[String], ensemble: bool) -> String {
        let mut columns = vec!["factor".to_string()];
        columns.extend(MEASURES.map(str::to_string));
        columns.extend(["positives".to_string(), "negatives".to_string()]);
        if self.bootstrap.is_some() {
            columns.extend(
                MEASURES
                    .iter()
                    .flat_map(|m| [format!("{m}_low"), format!("{m}_high")]),
            );
        }
        if ensemble {
            columns.extend(MEMBERS.map(str::to_string));
        }
        columns.extend(FDR.map(|percent| format!("threshold_at_{percent}pct_FDR")));
        columns.extend(rules.iter().map(|rule| format!("auPRC_{rule}")));
        columns.join("\t")
    }

    fn row(
        &self,
        factor: &str,
        ranked: &Ranked,
        curve: &Curve,
        groups: &[u32],
        beside: &[Beside],
        members: &[f64],
    ) -> String {
        let mut columns = vec![factor.to_string()];
        columns.extend(four(&ranked.measures()).map(|x| format!("{x:.6}")));
        columns.extend([
            ranked.positives().to_string(),
            ranked.negatives().to_string(),
        ]);
        if let Some(resamples) = self.bootstrap {
            let intervals = ranked.bootstrap(resamples, LEVEL, self.seed, groups);
            columns.extend(
                four(&intervals)
                    .into_iter()
                    .flat_map(|i| [format!("{:.6}", i.low), format!("{:.6}", i.high)]),
            );
        }
        if !members.is_empty() {
            let [all, sd] = [mean(members.iter().copied()), deviation(members)];
            let shown = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.6}"));
            columns.extend([shown(all), shown(sd)]);
        }
        // Empty where no threshold holds the rate.
        let shown = |threshold: f64| format!("{threshold:.6}");
        let thresholds = Thresholds::of(curve);
        columns.extend(FDR.map(|percent| {
            let found = thresholds.at(percent as f64 / 100.0);
            found.map_or(String::new(), |point| shown(point.threshold))
        }));
        columns.extend(beside.iter().map(|rule| format!("{:.6}", rule.auprc)));
        columns.join("\t")
    }
}
