//! `cisgrad factornet evaluate`.

use super::args::{SharedArgs, chosen};
use super::beside_rules::{self, Beside, beside};
use super::curves::Curves;
use super::outputs;
use super::probabilities::{PriorArgs, scores_of};
use super::scored_windows::{Known, Scorer, stretches};
use super::train_args::{TEST, words};
use super::trained_on;
use crate::args::numbers::{one_or_more, zero_or_more};
use crate::args::outputs::{check, check_apart};
use crate::args::{Unannounced, emit, say};
use crate::data::Notes;
use crate::data::split::regions::Choice;
use crate::data::windows::WINDOW;
use crate::data::windows::bins::{Labeller, bins};
use crate::engine::memory::{self, Bytes};
use crate::io::sources::Sources;
use crate::metrics::classification::{Measures, Ranked};
use crate::metrics::curves::Curve;
use crate::metrics::false_discovery::Thresholds;
use crate::models::factornet::baselines::Rule;
use crate::models::factornet::cell_line::{CellFolder, Lists, Needed};
use crate::models::factornet::genome_inputs::{GenomeInputs, Wanted};
use crate::models::factornet::samples::placing::Placer;
use crate::models::factornet::saved::{FactorNet, open};
use crate::models::factornet::second_rule::SecondRule;
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use crate::train::model::Kinds;
use crate::train::predictor::{BLOCK, Predictor};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Folder of the cell line, with its peaks
    #[arg(short = 'i', long, value_name = "DIR")]
    inputdir: PathBuf,
    /// Model folder, ours or one that Keras saved
    #[arg(short = 'm', long, visible_alias = "modeldir", value_name = "DIR")]
    model: PathBuf,
    /// The factor to evaluate [default: every factor of the model that the folder has peaks for]
    #[arg(short = 'f', long, value_name = "NAME")]
    factor: Option<String>,
    /// Chromosomes, regions (chr22:30000000-35000000) or BED files [default: chr1 chr8 chr21]
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
const STRETCH: u32 = 10_000;

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    if let Some(samples) = args.bootstrap {
        let taken = Bytes::of::<Measures<f64>>(&[samples, 2]);
        memory::check(format!("--bootstrap {samples}"), taken)?;
    }
    let model = open(&args.model, known)?;
    let (device, precision) = args.shared.open(Some(model.config.precision))?;
    match precision {
        Precision::F64 => evaluate::<f64>(args, &model, device, precision),
        _ => evaluate::<f32>(args, &model, device, precision),
    }
}

fn evaluate<T: Number>(
    args: &Args,
    model: &FactorNet,
    device: Unannounced,
    precision: Precision,
) -> Result<()> {
    let lists = Lists {
        factors: true,
        meta: !model.config.model.meta.is_empty(),
    };
    let cell = CellFolder::read(&args.inputdir, lists)?;
    let kept = scores_of(&args.model, model)?;
    let correction = args.prior.of(model, kept.as_ref(), &args.model)?;
    let factors = args.factors(model, &cell)?;
    let name = |&(output, _): &(usize, usize)| model.config.model.factors[output].as_str();
    let names: Vec<&str> = factors.iter().map(name).collect();
    let curves = args.curves.as_deref();
    let curves = curves
        .map(|folder| Curves::check(folder, &names))
        .transpose()?;
    args.check_outputs(model, &cell, curves.as_ref())?;
    let files = args.shared.files()?;
    let sources = Sources::new();
    let described = &model.config.model;
    let mut notes = Notes::new();
    let genome = GenomeInputs::open(&files, &sources, described.network.length, &mut notes)?;
    let chromosomes = genome.chromosomes();
    let words = words(&args.testchroms, &TEST);
    let choice = Choice {
        flag: "-t",
        what: "test region",
        words: &words,
        explicit: !args.testchroms.is_empty(),
    };
    let regions = choice.regions(&sources, chromosomes, &mut notes)?;
    let needed = match args.factor {
        Some(_) => Needed::ALONE,
        None => Needed::AMONG_OTHERS,
    };
    let labellers = factors
        .iter()
        .map(|&(_, files)| {
            let files = &cell.factors[files];
            let peaks = files.peaks(needed, &sources, chromosomes, &mut notes)?;
            Ok(Labeller::new(&peaks, chromosomes.len()))
        })
        .collect::<Result<Vec<_>>>()?;
    let cells = [cell];
    let wanted = Wanted::of(described, args.shared.track_scale.as_deref());
    let inputs = genome.inputs(files.storage, &cells, &wanted, &mut notes)?;
    let annotations = genome.annotations(&files, &sources, described.gencode, &mut notes)?;
    let device = device.announce();
    say(&notes);
    let windows = bins(&regions, &[&genome.blacklist.plain, &genome.unknown]);
    if windows.is_empty() {
        return Err(Error::invalid(format!(
            "-t {}: no window of {WINDOW} bases there is off the blacklist and without N",
            words.join(" ")
        )));
    }
    let (config, here) = (&model.config, &args.inputdir);
    say(&trained_on::told(config, here, &windows, chromosomes));
    if args.shared.strict {
        genome.check_held(&inputs, windows.iter().map(|&(chromosome, _)| chromosome))?;
    }
    let placer = Placer {
        chromosomes,
        blacklist: &genome.blacklist,
        annotations: annotations.as_ref(),
        cell: 0,
    };
    let mut predictor = Predictor::new(
        &device,
        precision,
        &model.config.model.network,
        model.parameters::<T>()?,
        &inputs,
        args.shared.batch_size,
        windows.len().min(BLOCK),
    )?;
    // From here on a signal ends the work between two batches.
    interrupt::watch();
    let mut scores: Vec<Vec<f64>> = vec![Vec::with_capacity(windows.len()); factors.len()];
    let mut rules = match args.no_baselines {
        true => Vec::new(),
        false => Rule::all(&described.network),
    };
    let reporter = Reporter::new();
    let bar = reporter.bar("scoring", windows.len(), "windows");
    let mut scorer = Scorer {
        predictor: &mut predictor,
        network: &described.network,
        inputs: &inputs,
        placer,
        bar: &bar,
    };
    scorer.score(&windows, &mut rules, |row| {
        for (&(output, _), scores) in factors.iter().zip(&mut scores) {
            scores.push(correction.apply(output, row[output].f64()));
        }
    })?;
    bar.finish();
    let second = kept.and_then(|kept| kept.second_rule);
    let second = second.filter(|_| !args.no_baselines);
    let numbers = |bases| stretches(windows.iter().copied(), bases);
    let (stretches, blocks) = (numbers(STRETCH), numbers(beside_rules::BLOCK));
    let mut rows = Vec::new();
    if let Some(curves) = &curves {
        curves.begin()?;
    }
    let all = factors.iter().zip(&labellers).zip(scores).enumerate();
    for (place, ((&(output, _), labeller), scores)) in all {
        let known = Known::new(windows.iter().map(|&window| labeller.state(window)));
        let scores = known.of(&scores);
        let ranked = Ranked::new(&scores, &known.labels)?;
        let curve = Curve::new(&scores, &known.labels);
        let name = &model.config.model.factors[output];
        if ranked.positives() == 0 {
            tell!("warning: {name}: no window is bound there; its measures are NaN");
        }
        let second = second.as_ref();
        let second = second.map(|rule| rule.rule(&described.network, output, &rules));
        let all_rules = rules.iter().chain(&second);
        let beside = beside(&ranked, all_rules, &known, &blocks, args.seed)?;
        say(&beside_rules::told(name, ranked.measures().auprc, &beside));
        if let Some(curves) = &curves {
            curves.write(place, name, &curve, &scores, &known.labels)?;
        }
        rows.push(args.row(name, &ranked, &curve, &known.of(&stretches), &beside));
    }
    let second = second.map(|_| SecondRule::column(&described.network));
    let rules: Vec<String> = rules
        .into_iter()
        .map(|rule| rule.name)
        .chain(second)
        .collect();
    emit(args.out.as_deref(), |w| {
        writeln!(w, "{}", args.header(&rules))?;
        rows.iter().try_for_each(|row| writeln!(w, "{row}"))
    })
}

/// False discovery rates of the thresholds, in per cent.
const FDR: [u64; 2] = [10, 50];

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
        model: &FactorNet,
        cell: &CellFolder,
        curves: Option<&Curves>,
    ) -> Result<()> {
        let mut read = outputs::inputs(&self.shared, std::slice::from_ref(cell));
        read.extend(outputs::of_model(&self.model));
        read.extend(self.testchroms.iter().map(PathBuf::from));
        read.extend(model.config.files.iter().map(|file| file.path.clone()));
        let out = self.out.iter().map(|out| ("--out", out.as_path()));
        let out: Vec<(&str, &Path)> = out.collect();
        check(&out, &read)?;
        let files = curves.map(Curves::touched).transpose()?.unwrap_or_default();
        let files = files.iter().map(|file| ("--curves", file.as_path()));
        check_apart(&files.chain(out.iter().copied()).collect::<Vec<_>>(), &read)
    }

    /// The factors to evaluate: place among the model's outputs, and in the folder's list.
    fn factors(&self, model: &FactorNet, cell: &CellFolder) -> Result<Vec<(usize, usize)>> {
        let outputs = chosen(model, self.factor.as_deref())?;
        if let Some(name) = &self.factor {
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

    fn header(&self, rules: &[String]) -> String {
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
