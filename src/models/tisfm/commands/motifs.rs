//! `cisgrad tisfm motifs`.

use crate::Result;
use crate::args::numbers::one_or_more;
use crate::args::outputs;
use crate::args::{Digits, emit};
use crate::models::tisfm::motif_ranks::{has_blocks, motif_ranks};
use crate::models::tisfm::{KIND, saved};
use crate::train::model::Kinds;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Model folder, or weights in one (DIR/model.7)
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Only the first N motifs of each output
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    top: Option<usize>,
    /// Write here instead of to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let model = saved::open(&args.model, known)?;
    if let Some(out) = &args.out {
        let mut inputs = outputs::model_files(model.folder(), &KIND);
        inputs.extend(model.config.files.iter().map(|file| file.path.clone()));
        outputs::check(&[("--out", out)], &inputs)?;
    }
    let ranked = motif_ranks(&model)?;
    let blocks = has_blocks(&model)?;
    if blocks {
        tell!(
            "note: the last layer of {} has several features a motif; the column block tells them apart",
            model.config.model.architecture.name
        );
    }
    let names = !model.config.model.motif_names.is_empty();
    let top = args.top.unwrap_or(usize::MAX);
    let digits = Digits::of_output(args.out.as_deref());
    emit(args.out.as_deref(), |w| {
        writeln!(
            w,
            "output\trank\tmotif{}{}\tweight",
            if names { "\tname" } else { "" },
            if blocks { "\tblock" } else { "" }
        )?;
        for row in ranked.iter().filter(|r| r.rank <= top) {
            write!(w, "{}\t{}\t{}", row.output, row.rank, row.motif)?;
            if names {
                write!(w, "\t{}", row.name.as_deref().unwrap_or_default())?;
            }
            if blocks {
                write!(w, "\t{}", row.block.as_deref().unwrap_or_default())?;
            }
            writeln!(w, "\t{}", digits.of(row.weight))?;
        }
        Ok(())
    })
}
