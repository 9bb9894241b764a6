//! `cisgrad marginalize` of a FactorNet model, or of an ensemble of them.

use super::explain::{Asked, SCALE, files_of, loaded, takes_more};
use super::members::Members;
use crate::args::chosen_outputs::chosen_outputs;
use crate::args::marginalize_args::{MarginalizeArgs, marginalize};
use crate::args::say;
use crate::data::Notes;
use crate::io::sources::Sources;
use crate::train::folder::config::Precision;
use crate::train::model::Kinds;
use crate::{Error, Result};

pub use super::explain::Args;

pub fn run(given: &MarginalizeArgs, own: &Args, known: Kinds) -> Result<()> {
    let members = Members::open(&given.model, known)?;
    let first = members.first();
    let network = &first.model.config.model.network;
    let outputs = chosen_outputs(&first.model.config.model.factors, &given.output)?;
    let Some(file) = &given.background else {
        return Err(Error::usage(
            "--background is needed for a FactorNet model: sequences, or for a model with tracks a BED of the cell line's genome",
        ));
    };
    let mut read = files_of(&members);
    read.extend(own.chrom_sizes.clone());
    let (precision, device) = given.open(first.model.config.precision, read)?;
    let sources = Sources::new();
    let mut notes = Notes::new();
    let inserts = given.inserts(Vec::new(), network.length, &sources, &mut notes)?;
    let asked = Asked {
        genome: given.genome.as_ref(),
        cell: own,
        batch_size: given.batch_size,
        precision: given.precision,
        device: &given.device,
    };
    let subjects = match takes_more(network) {
        true => asked.windows(file, first, &sources, &mut notes)?,
        false => asked.sequences("--background", file, first, &sources, &mut notes)?,
    };
    let device = device.announce();
    say(&notes);
    let (subjects, rows) = (subjects.as_ref(), given.rows(subjects.len()));
    match precision {
        Precision::F64 => {
            let models = loaded::<f64>(&members)?;
            marginalize(
                given,
                &device,
                precision,
                models,
                (&outputs, SCALE),
                &inserts,
                (subjects, &rows),
            )
        }
        _ => {
            let models = loaded::<f32>(&members)?;
            marginalize(
                given,
                &device,
                precision,
                models,
                (&outputs, SCALE),
                &inserts,
                (subjects, &rows),
            )
        }
    }
}
