//! `cisgrad tisfm motifs`.

mod draw;
pub(super) mod families;
mod table;

use super::looked_at::LookedAt;
use super::model_args::ModelArgs;
use crate::args::Digits;
use crate::args::numbers::{number, one_or_more};
use crate::models::tisfm::activities::Activities;
use crate::models::tisfm::families::Families;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::motif_ranks::{
    Activity, By, FinalLayer, Ranked, has_blocks, motif_ranks,
};
use crate::models::tisfm::motif_spread::{Agreement, ensemble_ranks};
use crate::models::tisfm::trained_kernels::Moved;
use crate::numbers::counted;
use crate::train::model::Kinds;
use crate::{Error, Result};
use draw::{draw, of_model};
use std::path::{Path, PathBuf};

/// Motifs of each output that are first ones, where `--top` does not say: in pictures, and for an ensemble's agreement.
const FIRST: usize = 10;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Sequences by which importance is told: name and sequence per line, FASTA, or BED with --genome [default: those that tested
    /// the model]
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
    /// What ranks go by: importance (the weight times the standard deviation of the motif's activity over the sequences), or weight, as
    /// the original has it, which needs no sequences [default: importance, where there are sequences]
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<ByArg>,
    /// Rank families: motifs whose activities rise and fall together
    #[arg(long, conflicts_with = "logos")]
    families: bool,
    /// With --families: motifs are joined while 1 - r of their activities is this or less, on average over all their pairs
    #[arg(long, value_name = "DISTANCE", default_value_t = CUT, value_parser = cut)]
    cut: f64,
    /// One row per motif or family and one column per output
    #[arg(long, conflicts_with = "logos")]
    wide: bool,
    /// Only the first N motifs of each output
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    top: Option<usize>,
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

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum ByArg {
    Importance,
    Weight,
}

/// On accessible regions of chr22 this keeps the motifs of one factor's family together, and AT-rich motifs of many families apart, which
/// 0.5 joins (docs/benchmarks.md).
pub const CUT: f64 = 0.3;

fn cut(text: &str) -> std::result::Result<f64, String> {
    match number(text) {
        Ok(cut) if (0.0..=2.0).contains(&cut) => Ok(cut),
        _ => Err("expected a number from 0 to 2".to_string()),
    }
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    if args.families && args.by == Some(ByArg::Weight) {
        return Err(Error::usage(
            "--families ranks by importance: leave out --by weight",
        ));
    }
    let members = Members::open(&args.model.model, known)?;
    let model = members.first();
    let layers = members.models.iter().map(FinalLayer::of);
    let layers: Vec<FinalLayer> = layers.collect::<Result<_>>()?;
    let more = args.logos.iter().map(|file| ("--logos", file.clone()));
    let more: Vec<(&str, PathBuf)> = more.collect();
    let (precision, device) = args.model.prepare(&members.models, args.inputs(), &more)?;
    let exported = args.exported.as_deref();
    let exported = exported.map(|file| of_model(model, file)).transpose()?;
    let looked_at = args.looked_at(&members)?;
    let found = match &looked_at {
        None => None,
        Some(looked_at) => {
            let device = device.announce();
            Some(looked_at.activities(&args.model, &members, &device, precision)?)
        }
    };
    model.config.model.tell_transform();
    if let Some(looked_at) = &looked_at {
        tell!("importance is over {}", looked_at.shown());
    }
    if has_blocks(model)? {
        tell!(
            "note: the last layer of {} has several features a motif; the column block tells them apart",
            model.config.model.architecture.name
        );
    }
    let output = Output {
        top: args.top,
        wide: args.wide,
        out: args.model.out.as_deref(),
        digits: Digits::of_output(args.model.out.as_deref()).of_model(precision),
    };
    if args.families {
        let models = layers.iter().zip(found.iter().flatten());
        let found = Families::of(&models.collect::<Vec<_>>(), args.cut);
        return families::write(model, &layers[0], &found, &output);
    }
    let ranking = args.ranking(&members, &layers, found.as_deref())?;
    let moved = args.moved(&members)?;
    table::write(model, &ranking, moved.as_ref(), &output)?;
    match &args.logos {
        Some(file) => draw(
            model,
            &ranking.rows,
            ranking.by,
            args.top.unwrap_or(FIRST),
            &exported.unwrap_or_default(),
            file,
        ),
        None => Ok(()),
    }
}

/// Where a table goes, and how much of it.
struct Output<'a> {
    /// Ranks up to this one.
    top: Option<usize>,
    wide: bool,
    out: Option<&'a Path>,
    digits: Digits,
}

/// Motifs by output and rank.
struct Ranking {
    by: By,
    rows: Vec<Ranked>,
    /// Of an ensemble, in the same order; else empty.
    agreement: Vec<Agreement>,
}

impl Args {
    fn inputs(&self) -> Vec<PathBuf> {
        let given = [&self.sequences, &self.meme_file, &self.exported];
        given.into_iter().flatten().cloned().collect()
    }

    /// The sequences, where the ranking is told by some.
    ///
    /// # Errors
    /// Sequences that were given, or that --families or --by importance needs, and that cannot be read.
    fn looked_at(&self, members: &Members) -> Result<Option<LookedAt>> {
        let needed =
            self.sequences.is_some() || self.families || self.by == Some(ByArg::Importance);
        if self.by == Some(ByArg::Weight) && !needed {
            return Ok(None);
        }
        match LookedAt::of(
            "--sequences",
            self.model.genome.as_deref(),
            self.sequences.as_deref(),
            members,
        ) {
            Ok(found) => Ok(Some(found)),
            Err(error) if needed => Err(error),
            Err(error) => {
                tell!("note: ranks are by weight, importance is empty: {error}");
                Ok(None)
            }
        }
    }

    fn ranking(
        &self,
        members: &Members,
        layers: &[FinalLayer],
        found: Option<&[Activities]>,
    ) -> Result<Ranking> {
        let by = match (self.by, found) {
            (Some(ByArg::Weight), _) | (None, None) => By::Weight,
            _ => By::Importance,
        };
        let activities = found.map(|found| {
            let each = layers.iter().zip(found);
            let each = each.map(|(layer, found)| Activity::of(layer, &found.features));
            each.collect::<Vec<_>>()
        });
        let activities = activities.as_deref();
        let top = self.top.unwrap_or(FIRST);
        let (rows, agreement) = match members.is_ensemble() {
            true => {
                let found = ensemble_ranks(&members.models, activities, by, top)?;
                found.into_iter().unzip()
            }
            false => {
                let activity = activities.and_then(<[Activity]>::first);
                (motif_ranks(members.first(), activity, by)?, Vec::new())
            }
        };
        Ok(Ranking {
            by,
            rows,
            agreement,
        })
    }

    /// How far the kernels of a single model moved, by motif; says what is known of it.
    fn moved(&self, members: &Members) -> Result<Option<std::collections::HashMap<String, f64>>> {
        if members.is_ensemble() {
            // That is each model's own matter.
            return Ok(None);
        }
        let model = members.first();
        let Some(moved) = Moved::of(model, self.meme_file.as_deref())? else {
            return Ok(None);
        };
        let kernels = counted(model.config.model.motifs.len(), "kernel");
        match moved.count() {
            Some(count) => tell!(
                "note: the kernels of this model were trained: {count} of {kernels} moved; the column moved says by how much, at most, a number of each kernel has changed (they began as probabilities)"
            ),
            None => tell!(
                "note: the kernels of this model were trained; how far they moved is not known, since the motifs that the run read are not there or have changed: name them with --meme-file"
            ),
        }
        Ok(match moved {
            Moved::By(moved) => Some(moved),
            _ => None,
        })
    }
}
