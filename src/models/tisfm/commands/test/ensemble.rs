//! An ensemble's figures: those of the mean of its models' predictions, and how its models do by themselves. Of a cross-validation each
//! sequence is predicted by the models whose test fold it is in.

use super::{Args, Measured, signals};
use crate::Result;
use crate::data::split::rows::Split;
use crate::io::grown_table::GrownTable;
use crate::models::tisfm::baselines::of_folds;
use crate::models::tisfm::measured::scores;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::samples::Rows;
use crate::numbers::counted;
use crate::report::progress::Reporter;
use std::path::PathBuf;

pub(super) fn run(args: &Args, members: &Members) -> Result<()> {
    for (given, flag) in [
        (args.plot_final_layer, "--plot-final-layer"),
        (args.extract_final_layer.is_some(), "--extract-final-layer"),
    ] {
        if given {
            members.alone(flag)?;
        }
    }
    let first = members.first();
    let stats = args.stat_out.as_deref();
    let stats = stats
        .map(|file| GrownTable::at("--stat-out", file))
        .transpose()?;
    args.check_agreement(first)?;
    let dataset = args.data.dataset(first, args.model.genome.as_deref())?;
    let stats = stats
        .map(|file| super::stat_out::Table::open(file, first, &dataset.outputs))
        .transpose()?;
    let more = args
        .stat_out
        .iter()
        .map(|file| ("--stat-out", file.clone()));
    let more: Vec<(&str, PathBuf)> = more.collect();
    let (precision, device) = args.model.prepare(&members.models, args.inputs(), &more)?;
    let splits = members
        .models
        .iter()
        .map(|model| args.data.split(model, &dataset));
    let splits: Vec<Split> = splits.collect::<Result<_>>()?;
    let device = device.announce();
    first.config.model.tell_transform();
    let rows: Vec<Vec<usize>> = splits.iter().map(|split| args.part(split)).collect();
    let samples = Rows {
        codes: &dataset.codes,
        targets: &[],
        length: dataset.length,
    };
    let all = rows.iter().map(Vec::len).sum();
    let bar = Reporter::new().bar("testing", all, "sequences");
    let size = args.model.batch_size;
    let found = members.predict(&device, precision, samples, &rows, size, |n| bar.advance(n))?;
    bar.finish();
    args.warn_of(&dataset, &found.rows);
    let each = rows
        .iter()
        .zip(&found.each)
        .map(|(rows, predictions)| scores(&dataset.outputs, predictions, &signals(&dataset, rows)));
    let each: Vec<_> = each.collect();
    let rules = match args.no_baselines {
        true => Vec::new(),
        false => of_folds(&dataset, &splits, &rows, &found.rows)?,
    };
    let scores = args.report(&Measured {
        dataset: &dataset,
        rows: &found.rows,
        predictions: &found.mean.to_f64(),
        rules: &rules,
        members: &each,
    })?;
    let own = rows.iter().any(|other| *other != rows[0]);
    tell!(
        "an ensemble of {}: the first columns are about {}; members_ columns are the mean and the standard deviation of the figures of single models",
        counted(members.models.len(), "model"),
        match own {
            true => "each sequence's prediction by the models that were not trained on it",
            false => "the mean of their predictions",
        }
    );
    match stats {
        Some(stats) => stats.add(&args.index(), &scores),
        None => Ok(()),
    }
}
