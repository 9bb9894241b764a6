//! Which bases make the largest predictions of the test sequences.

use super::super::explain::{ByMotifs, check_explainable, loaded, networks};
use super::Run;
use super::data::Data;
use crate::Result;
use crate::args::chosen_outputs::chosen_outputs;
use crate::attribution::explainer::{Explainer, Settings};
use crate::attribution::method::Method;
use crate::attribution::output::Output;
use crate::attribution::page_section::{SHOWN, Strongest, section as shown};
use crate::attribution::subjects::{Place, Subject};
use crate::attribution::work::Hits;
use crate::dna::sequences::{chromosome_of, start_in_name};
use crate::models::tisfm::parts::MotifParts;
use crate::models::tisfm::samples::Rows;
use crate::numbers::descending;
use crate::report::page::Page;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use std::sync::Arc;

/// From this share of a sequence's summed shares on a window of a motif is named.
const NAMED: f64 = 0.02;

pub(super) fn section(
    page: &mut Page,
    run: &Run<'_>,
    data: std::result::Result<&Data, &String>,
) -> Result<()> {
    let Ok(data) = data else {
        return Ok(());
    };
    let test = &data.splits[0].test;
    if test.is_empty() || check_explainable(run.members.first()).is_err() {
        return Ok(());
    }
    match run.precision {
        Precision::F64 => of::<f64>(page, run, data, test),
        _ => of::<f32>(page, run, data, test),
    }
}

fn of<T: Number>(page: &mut Page, run: &Run<'_>, data: &Data, test: &[usize]) -> Result<()> {
    let dataset = &data.dataset;
    let samples = Rows {
        codes: &dataset.codes,
        targets: &[],
        length: dataset.length,
    };
    let size = run.given.batch_size;
    let rows = vec![test.to_vec(); run.members.models.len()];
    let (device, precision) = (run.device, run.precision);
    let found = run
        .members
        .predict(device, precision, samples, &rows, size, |_| {})?;
    let predictions = found.mean.to_f64();
    let width = dataset.outputs.len();
    let mut outputs = chosen_outputs(&dataset.outputs, &[])?;
    outputs.truncate(SHOWN);
    let strongest = outputs.iter().filter_map(|output| {
        let of_output = |at: &usize| predictions[at * width + output.place];
        let best = (0..test.len()).min_by(|a, b| descending(of_output(a), of_output(b)))?;
        let row = test[best];
        let chromosome = chromosome_of(dataset.chromosomes.as_deref(), &dataset.names, row);
        let place = chromosome.zip(start_in_name(&dataset.names[row]));
        Some(Strongest {
            output: output.place,
            name: dataset.names[row].clone(),
            place: place.map(|(chromosome, start)| Place {
                chromosome: chromosome.to_string(),
                start,
            }),
            subject: Arc::new(Subject {
                codes: dataset.codes(row).to_vec(),
                dense: Vec::new(),
            }),
            peaks: Vec::new(),
            note: String::new(),
        })
    });
    let strongest: Vec<Strongest> = strongest.collect();
    let places: Vec<usize> = outputs.iter().map(|output| output.place).collect();
    let mut named = by_motifs::<T>(run, samples, &rows, places.clone())?;
    let networks = networks::<T>(run.members)?;
    let settings = Settings::new(Method::Ism, size, precision);
    let mut explainer = Explainer::new(device, settings, loaded(&networks), places)?;
    let hits = named.as_mut().map(|named| named as &mut dyn Hits);
    let shown_outputs: &[Output] = &outputs;
    shown(
        page,
        &mut explainer,
        &strongest,
        (shown_outputs, ""),
        &[],
        hits,
    )
}

/// Names for stretches, where the architecture gives them.
fn by_motifs<'a, T: Number>(
    run: &'a Run<'_>,
    samples: Rows<'_>,
    rows: &[Vec<usize>],
    outputs: Vec<usize>,
) -> Result<Option<ByMotifs<'a, T>>> {
    let (device, precision, size) = (run.device, run.precision, run.given.batch_size);
    let models: Result<Vec<MotifParts<T>>> = networks::<T>(run.members)?
        .into_iter()
        .map(MotifParts::new)
        .collect();
    let Ok(mut models) = models else {
        return Ok(None);
    };
    for (model, rows) in models.iter_mut().zip(rows) {
        model.take_background(device, precision, samples, rows, size, |_| {})?;
    }
    let first = run.members.first();
    ByMotifs::new(models, first, device, (precision, size), NAMED, outputs).map(Some)
}
