//! How good: figures beside simple rules, precision and recall, ROC, reliability, thresholds, spread over the genome.

use super::super::beside_rules::{self, beside, told};
use super::super::evaluate::factors;
use super::super::evaluated::{Asked, Top};
use super::super::probabilities::PriorArgs;
use super::super::scored_windows::{Known, Window, stretches};
use super::Run;
use crate::Result;
use crate::metrics::classification::Ranked;
use crate::metrics::curves::{Curve, Tenth, reliability};
use crate::metrics::false_discovery::Thresholds;
use crate::models::factornet::cell_line::Needed;
use crate::numbers::{counted, rounded};
use crate::report::page::Page;
use crate::report::panels::{Drawn, Panel, panels_svg};
use crate::train::folder::weights::Number;
use std::collections::BTreeMap;

/// Factors that have pictures of their own.
const PANELS: usize = 4;
/// Points of a curve.
const POINTS: usize = 300;
/// False discovery rates.
const RATES: [f64; 2] = [0.1, 0.5];
const SHOWN: usize = 40;

/// The names of the factors, and of the first of them the windows with the largest scores.
pub(super) fn section<T: Number>(
    page: &mut Page,
    run: &Run<'_>,
) -> Result<(Vec<String>, Vec<Top>)> {
    page.heading("How good it is");
    match looked_at::<T>(page, run) {
        Ok(found) => Ok(found),
        Err(error) => {
            run.excused(page, "The test windows", error)?;
            Ok((Vec::new(), Vec::new()))
        }
    }
}

fn looked_at<T: Number>(page: &mut Page, run: &Run<'_>) -> Result<(Vec<String>, Vec<Top>)> {
    let first = run.members.first();
    let (inputdir, cell) = run.cell()?;
    let shared = run.of_run().shared(first)?;
    let pairs = factors(&first.model, &cell, run.own.tested.factor.as_deref())?;
    let described = &first.model.config.model;
    let names: Vec<String> = pairs
        .iter()
        .map(|&(output, _)| described.factors[output].clone())
        .collect();
    let regions = run.regions();
    let asked = Asked {
        shared: &shared,
        regions: &regions,
        prior: PriorArgs {
            prior: None,
            training_share: None,
        },
        inputdir: &inputdir,
        cell,
        factors: &pairs,
        needed: match run.own.tested.factor {
            Some(_) => Needed::ALONE,
            None => Needed::AMONG_OTHERS,
        },
        rules: true,
        device: run.device,
        precision: run.precision,
    };
    let found = asked.evaluate::<T>(run.members)?;
    let windows = &found.windows;
    page.paragraph(&format!(
        "On {} of {} in {}.",
        counted(windows.len(), "window"),
        match regions.is_empty() {
            true => "each model's own test regions".to_string(),
            false => regions.join(", "),
        },
        inputdir.display()
    ));
    let blocks = stretches(windows.iter().copied(), beside_rules::BLOCK);
    let mut table = Vec::new();
    let mut lines = Vec::new();
    let mut panels = Vec::new();
    let mut spreads = Vec::new();
    for (place, (name, labeller)) in names.iter().zip(&found.labellers).enumerate() {
        let known = Known::new(windows.iter().map(|&window| labeller.state(window)));
        let scores = known.of(&found.scores[place]);
        let ranked = Ranked::new(&scores, &known.labels)?;
        let curve = Curve::new(&scores, &known.labels);
        let second = found.second.get(place).and_then(Option::as_ref);
        let beside = beside(
            &ranked,
            found.rules.iter().chain(second),
            &known,
            &blocks,
            0,
        )?;
        let measures = ranked.measures();
        lines.extend(told(name, measures.auprc, &beside));
        let thresholds = Thresholds::of(&curve);
        let at = |rate: f64| {
            let found = thresholds.at(rate);
            found.map_or("none".to_string(), |point| {
                rounded(point.threshold).to_string()
            })
        };
        let best = beside
            .iter()
            .map(|rule| rule.auprc)
            .fold(f64::NAN, f64::max);
        let shown = |x: f64| match x.is_finite() {
            true => format!("{x:.3}"),
            false => "not defined".to_string(),
        };
        table.push(vec![
            name.clone(),
            shown(measures.auprc),
            shown(best),
            shown(measures.auroc),
            shown(measures.recall_at_10pct_fdr),
            shown(measures.recall_at_50pct_fdr),
            at(RATES[0]),
            at(RATES[1]),
            ranked.positives().to_string(),
            ranked.negatives().to_string(),
        ]);
        if panels.len() < 3 * PANELS {
            panels.extend(pictures(name, &curve, reliability(&scores, &known.labels)));
            spreads.push((
                name.clone(),
                spread(
                    &found.chromosomes,
                    &known.of(windows),
                    &scores,
                    &known.labels,
                )?,
            ));
        }
    }
    page.table(
        &[
            "factor",
            "auPRC",
            "auPRC of the best rule",
            "auROC",
            "recall at 10 % FDR",
            "recall at 50 % FDR",
            "threshold of 10 % FDR",
            "threshold of 50 % FDR",
            "bound windows",
            "unbound",
        ],
        &table,
        SHOWN,
    );
    for line in lines {
        page.long(&line);
    }
    page.advice("auPRC should be above that of every rule, with an interval of the difference above 0; auROC is near 1 for weak models too, since one window in hundreds is bound. A threshold of \"none\" says that no score is right so often: look at whether the peaks of the test regions are of the same experiment.");
    page.subheading("Precision, ROC, reliability");
    page.picture(&panels_svg(&panels));
    if names.len() > PANELS {
        page.paragraph(&format!(
            "The first {PANELS} of {} are drawn.",
            counted(names.len(), "factor")
        ));
    }
    page.advice("Reliability: the share of bound windows among those of one probability should lie on the dashed line. Below it the probabilities are too large, as after training with few negatives: train with --calibrate, or give --prior.");
    for (name, of_stretch) in spreads {
        let rows: Vec<Vec<String>> = of_stretch;
        if rows.len() > 1 {
            page.subheading(&format!("{name}: auPRC along the genome"));
            page.table(&["where", "bound windows", "auPRC"], &rows, 12);
        }
    }
    page.advice("A stretch with many bound windows and an auPRC far below the others is worth a look: a copy number change, a repeat, peaks that are an artefact.");
    Ok((names, found.top))
}

fn pictures(name: &str, curve: &Curve, tenths: [Tenth; 10]) -> [Panel; 3] {
    let points = curve.thinned(POINTS, &[]);
    let panel = |what: &str, x_name: &str, y_name: &str, points: Vec<(f64, f64)>| Panel {
        title: format!("{name}: {what}"),
        x_name: x_name.to_string(),
        y_name: y_name.to_string(),
        points,
        drawn: Drawn::Line,
        unit: true,
        diagonal: false,
    };
    let precision = points
        .iter()
        .map(|point| (curve.recall(point), point.precision()));
    let roc = points
        .iter()
        .map(|point| (curve.false_positive_rate(point), curve.recall(point)));
    let filled = tenths.iter().filter(|tenth| tenth.examples > 0);
    let reliable = filled.map(|tenth| {
        let all = tenth.examples as f64;
        (tenth.predicted / all, tenth.positives as f64 / all)
    });
    [
        panel(
            "precision and recall",
            "recall",
            "precision",
            precision.collect(),
        ),
        Panel {
            diagonal: true,
            ..panel("ROC", "false positive rate", "recall", roc.collect())
        },
        Panel {
            diagonal: true,
            drawn: Drawn::LineWithDots,
            ..panel(
                "reliability",
                "probability",
                "share bound",
                reliable.collect(),
            )
        },
    ]
}

/// By stretch of ten megabases: its bound windows and auPRC.
fn spread(
    chromosomes: &[String],
    windows: &[Window],
    scores: &[f64],
    labels: &[bool],
) -> Result<Vec<Vec<String>>> {
    const STRETCH: u32 = 10_000_000;
    let mut groups: BTreeMap<(u32, u32), (Vec<f64>, Vec<bool>)> = BTreeMap::new();
    for ((&(chromosome, start), score), label) in windows.iter().zip(scores).zip(labels) {
        let group = groups.entry((chromosome, start / STRETCH)).or_default();
        group.0.push(*score);
        group.1.push(*label);
    }
    let mut rows = Vec::new();
    for ((chromosome, stretch), (scores, labels)) in groups {
        let ranked = Ranked::new(&scores, &labels)?;
        if ranked.positives() < 20 {
            continue;
        }
        rows.push(vec![
            format!(
                "{}, from {} Mb",
                chromosomes[chromosome as usize],
                stretch * 10
            ),
            ranked.positives().to_string(),
            format!("{:.3}", ranked.measures().auprc),
        ]);
    }
    Ok(rows)
}
