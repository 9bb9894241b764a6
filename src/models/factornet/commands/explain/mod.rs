//! `cisgrad explain` of a FactorNet model, or of an ensemble of them.

mod inputs;
mod windows;

use super::members::{Member, Members};
use super::outputs;
use crate::args::chosen_outputs::chosen_outputs;
use crate::args::explain_args::ExplainArgs;
use crate::args::say;
use crate::attribution::explainer::{Explainer, Loaded, fingerprint};
use crate::attribution::method::Method;
use crate::attribution::run::run as explain;
use crate::attribution::subjects::Subjects;
use crate::attribution::work::Request;
use crate::data::Notes;
use crate::engine::Device;
use crate::io::sources::Sources;
use crate::models::factornet::spec::Spec;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::{Kinds, Model};
use crate::{Error, Result};
pub use inputs::CellArgs as Args;
pub(super) use inputs::{Asked, Ground, takes_more};
use std::path::PathBuf;
pub(super) use windows::names_of_tracks;

/// Behind an output's name: what is explained is the logit of its probability.
pub(super) const SCALE: &str = " (logit)";

pub fn run(given: &ExplainArgs, own: &Args, known: Kinds) -> Result<()> {
    if given.method == Method::Motifs {
        return Err(Error::usage(
            "--method motifs: for tiSFM models, whose last layer is about motifs; of a FactorNet model take ism, integrated or gradient, and name motifs with --motifs",
        ));
    }
    let members = Members::open(&given.model, known)?;
    let first = members.first();
    let outputs = chosen_outputs(&first.model.config.model.factors, &given.output)?;
    let mut read = files_of(&members);
    read.extend(own.chrom_sizes.clone());
    let (precision, device) = given.open(first.model.config.precision, read)?;
    let sources = Sources::new();
    let mut notes = Notes::new();
    let named = given.named(&sources, &mut notes)?;
    let asked = Asked {
        genome: given.genome.as_ref(),
        cell: own,
        batch_size: given.batch_size,
        precision: given.precision,
        device: &given.device,
    };
    let file = given.file();
    let subjects = match given.sequences.is_some() {
        true => asked.sequences("--sequences", file, first, &sources, &mut notes)?,
        false => asked.windows(file, first, &sources, &mut notes)?,
    };
    let device = device.announce();
    say(&notes);
    let request = Request {
        out: given.out.clone(),
        resume: given.resume,
        outputs: outputs.clone(),
        plot: given.plot,
        method: given.method,
        model: given.model.display().to_string(),
        fingerprint: String::new(),
        scale: SCALE,
        named,
    };
    let run = Run {
        given,
        members: &members,
        device: &device,
        precision,
        subjects: subjects.as_ref(),
    };
    match precision {
        Precision::F64 => run.explain::<f64>(request),
        _ => run.explain::<f32>(request),
    }?;
    given.tell_modisco(&outputs, subjects.subject(0).codes.len());
    Ok(())
}

/// The models' files, and those that they were trained on.
pub(super) fn files_of(members: &Members) -> Vec<PathBuf> {
    let each = members.all.iter().flat_map(|member| {
        let read = member.model.config.files.iter();
        let read = read.map(|file| file.path.clone());
        outputs::of_model(&member.folder).into_iter().chain(read)
    });
    each.collect()
}

/// The networks with their numbers.
///
/// # Errors
/// Weights of another network.
pub(super) fn loaded<T: Number>(members: &Members) -> Result<Vec<Loaded<'_, T, Spec>>> {
    let load = |member: &'_ Member| -> Result<_> {
        let layout = member.model.config.model.network.layout()?;
        Ok((layout, member.model.parameters::<T>()?))
    };
    let each = members.all.iter().map(|member| {
        let (layout, params) = load(member)?;
        Ok((&member.model.config.model.network, layout, params))
    });
    each.collect()
}

struct Run<'a> {
    given: &'a ExplainArgs,
    members: &'a Members,
    device: &'a Device,
    precision: Precision,
    subjects: &'a dyn Subjects,
}

impl Run<'_> {
    fn explain<T: Number>(&self, mut request: Request) -> Result<()> {
        let models = loaded::<T>(self.members)?;
        let settings = self.given.explainer(self.precision);
        let of_models = fingerprint(&models);
        let run = (self.precision, self.device);
        let named = request.named.as_ref();
        request.fingerprint = self
            .given
            .settings(&of_models, run, &request.outputs, named);
        let places = request.outputs.iter().map(|o| o.place).collect();
        let mut explainer = Explainer::new(self.device, settings, models, places)?;
        explain(&request, self.subjects, &mut explainer, None)
    }
}
