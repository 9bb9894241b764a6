//! How good: figures beside simple rules, scatter, spread over chromosomes.

use super::Run;
use super::data::Data;
use crate::Result;
use crate::args::Digits;
use crate::data::dataset::Dataset;
use crate::dna::sequences::{chromosome_of, start_in_name};
use crate::metrics::regression::{known, pearson};
use crate::models::tisfm::baselines::of_folds;
use crate::models::tisfm::beside_rules::{Beside, beside, told};
use crate::models::tisfm::measured::scores;
use crate::models::tisfm::samples::Rows;
use crate::numbers::counted;
use crate::report::page::Page;
use crate::report::panels::{Drawn, Panel, panels_svg};
use crate::report::progress::Reporter;
use std::collections::BTreeMap;

/// Outputs that have a picture of their own.
const PANELS: usize = 12;
/// Points of a picture.
const POINTS: usize = 1_500;
/// Rows of a table before the rest is folded in.
const SHOWN: usize = 40;

pub(super) fn section(
    page: &mut Page,
    run: &Run<'_>,
    data: std::result::Result<&Data, &String>,
) -> Result<()> {
    page.heading("How good it is");
    let data = match data {
        Ok(data) => data,
        Err(why) => {
            page.paragraph(&format!("The test data could not be looked at: {why}"));
            return Ok(());
        }
    };
    let rows = data.test();
    if rows.iter().any(Vec::is_empty) {
        page.paragraph("There are no test sequences: nothing says how good the model is on sequences that it has not seen. Train with a split that has a test part.");
        return Ok(());
    }
    let dataset = &data.dataset;
    let samples = Rows {
        codes: &dataset.codes,
        targets: &[],
        length: dataset.length,
    };
    let bar = Reporter::new().bar("testing", rows.iter().map(Vec::len).sum(), "sequences");
    let size = run.given.batch_size;
    let seen = |n| bar.advance(n);
    let found = run
        .members
        .predict(run.device, run.precision, samples, &rows, size, seen)?;
    bar.finish();
    let predictions = found.mean.to_f64();
    let rules = of_folds(dataset, &data.splits, &rows, &found.rows)?;
    let signals: Vec<f64> = found
        .rows
        .iter()
        .flat_map(|&row| dataset.signals(row))
        .copied()
        .collect();
    let figures = scores(&dataset.outputs, &predictions, &signals);
    let besides = beside(dataset, &found.rows, &predictions, &rules);
    page.paragraph(&format!(
        "On {} that were not trained on{}.",
        counted(found.rows.len(), "sequence"),
        match run.members.is_ensemble() {
            true => ": the mean of the models' predictions",
            false => "",
        }
    ));
    let digits = |x: f64| match x.is_finite() {
        true => format!("{x:.3}"),
        false => "not defined".to_string(),
    };
    let table: Vec<Vec<String>> = figures[..dataset.outputs.len()]
        .iter()
        .zip(&besides)
        .map(|(score, rules)| {
            let rule = |name: &str| rules.iter().find(|rule| rule.name == name);
            let r = |name: &str| rule(name).map_or(String::new(), |rule| digits(rule.pearson));
            vec![
                score.output.clone(),
                digits(score.pearson),
                digits(score.spearman),
                digits(score.mse),
                r("ridge"),
                r("GC"),
                difference(rule("ridge")),
            ]
        })
        .collect();
    page.table(
        &[
            "output",
            "r",
            "rank correlation",
            "mean squared error",
            "r of a ridge regression on words",
            "r of GC",
            "r above the ridge's (95 % interval)",
        ],
        &table,
        SHOWN,
    );
    let losses: Vec<f64> = figures.iter().map(|score| score.mse).collect();
    for line in told(&dataset.outputs, &losses, &besides, &rules) {
        page.long(&line);
    }
    page.advice("r should be above that of both rules, with an interval above 0. Where it is not, the model has learned no more than base composition or short words: do not read its motifs; look at the signals, their transform and the number of sequences. r is not defined where predictions or signals are all the same.");
    scatter(page, dataset, &predictions, &signals);
    spread(page, dataset, &found.rows, &predictions);
    Ok(())
}

fn difference(rule: Option<&Beside>) -> String {
    let difference = rule.and_then(|rule| rule.difference);
    difference.map_or(String::new(), |d| {
        format!("{:.3} ({:.3} to {:.3})", d.value, d.low, d.high)
    })
}

fn scatter(page: &mut Page, dataset: &Dataset, predictions: &[f64], signals: &[f64]) {
    let outputs = dataset.outputs.len();
    page.subheading("Predicted and measured");
    let rows = predictions.len() / outputs.max(1);
    let every = rows.div_ceil(POINTS).max(1);
    let panel = |(output, name): (usize, &String)| Panel {
        title: name.clone(),
        x_name: "measured".to_string(),
        y_name: "predicted".to_string(),
        points: (0..rows)
            .step_by(every)
            .map(|row| {
                (
                    signals[row * outputs + output],
                    predictions[row * outputs + output],
                )
            })
            .collect(),
        drawn: Drawn::Dots,
        unit: false,
        diagonal: true,
    };
    let panels = dataset.outputs.iter().enumerate().take(PANELS).map(panel);
    page.picture(&panels_svg(&panels.collect::<Vec<_>>()));
    if outputs > PANELS {
        page.paragraph(&format!("The first {PANELS} of {outputs} outputs."));
    }
    page.advice("Predictions vary less than measurements: a model of sequence alone explains a part of them. A cloud that bends away from the dashed line points to signals that want a transform (log2p1).");
}

/// r on each chromosome, where there are several, else on each block of a megabase.
fn spread(page: &mut Page, dataset: &Dataset, rows: &[usize], predictions: &[f64]) {
    let chromosomes: Vec<Option<&str>> = rows
        .iter()
        .map(|&row| chromosome_of(dataset.chromosomes.as_deref(), &dataset.names, row))
        .collect();
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, chromosome) in chromosomes.iter().enumerate() {
        if let Some(name) = chromosome {
            groups.entry(name.to_string()).or_default().push(place);
        }
    }
    let mut what = "chromosome";
    if groups.len() < 2 {
        what = "block of 1 Mb";
        groups.clear();
        for (place, &row) in rows.iter().enumerate() {
            if let (Some(name), Some(start)) =
                (chromosomes[place], start_in_name(&dataset.names[row]))
            {
                // Padded, so that text is in the order of places.
                let block = format!("{name}, {:>3} Mb", start / 1_000_000);
                groups.entry(block).or_default().push(place);
            }
        }
    }
    // Fewer sequences have no correlation worth the name.
    const FEWEST: usize = 20;
    groups.retain(|_, places| places.len() >= FEWEST);
    if groups.len() < 2 {
        return;
    }
    page.subheading(&format!("r on each {what}"));
    let outputs = dataset.outputs.len();
    let r = |output: usize, places: &[usize]| {
        let of = |values: &dyn Fn(usize) -> f64| -> Vec<f64> {
            places.iter().map(|&place| values(place)).collect()
        };
        let predicted = of(&|place| predictions[place * outputs + output]);
        let measured = of(&|place| dataset.signals(rows[place])[output]);
        let (predicted, measured) = known(&predicted, &measured);
        pearson(&predicted, &measured)
    };
    let panels = dataset.outputs.iter().enumerate().take(PANELS);
    let panels = panels.map(|(output, name)| Panel {
        title: name.clone(),
        x_name: format!("sequences on the {what}"),
        y_name: "r".to_string(),
        points: groups
            .values()
            .map(|places| (places.len() as f64, r(output, places)))
            .collect(),
        drawn: Drawn::Points,
        unit: false,
        diagonal: false,
    });
    page.picture(&panels_svg(&panels.collect::<Vec<_>>()));
    page.advice("Points with many sequences should lie close together. One that lies far below the others is worth a look: a copy number change, a repeat, a bad stretch of the genome.");
    let header: Vec<&str> = [what, "sequences"]
        .into_iter()
        .chain(dataset.outputs.iter().take(PANELS).map(String::as_str))
        .collect();
    let table: Vec<Vec<String>> = groups
        .iter()
        .map(|(name, places)| {
            let each = (0..outputs.min(PANELS)).map(|output| {
                let found = r(output, places);
                match found.is_finite() {
                    true => Digits::Few.of(found).to_string(),
                    false => String::new(),
                }
            });
            [name.clone(), places.len().to_string()]
                .into_iter()
                .chain(each)
                .collect()
        })
        .collect();
    page.table(&header, &table, SHOWN);
}
