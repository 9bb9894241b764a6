//! What went in: files, filters, split, transform, GC, correlation of the outputs.

use super::Run;
use super::data::Data;
use crate::data::dataset::Dataset;
use crate::data::prepared::Prepared;
use crate::data::split::rows::Split;
use crate::dna::sequences::{chromosome_of, start_in_name};
use crate::metrics::regression::{known, pearson};
use crate::numbers::{counted, rounded};
use crate::report::chromosome_map::{Chromosome, chromosome_map_svg};
use crate::report::clusters::tree;
use crate::report::heat_map::{HeatMap, heat_map_svg};
use crate::report::page::Page;
use std::collections::BTreeMap;

/// Outputs whose correlations are drawn; of more the picture tells nothing.
const DRAWN: usize = 60;

pub(super) fn section(page: &mut Page, run: &Run<'_>, data: Result<&Data, &String>) {
    let model = &run.members.first().config.model;
    page.heading("What went in");
    page.paragraph(&format!(
        "{} of {} bases, {}, {}. Architecture {}: {}.",
        data.map_or("Sequences".to_string(), |data| counted(
            data.dataset.len(),
            "sequence"
        )),
        model.window,
        counted(model.outputs.len(), "output"),
        counted(model.motifs.len(), "motif"),
        model.architecture.name,
        model.architecture.summary.trim_end_matches('.')
    ));
    if run.members.is_ensemble() {
        page.paragraph(&format!(
            "An ensemble of {}: {}.",
            counted(run.members.models.len(), "model"),
            run.members.names.join(", ")
        ));
    }
    match &model.transform {
        Some(transform) => page.paragraph(&capital(&transform.sentence())),
        None if model.data.is_none() => page.paragraph("The model was not trained here: how its signals were made is not known."),
        None => page.paragraph("How the signals were made is not known here: they came as a table. Signals of each output's own say how much a motif opens a region there, which includes what opens it everywhere; signals less their row's mean say where it makes a difference."),
    }
    if let Some(prepared) = prepared(run) {
        filters(page, &prepared);
    }
    match data {
        Err(why) => page.paragraph(&format!("The training data could not be looked at: {why}")),
        Ok(data) => of_data(page, data),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// How the data set was made, where `cisgrad prepare` made it.
fn prepared(run: &Run<'_>) -> Option<Prepared> {
    let data = run.members.first().config.model.data.as_ref()?;
    Prepared::read(data.atac_file.parent()?).ok()
}

fn filters(page: &mut Page, prepared: &Prepared) {
    let lost = &prepared.left_out;
    let causes = [
        ("peaks", prepared.peaks),
        (
            "left out: on chromosomes that are not in use",
            lost.chromosome,
        ),
        ("left out: at a chromosome's end", lost.end),
        ("left out: without a row in the table", lost.table),
        ("left out: on the blacklist", lost.blacklist),
        ("left out: with too many unknown bases", lost.unknown),
        ("left out: overlaps one that stays", lost.overlap),
        ("windows", prepared.windows),
    ];
    page.subheading("From peaks to windows");
    let rows = causes.into_iter().filter(|(_, count)| *count > 0);
    let rows: Vec<Vec<String>> = rows
        .map(|(cause, count)| vec![cause.to_string(), count.to_string()])
        .collect();
    page.table(&["", "count"], &rows, 20);
    page.advice("Many peaks on chromosomes that are not in use, or at chromosomes' ends, point to another genome build.");
}

fn of_data(page: &mut Page, data: &Data) {
    let (dataset, split) = (&data.dataset, &data.splits[0]);
    page.subheading("Split");
    let parts = [
        ("training", &split.train),
        ("validation", &split.validation),
        ("test", &split.test),
    ];
    let rows: Vec<Vec<String>> = parts
        .iter()
        .map(|(name, rows)| {
            let (mean, deviation) = gc(dataset, rows);
            vec![
                name.to_string(),
                rows.len().to_string(),
                rounded(mean).to_string(),
                rounded(deviation).to_string(),
            ]
        })
        .collect();
    page.table(
        &["part", "sequences", "GC, mean", "GC, standard deviation"],
        &rows,
        5,
    );
    page.advice("Where the parts' GC differ by more than a few hundredths, figures of the test say something about that difference too. Sequences of one part should lie on chromosomes or blocks of their own, since near ones resemble each other.");
    let map = chromosomes(dataset, split);
    if !map.is_empty() {
        let (svg, left_out) = chromosome_map_svg(&map);
        page.picture(&svg);
        if left_out > 0 {
            page.paragraph(&format!(
                "{} with fewer sequences are not drawn.",
                counted(left_out, "chromosome")
            ));
        }
    }
    if data.splits.iter().any(|other| other != split) {
        page.paragraph(
            "The split shown is the first model's: each model of a cross-validation has its own.",
        );
    }
    correlations(page, dataset);
}

/// Mean and standard deviation of the share of G and C among known bases.
fn gc(dataset: &Dataset, rows: &[usize]) -> (f64, f64) {
    let shares = rows.iter().filter_map(|&row| {
        let codes = dataset.codes(row);
        let known = codes.iter().filter(|&&code| code < 4).count();
        let strong = codes.iter().filter(|&&code| code == 1 || code == 2).count();
        (known > 0).then(|| strong as f64 / known as f64)
    });
    let shares: Vec<f64> = shares.collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let squares: f64 = shares.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / shares.len() as f64).sqrt())
}

/// Where rows lie, as far as their names or the intervals say.
fn chromosomes(dataset: &Dataset, split: &Split) -> Vec<Chromosome> {
    let mut found: BTreeMap<String, Vec<(u64, usize)>> = BTreeMap::new();
    let parts = [&split.train, &split.validation, &split.test];
    for (part, rows) in parts.into_iter().enumerate() {
        for &row in rows {
            let name = &dataset.names[row];
            let Some(start) = start_in_name(name) else {
                continue;
            };
            let chromosome = chromosome_of(dataset.chromosomes.as_deref(), &dataset.names, row);
            if let Some(chromosome) = chromosome {
                let places = found.entry(chromosome.to_string()).or_default();
                places.push((start, part));
            }
        }
    }
    let mut all: Vec<Chromosome> = found
        .into_iter()
        .map(|(name, rows)| Chromosome { name, rows })
        .collect();
    // chr2 before chr10.
    all.sort_by_key(|chromosome| {
        let digits = chromosome
            .name
            .trim_start_matches(|c: char| !c.is_ascii_digit());
        (
            digits.parse::<u32>().unwrap_or(u32::MAX),
            chromosome.name.clone(),
        )
    });
    all
}

fn correlations(page: &mut Page, dataset: &Dataset) {
    let outputs = &dataset.outputs;
    if outputs.len() < 2 {
        return;
    }
    page.subheading("Correlation of the outputs' signals");
    if outputs.len() > DRAWN {
        page.paragraph(&format!(
            "{}: more than can be drawn.",
            counted(outputs.len(), "output")
        ));
        return;
    }
    let column = |output: usize| -> Vec<f64> {
        (0..dataset.len())
            .map(|row| dataset.signals(row)[output])
            .collect()
    };
    let columns: Vec<Vec<f64>> = (0..outputs.len()).map(column).collect();
    let values: Vec<f64> = columns
        .iter()
        .flat_map(|a| {
            columns.iter().map(move |b| {
                let (a, b) = both(a, b);
                pearson(&a, &b)
            })
        })
        .map(|r| if r.is_finite() { r } else { 0.0 })
        .collect();
    let rows: Vec<Vec<f64>> = values.chunks(outputs.len()).map(<[f64]>::to_vec).collect();
    let order = tree(&rows);
    page.picture(&heat_map_svg(&HeatMap {
        title: "Correlation of signals",
        scale: "r",
        rows: outputs,
        columns: outputs,
        values: &values,
        row_tree: &order,
        column_tree: &order,
    }));
    page.advice("Outputs that are nearly the same (r near 1) give nearly the same ranking. After row centering two outputs mirror each other (r = -1), and three have r near -0.5.");
}

/// Numbers of two columns where both are there.
fn both(a: &[f64], b: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (a, b) = known(a, b);
    let (b, a) = known(&b, &a);
    (a, b)
}
