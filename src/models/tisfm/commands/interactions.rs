//! `cisgrad tisfm interactions`.

use super::looked_at::LookedAt;
use super::model_args::ModelArgs;
use crate::Result;
use crate::args::numbers::one_or_more;
use crate::args::{Digits, emit};
use crate::models::tisfm::interactions::interactions;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::train::model::Kinds;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Sequences by which activities are told: name and sequence per line, FASTA, or BED with --genome [default: those that tested
    /// the model]
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
    /// Pairs, those with the largest effect first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = one_or_more::<usize>)]
    top: usize,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let members = Members::open(&args.model.model, known)?;
    let model = members.first();
    let layer = FinalLayer::of(model)?;
    let inputs = args.sequences.iter().cloned().collect();
    let (precision, device) = args.model.prepare(&members.models, inputs, &[])?;
    let looked_at = LookedAt::of(
        "--sequences",
        args.model.genome.as_deref(),
        args.sequences.as_deref(),
        &members,
    )?;
    let found = looked_at.activities(&args.model, &members, &device.announce(), precision)?;
    let pairs = interactions(&members.models, &layer, &found, args.top)?;
    tell!("effects are over {}", looked_at.shown());
    let digits = Digits::of_output(args.model.out.as_deref()).of_model(precision);
    emit(args.model.out.as_deref(), |w| {
        writeln!(w, "layer\tmotif\tname\tby\tby_name\tweight\teffect")?;
        for pair in &pairs {
            write!(w, "{}", pair.layer)?;
            for feature in [pair.gated, pair.by] {
                let id = layer.identified(feature, model);
                write!(w, "\t{id}\t{}", layer.shown(feature, model))?;
            }
            let (weight, effect) = (digits.of(pair.weight), digits.of(pair.effect));
            writeln!(w, "\t{weight}\t{effect}")?;
        }
        Ok(())
    })
}
