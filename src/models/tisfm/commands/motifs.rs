//! `cisgrad tisfm motifs`.

use super::model_args::files_of_run;
use crate::args::numbers::one_or_more;
use crate::args::outputs;
use crate::args::{Digits, emit, say};
use crate::dna::motif::Motif;
use crate::io::atomic::write_atomic;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::motif_ranks::{Ranked, has_blocks, motif_ranks};
use crate::models::tisfm::motif_spread::ensemble_ranks;
use crate::models::tisfm::network::MOTIF_WEIGHT;
use crate::models::tisfm::saved::SavedModel;
use crate::models::tisfm::trained_kernels::Moved;
use crate::numbers::counted;
use crate::report::ranking_plot::{Line, Panel, ranking_svg};
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Motifs of each output in a picture, where `--top` does not say.
const DRAWN: usize = 10;

#[derive(clap::Args)]
pub struct Args {
    /// Model folder, weights in one (DIR/model.7), or the folder of an ensemble: the mean weight of its models
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Only the first N motifs of each output
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    top: Option<usize>,
    /// Write here instead of to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// For a model with trained kernels: the motifs that it started from [default: the file that the run read]
    #[arg(long, value_name = "MEME")]
    meme_file: Option<PathBuf>,
    /// Also draw the first motifs of each output with their logos (10, or --top) as SVG
    #[arg(long, value_name = "FILE")]
    logos: Option<PathBuf>,
    /// For the logos of trained kernels: their motifs, as `cisgrad motifs export` writes them
    #[arg(long, value_name = "MEME", requires = "logos")]
    exported: Option<PathBuf>,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let members = Members::open(&args.model, known)?;
    let model = members.first();
    let written = [("--out", &args.out), ("--logos", &args.logos)];
    let written: Vec<(&str, &Path)> = written
        .into_iter()
        .filter_map(|(flag, file)| Some((flag, file.as_deref()?)))
        .collect();
    let mut read: Vec<PathBuf> = members.models.iter().flat_map(files_of_run).collect();
    read.extend(args.meme_file.clone());
    read.extend(args.exported.clone());
    outputs::check(&written, &read)?;
    let (ranked, agreement) = match members.is_ensemble() {
        true => ensemble_ranks(&members.models)?.into_iter().unzip(),
        false => (motif_ranks(model)?, Vec::new()),
    };
    model.config.model.tell_transform();
    let exported = args.exported.as_deref();
    let exported = exported.map(|file| of_model(model, file)).transpose()?;
    let blocks = has_blocks(model)?;
    if blocks {
        tell!(
            "note: the last layer of {} has several features a motif; the column block tells them apart",
            model.config.model.architecture.name
        );
    }
    let moved = match members.is_ensemble() {
        // How far kernels moved is each model's own matter.
        true => None,
        false => Moved::of(model, args.meme_file.as_deref())?,
    };
    if let Some(moved) = &moved {
        let kernels = counted(model.config.model.motifs.len(), "kernel");
        match moved.count() {
            Some(count) => tell!(
                "note: the kernels of this model were trained: {count} of {kernels} moved; the column moved says by how much, at most, a number of each kernel has changed (they began as probabilities)"
            ),
            None => tell!(
                "note: the kernels of this model were trained; how far they moved is not known, since the motifs that the run read are not there or have changed: name them with --meme-file"
            ),
        }
    }
    let moved = match moved {
        Some(Moved::By(moved)) => Some(moved),
        _ => None,
    };
    let names = !model.config.model.motif_names.is_empty();
    let top = args.top.unwrap_or(usize::MAX);
    let digits = Digits::of_output(args.out.as_deref());
    emit(args.out.as_deref(), |w| {
        writeln!(
            w,
            "output\trank\tmotif{}{}\tweight{}{}",
            if names { "\tname" } else { "" },
            if blocks { "\tblock" } else { "" },
            if moved.is_some() { "\tmoved" } else { "" },
            if agreement.is_empty() {
                ""
            } else {
                "\tweight_sd\trank_mean\trank_sd"
            }
        )?;
        let shown = ranked.iter().enumerate();
        for (place, row) in shown.filter(|(_, row)| row.rank <= top) {
            write!(w, "{}\t{}\t{}", row.output, row.rank, row.motif)?;
            if names {
                write!(w, "\t{}", row.name.as_deref().unwrap_or_default())?;
            }
            if blocks {
                write!(w, "\t{}", row.block.as_deref().unwrap_or_default())?;
            }
            write!(w, "\t{}", digits.of(row.weight))?;
            if let Some(moved) = &moved {
                let moved = moved.get(&row.motif).copied().unwrap_or(f64::NAN);
                write!(w, "\t{}", digits.of(moved))?;
            }
            if let Some(agreement) = agreement.get(place) {
                for number in [agreement.weight_sd, agreement.rank_mean, agreement.rank_sd] {
                    write!(w, "\t{}", digits.of(number))?;
                }
            }
            writeln!(w)?;
        }
        Ok(())
    })?;
    match &args.logos {
        Some(file) => draw(
            model,
            &ranked,
            args.top.unwrap_or(DRAWN),
            &exported.unwrap_or_default(),
            file,
        ),
        None => Ok(()),
    }
}

/// The exported motifs of a model's kernels.
///
/// # Errors
/// Those of the reader; motifs of other kernels.
fn of_model(model: &SavedModel, file: &Path) -> Result<Vec<Motif>> {
    let mut notes = Vec::new();
    let motifs = parse_meme(Sources::new().lines(file)?, &mut notes)?;
    say(&notes);
    let ids: HashSet<&String> = model.config.model.motifs.iter().collect();
    match motifs.iter().any(|motif| ids.contains(&motif.id)) {
        true => Ok(motifs),
        false => Err(Error::invalid(format!(
            "--exported {}: none of its motifs is one of {}; write them with cisgrad motifs export",
            file.display(),
            model.file.display()
        ))),
    }
}

/// The first `top` motifs of each output, with the exported matrices, or else with those that the weights hold.
fn draw(
    model: &SavedModel,
    ranked: &[Ranked],
    top: usize,
    exported: &[Motif],
    file: &Path,
) -> Result<()> {
    let config = &model.config.model;
    let blueprint = config.blueprint();
    let matrices = match (
        &blueprint.kernels,
        blueprint.spec.strands(),
        model.weights.get(MOTIF_WEIGHT),
    ) {
        (Some(kernels), Some(strands), Some(weight)) => {
            kernels.motifs_of(strands, &weight.values.to_f64())
        }
        _ => Vec::new(),
    };
    let matrices: HashMap<&str, &Vec<[f64; 4]>> = config
        .motifs
        .iter()
        .zip(&matrices)
        .filter_map(|(id, rows)| Some((id.as_str(), rows.as_ref()?)))
        .chain(
            exported
                .iter()
                .map(|motif| (motif.id.as_str(), &motif.rows)),
        )
        .collect();
    let shown = || ranked.iter().filter(|row| row.rank <= top);
    let names: Vec<String> = shown().map(shown_name).collect();
    let mut panels: Vec<Panel> = Vec::new();
    let mut without = 0;
    for (row, name) in shown().zip(&names) {
        let rows = matrices.get(row.motif.as_str()).map(|rows| rows.as_slice());
        without += usize::from(rows.is_none());
        if row.rank == 1 {
            panels.push(Panel {
                title: &row.output,
                lines: Vec::new(),
            });
        }
        let line = Line {
            rank: row.rank,
            name,
            id: &row.motif,
            rows,
            weight: row.weight,
        };
        if let Some(panel) = panels.last_mut() {
            panel.lines.push(line);
        }
    }
    if without > 0 && !exported.is_empty() {
        tell!(
            "note: {}: {} without a logo: --exported has no motif of these kernels",
            file.display(),
            counted(without, "line")
        );
    } else if without > 0 {
        tell!(
            "note: {}: {} without a logo: the kernels were trained and are no probabilities any more; write their motifs with cisgrad motifs export --model {} --out FILE and give --exported FILE",
            file.display(),
            counted(without, "line"),
            model.folder().display()
        );
    }
    let text = ranking_svg("First motifs of each output, by weight", &panels);
    write_atomic(file, |w| w.write_all(text.as_bytes()))?;
    tell!("{}", file.display());
    Ok(())
}

/// The factor's name, else the identifier, and the block.
fn shown_name(row: &Ranked) -> String {
    let name = row.name.as_deref().unwrap_or(&row.motif);
    match row.block.as_deref() {
        Some(block) if !block.is_empty() => format!("{name} {block}"),
        _ => name.to_string(),
    }
}
