//! `cisgrad marginalize` of a FactorNet model, or of an ensemble of them.

use super::explain::{Asked, SCALE, files_of, loaded, takes_more};
use super::members::Members;
use crate::args::chosen_outputs::chosen_outputs;
use crate::args::marginalize_args::{Inserts, MarginalizeArgs, marginalize};
use crate::args::say;
use crate::attribution::output::Output;
use crate::attribution::subjects::Subjects;
use crate::data::Notes;
use crate::engine::Device;
use crate::io::sources::Sources;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
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
    let run = Run {
        given,
        members: &members,
        device: &device,
        precision,
        backgrounds: subjects.as_ref(),
    };
    match precision {
        Precision::F64 => run.marginalize::<f64>(&outputs, &inserts),
        _ => run.marginalize::<f32>(&outputs, &inserts),
    }
}

struct Run<'a> {
    given: &'a MarginalizeArgs,
    members: &'a Members,
    device: &'a Device,
    precision: Precision,
    backgrounds: &'a dyn Subjects,
}

impl Run<'_> {
    fn marginalize<T: Number>(&self, outputs: &[Output], inserts: &Inserts) -> Result<()> {
        let rows = self.given.rows(self.backgrounds.len());
        marginalize(
            self.given,
            self.device,
            self.precision,
            loaded::<T>(self.members)?,
            (outputs, SCALE),
            inserts,
            (self.backgrounds, &rows),
        )
    }
}
