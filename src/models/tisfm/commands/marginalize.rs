//! `cisgrad marginalize` of a tiSFM model, or of an ensemble of them.

use super::explain::{check_explainable, loaded, networks};
use super::looked_at::LookedAt;
use super::model_args::files_of_run;
use crate::Result;
use crate::args::chosen_outputs::chosen_outputs;
use crate::args::marginalize_args::{Inserts, MarginalizeArgs, marginalize};
use crate::args::say;
use crate::attribution::listed::Listed;
use crate::attribution::output::Output;
use crate::attribution::subjects::Subjects;
use crate::data::Notes;
use crate::dna::motif::Motif;
use crate::dna::sequences::Sequences;
use crate::engine::Device;
use crate::io::sources::Sources;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::saved::SavedModel;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use std::path::PathBuf;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {}

impl Args {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

pub fn run(given: &MarginalizeArgs, _own: &Args, known: Kinds) -> Result<()> {
    let members = Members::open(&given.model, known)?;
    let first = members.first();
    let model = &first.config.model;
    let outputs = chosen_outputs(&model.outputs, &given.output)?;
    check_explainable(first)?;
    let read: Vec<PathBuf> = members.models.iter().flat_map(files_of_run).collect();
    let (precision, device) = given.open(first.config.precision, read)?;
    let sources = Sources::new();
    let mut notes = Notes::new();
    let inserts = given.inserts(motifs(first), model.window, &sources, &mut notes)?;
    let genome = given.genome.as_deref();
    let looked_at = LookedAt::of(
        "--background",
        genome,
        given.background.as_deref(),
        &members,
    )?;
    let rows = looked_at.rows.first().cloned().unwrap_or_default();
    let backgrounds = listed(&looked_at, &rows, &mut notes)?;
    let device = device.announce();
    first.config.model.tell_transform();
    say(&notes);
    let run = Run {
        given,
        members: &members,
        device: &device,
        precision,
        backgrounds: &backgrounds,
    };
    match precision {
        Precision::F64 => run.marginalize::<f64>(&outputs, &inserts),
        _ => run.marginalize::<f32>(&outputs, &inserts),
    }
}

/// The model's motifs, where its kernels are probabilities.
fn motifs(first: &SavedModel) -> Vec<Motif> {
    let matrices = first.matrices();
    let config = &first.config.model;
    let ids = config.motifs.iter();
    ids.filter_map(|id| {
        Some(Motif {
            id: id.clone(),
            label: config.motif_names.get(id).cloned(),
            nsites: None,
            rows: matrices.get(id)?.clone(),
        })
    })
    .collect()
}

fn listed(looked_at: &LookedAt, rows: &[usize], notes: &mut Notes) -> Result<Listed> {
    let samples = looked_at.samples();
    let length = samples.length;
    let sequences = Sequences {
        path: PathBuf::from("the backgrounds"),
        names: rows
            .iter()
            .map(|&row| looked_at.names[row].clone())
            .collect(),
        length,
        codes: rows
            .iter()
            .flat_map(|row| samples.codes[row * length..(row + 1) * length].to_vec())
            .collect(),
        chromosomes: None,
        starts: Vec::new(),
        kept: Vec::new(),
    };
    Listed::new(sequences, length, None, notes)
}

struct Run<'a> {
    given: &'a MarginalizeArgs,
    members: &'a Members,
    device: &'a Device,
    precision: Precision,
    backgrounds: &'a Listed,
}

impl Run<'_> {
    fn marginalize<T: Number>(&self, outputs: &[Output], inserts: &Inserts) -> Result<()> {
        let networks = networks::<T>(self.members)?;
        let rows = self.given.rows(self.backgrounds.len());
        marginalize(
            self.given,
            self.device,
            self.precision,
            loaded(&networks),
            (outputs, ""),
            inserts,
            (self.backgrounds, &rows),
        )
    }
}
