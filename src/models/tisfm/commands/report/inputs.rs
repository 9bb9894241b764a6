//! What went in: files, filters, split, transform, GC, correlation of the outputs.

use super::Run;
use super::data::Data;
use crate::data::dataset::Dataset;
use crate::data::prepared::Prepared;
use crate::dna::bases::gc_share;
use crate::dna::sequences::{chromosome_of, start_in_name};
use crate::metrics::regression::{known, pearson};
use crate::numbers::counted;
use crate::report::clusters::tree;
use crate::report::heat_map::{HeatMap, heat_map_svg};
use crate::report::page::Page;
use crate::report::split_section::{self, Placed};

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
    let parts = [&split.train, &split.validation, &split.test];
    let rows = parts.into_iter().enumerate().flat_map(|(part, rows)| {
        rows.iter().map(move |&row| {
            let chromosome = chromosome_of(dataset.chromosomes.as_deref(), &dataset.names, row);
            Placed {
                part,
                gc: gc_share(dataset.codes(row)),
                place: chromosome.zip(start_in_name(&dataset.names[row])),
            }
        })
    });
    split_section::split(page, "sequences", &rows.collect::<Vec<_>>());
    if data.splits.iter().any(|other| other != split) {
        page.paragraph(
            "The split shown is the first model's: each model of a cross-validation has its own.",
        );
    }
    correlations(page, dataset);
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
