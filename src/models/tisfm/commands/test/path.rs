//! `--plot-path`: how a penalty path's steps do, and what is left of the final layer, as a table and pictures.

use super::Args;
use crate::args::own_name::FileNames;
use crate::io::atomic::write_atomic;
use crate::models::tisfm::KIND;
use crate::models::tisfm::config::{Config, Description};
use crate::models::tisfm::measured::Score;
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::models::tisfm::penalty_path::{STEPS, step_folder};
use crate::models::tisfm::saved::{self, SavedModel};
use crate::numbers::{counted, descending};
use crate::report::line_chart::{Chart, Line, line_chart_svg};
use crate::train::folder::CONFIG;
use crate::train::folder::config::{Described, Difference};
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Lines that a picture names, as many as there are colours: of weights those of the motifs with the largest at the best step.
const NAMED: usize = 9;

/// A finished step.
struct Step {
    lambda: f64,
    layer: FinalLayer,
    scores: Vec<Score>,
}

pub(super) fn run(args: &Args, known: Kinds) -> Result<()> {
    let folder = &args.model.model;
    let lambdas = finished(folder, known)?;
    let open = |index: usize| saved::open(&step_folder(folder, index), known);
    let first = open(0)?;
    args.check_agreement(&first)?;
    let dataset = args.data.dataset(&first, args.model.genome.as_deref())?;
    // What no step can be drawn of is said before any is tested.
    FinalLayer::of(&first)?;
    check_steps(folder, &first, lambdas.len(), known)?;
    let mut names = FileNames::default();
    let coefficients: Vec<PathBuf> = dataset
        .outputs
        .iter()
        .map(|output| folder.join(format!("path_coef_{}.svg", names.of(output))))
        .collect();
    let (table, losses) = (folder.join("path_eval.tsv"), folder.join("path_mse.svg"));
    let files = [&table, &losses].into_iter().chain(&coefficients);
    let files: Vec<(&str, PathBuf)> = files.map(|file| ("--plot-path", file.clone())).collect();
    if args.plot_x_log && lambdas.iter().all(|lambda| *lambda == 0.0) {
        return Err(Error::invalid(format!(
            "--plot-x-log: {} has a step of penalty 0 alone: there is nothing to draw",
            folder.display()
        )));
    }
    let (precision, device) =
        args.model
            .prepare(std::slice::from_ref(&first), args.inputs(), &files)?;
    let split = args.data.split(&first, &dataset)?;
    let device = device.announce();
    let rows = args.rows(&dataset, &split);
    let mut steps = Vec::new();
    for (index, &lambda) in lambdas.iter().enumerate() {
        let model = open(index)?;
        steps.push(Step {
            lambda,
            layer: FinalLayer::of(&model)?,
            scores: args.scores(&model, &device, precision, &dataset, &rows)?,
        });
    }
    write_table(&table, &dataset.outputs, &steps)?;
    let shown = on_axis(&steps, args.plot_x_log);
    if shown.len() < steps.len() {
        tell!(
            "note: --plot-x-log: the step of penalty 0 has no place on a logarithmic axis; the pictures leave it out"
        );
    }
    if shown
        .iter()
        .all(|step| step.layer.weights.iter().all(|w| *w == 0.0))
    {
        tell!("note: all weights of the final layer are 0 at every step that is drawn");
    }
    let x: Vec<f64> = shown.iter().map(|step| step.lambda).collect();
    write_losses(&losses, &shown, &x, args.plot_x_log)?;
    for (output, file) in coefficients.iter().enumerate() {
        write_weights(file, &first, output, &steps, args.plot_x_log)?;
    }
    for (_, file) in files {
        tell!("{}", file.display());
    }
    Ok(())
}

/// That the steps are models of the first one's outputs and motifs, whose names the table and the pictures bear.
fn check_steps(folder: &Path, first: &SavedModel, steps: usize, known: Kinds) -> Result<()> {
    for index in 1..steps {
        let step = step_folder(folder, index);
        let config = Config::read(&step, &KIND, known)?;
        let (config, first) = (&config.model, &first.config.model);
        let motifs = |d: &Description| d.motifs.join(",");
        let found = first
            .difference(config)
            .or_else(|| Difference::among([("motifs", motifs(first), motifs(config))]));
        if let Some(Difference { what, .. }) = found {
            return Err(Error::invalid(format!(
                "--plot-path: {}: not the same {what} as in {}: its files are another run's",
                step.join(CONFIG).display(),
                step_folder(folder, 0).display()
            )));
        }
    }
    Ok(())
}

/// The penalties of the steps that are finished, from the path's own table.
fn finished(folder: &Path, known: Kinds) -> Result<Vec<f64>> {
    let config = Config::read(folder, &KIND, known)?;
    let all = config
        .flags
        .get("penalty_param")
        .and_then(serde_json::Value::as_array);
    let all = all.map_or(0, Vec::len);
    let table = folder.join(STEPS);
    if all < 2 {
        return Err(Error::invalid(format!(
            "--plot-path: {} is the folder of one model, not of a penalty path (--penalty-param-range)",
            folder.display()
        )));
    }
    let text = match std::fs::read_to_string(&table) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(Error::io(&table, e)),
    };
    let mut lambdas = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1) {
        let lambda = line
            .split('\t')
            .nth(1)
            .and_then(|lambda| lambda.parse().ok());
        lambdas.push(lambda.ok_or_else(|| {
            Error::format_at(
                &table,
                number as u64 + 1,
                "has no penalty in its second column",
            )
        })?);
    }
    match lambdas.len() {
        0 => Err(Error::invalid(format!(
            "--plot-path: no step of {} is finished yet",
            folder.display()
        ))),
        some => {
            if some < all {
                tell!(
                    "note: {some} of {} of the path are finished; the others are left out",
                    counted(all, "step")
                );
            }
            Ok(lambdas)
        }
    }
}

fn write_table(file: &Path, outputs: &[String], steps: &[Step]) -> Result<()> {
    write_atomic(file, |w| {
        writeln!(w, "step\toverall\t{}\tlambda", outputs.join("\t"))?;
        for (index, step) in steps.iter().enumerate() {
            let (all, each) = step
                .scores
                .split_last()
                .map_or((f64::NAN, &[][..]), |(all, each)| (all.mse, each));
            write!(w, "path_{index}\t{all:?}")?;
            for score in each {
                write!(w, "\t{:?}", score.mse)?;
            }
            writeln!(w, "\t{:?}", step.lambda)?;
        }
        Ok(())
    })
}

/// Each output's loss over the penalty, and that of all. Of many outputs those with the lowest and the highest losses at the
/// best step are named, as many as there are colours for.
fn write_losses(file: &Path, steps: &[&Step], x: &[f64], log_x: bool) -> Result<()> {
    const ENDS: usize = (NAMED - 1) / 2;
    let scores = steps.first().map_or(&[][..], |step| &step.scores);
    let outputs = scores.len().saturating_sub(1);
    let loss = |step: usize, score: usize| steps[step].scores[score].mse;
    let best = lowest(steps.len(), |step| loss(step, outputs));
    let mut order: Vec<usize> = (0..outputs).collect();
    order.sort_by(|&a, &b| loss(best, a).total_cmp(&loss(best, b)));
    let some = outputs >= NAMED;
    if some {
        order.drain(ENDS..outputs - ENDS);
    }
    let name = |i: usize| match i == outputs {
        true => "overall".to_string(),
        false => scores[i].output.clone(),
    };
    let line = |i: usize, named: bool| Line {
        name: named.then(|| name(i)),
        values: steps.iter().map(|step| step.scores[i].mse).collect(),
    };
    let named = order
        .iter()
        .chain([&outputs])
        .filter(|_| !scores.is_empty());
    let others = (0..outputs).filter(|i| !order.contains(i));
    let lines: Vec<Line> = named
        .map(|&i| line(i, true))
        .chain(others.map(|i| line(i, false)))
        .collect();
    let title = match some {
        true => format!(
            "Mean squared error along the path: overall, and the {ENDS} lowest and {ENDS} highest of {outputs} outputs"
        ),
        false => "Mean squared error along the path".to_string(),
    };
    let text = line_chart_svg(&Chart {
        title: &title,
        x_name: "penalty (lambda)",
        y_name: "MSE",
        x,
        log_x,
        marked: None,
        lines: &lines,
    });
    write_atomic(file, |w| w.write_all(text.as_bytes()))
}

/// The place of the lowest number, the first one of equal ones.
fn lowest(count: usize, number: impl Fn(usize) -> f64) -> usize {
    (0..count)
        .min_by(|&a, &b| number(a).total_cmp(&number(b)))
        .unwrap_or(0)
}

/// An output's weights over the penalty; a dashed line at the step with its lowest loss, of those that have a place on the axis.
fn write_weights(
    file: &Path,
    model: &SavedModel,
    output: usize,
    all: &[Step],
    log_x: bool,
) -> Result<()> {
    let steps: Vec<&Step> = on_axis(all, log_x);
    let x: Vec<f64> = steps.iter().map(|step| step.lambda).collect();
    let best = lowest(steps.len(), |i| steps[i].scores[output].mse);
    let best_of_all = &all[lowest(all.len(), |i| all[i].scores[output].mse)];
    let layer = &steps[best].layer;
    let weights = layer.output(output);
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&i, &j| descending(weights[i].abs(), weights[j].abs()));
    let named: Vec<usize> = order
        .into_iter()
        .take(NAMED)
        .filter(|&i| weights[i] != 0.0)
        .collect();
    let line = |feature: usize| Line {
        name: named
            .contains(&feature)
            .then(|| layer.shown(feature, model)),
        values: steps
            .iter()
            .map(|step| step.layer.output(output)[feature])
            .collect(),
    };
    // Colours in the order of the weights' sizes.
    let others = (0..weights.len()).filter(|feature| !named.contains(feature));
    let lines: Vec<Line> = named.iter().copied().chain(others).map(line).collect();
    let dashed = match best_of_all.lambda == steps[best].lambda {
        true => "dashed: the lowest loss".to_string(),
        false => format!(
            "dashed: the lowest loss of the steps drawn (the lowest of all is at penalty {})",
            best_of_all.lambda
        ),
    };
    let text = line_chart_svg(&Chart {
        title: &format!(
            "{}: weights of the final layer along the path",
            steps[best].scores[output].output
        ),
        x_name: &format!("penalty (lambda); {dashed}"),
        y_name: "weight",
        x: &x,
        log_x,
        marked: Some(steps[best].lambda),
        lines: &lines,
    });
    write_atomic(file, |w| w.write_all(text.as_bytes()))
}

/// The steps that have a place on the axis of the penalty.
fn on_axis(steps: &[Step], log_x: bool) -> Vec<&Step> {
    let steps = steps.iter();
    steps.filter(|step| !log_x || step.lambda > 0.0).collect()
}
