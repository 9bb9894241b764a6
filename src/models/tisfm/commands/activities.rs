//! `cisgrad tisfm activities`.

use super::looked_at::LookedAt;
use super::model_args::ModelArgs;
use crate::args::{Digits, emit};
use crate::io::npz::write_npz;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Sequences: name and sequence per line, FASTA, or BED with --genome [default: those that tested the model]
    #[arg(long, value_name = "FILE")]
    sequences: Option<PathBuf>,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let members = Members::open(&args.model.model, known)?;
    let model = members.alone("activities")?;
    let layer = FinalLayer::of(model)?;
    let out = args.model.out.as_deref();
    let inputs = args.sequences.iter().cloned().collect();
    let (precision, device) = args.model.prepare(&members.models, inputs, &[])?;
    let looked_at = LookedAt::of(
        "--sequences",
        args.model.genome.as_deref(),
        args.sequences.as_deref(),
        &members,
    )?;
    let found = looked_at.activities(&args.model, &members, &device.announce(), precision)?;
    let (Some(found), Some(rows)) = (found.first(), looked_at.rows.first()) else {
        return Err(Error::invalid("no sequence to look at"));
    };
    let table = &found.features;
    let features = 0..layer.features.len();
    let columns: Vec<String> = features
        .map(|feature| layer.identified(feature, model))
        .collect();
    let names: Vec<String> = rows
        .iter()
        .map(|&row| looked_at.names[row].clone())
        .collect();
    let row = |row: usize| {
        let of_row = table.row(row);
        layer
            .features
            .iter()
            .map(move |feature| of_row[feature.column])
    };
    let is_npz = out.is_some_and(|out| out.extension().is_some_and(|ending| ending == "npz"));
    match out.filter(|_| is_npz) {
        Some(path) => write_npz(path, |npz| {
            let shape = [names.len() as u64, columns.len() as u64];
            let numbers = (0..names.len()).flat_map(row).map(|x| x as f32);
            npz.numbers("activities", &shape, numbers)?;
            npz.texts("sequences", &names)?;
            npz.texts("motifs", &columns)
        }),
        None => {
            let digits = Digits::of_output(out).of_model(precision);
            emit(out, |w| {
                writeln!(w, "name\t{}", columns.join("\t"))?;
                for (place, name) in names.iter().enumerate() {
                    write!(w, "{name}")?;
                    row(place).try_for_each(|x| write!(w, "\t{}", digits.of(x)))?;
                    writeln!(w)?;
                }
                Ok(())
            })
        }
    }
}
