//! `cisgrad explain` of a tiSFM model, or of an ensemble of them.

mod by_motifs;

use super::looked_at::LookedAt;
use super::model_args::files_of_run;
use crate::args::chosen_outputs::chosen_outputs;
use crate::args::explain_args::ExplainArgs;
use crate::args::say;
use crate::attribution::explainer::{Explainer, Loaded, fingerprint};
use crate::attribution::listed::Listed;
use crate::attribution::method::Method;
use crate::attribution::run::run as explain;
use crate::attribution::subjects::Subjects;
use crate::attribution::work::{Hits, Request};
use crate::data::Notes;
use crate::io::genome::chromosomes;
use crate::io::sequences::parse_sequences;
use crate::io::sources::Sources;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::network::{Blueprint, Network};
use crate::models::tisfm::parts::MotifParts;
use crate::models::tisfm::saved::SavedModel;
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use crate::{Error, Result};
pub(super) use by_motifs::ByMotifs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(next_help_heading = "Of tiSFM models")]
#[group(skip)]
pub struct Args {
    /// Of --method motifs: sequences whose mean a motif's share is told from [default: those that tested the model]
    #[arg(long, value_name = "FILE")]
    background: Option<PathBuf>,
}

impl Args {
    /// The sequences that shares are told from, where windows of motifs are looked for: always by --method motifs, and for pictures where
    /// they can be.
    ///
    /// # Errors
    /// Those of reading them, of --method motifs alone.
    fn background(&self, given: &ExplainArgs, members: &Members) -> Result<Option<LookedAt>> {
        let file = self.background.as_deref();
        let genome = given.genome.as_deref();
        let of = |file: Option<&Path>| LookedAt::of("--background", genome, file, members);
        let pictures = given.plot > 0 && given.motifs.is_none();
        match (given.method, file) {
            (Method::Motifs, _) => Ok(Some(of(file)?)),
            (_, Some(_)) if !pictures => Err(Error::usage(
                "--background goes with --method motifs, or with --plot without --motifs",
            )),
            (_, Some(_)) => Ok(Some(of(file)?)),
            // A model without test sequences has pictures without names.
            (_, None) if pictures => Ok(of(None).ok()),
            _ => Ok(None),
        }
    }

    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        self.background.iter().map(|_| "--background").collect()
    }
}

pub fn run(given: &ExplainArgs, own: &Args, known: Kinds) -> Result<()> {
    let members = Members::open(&given.model, known)?;
    let first = members.first();
    let outputs = chosen_outputs(&first.config.model.outputs, &given.output)?;
    check_explainable(first)?;
    let mut read: Vec<PathBuf> = members.models.iter().flat_map(files_of_run).collect();
    read.extend(own.background.clone());
    let (precision, device) = given.open(first.config.precision, read)?;
    let sources = Sources::new();
    let mut notes = Notes::new();
    let named = given.named(&sources, &mut notes)?;
    let subjects = subjects(given, &members, &sources, &mut notes)?;
    let background = own.background(given, &members)?;
    let device = device.announce();
    first.config.model.tell_transform();
    say(&notes);
    let request = Request {
        out: given.out.clone(),
        resume: given.resume,
        outputs: outputs.clone(),
        plot: given.plot,
        method: given.method,
        model: given.model.display().to_string(),
        fingerprint: String::new(),
        scale: "",
        named,
    };
    let run = Run {
        given,
        members: &members,
        device: &device,
        precision,
        subjects: &subjects,
        background: background.as_ref(),
    };
    match precision {
        Precision::F64 => run.explain::<f64>(request),
        _ => run.explain::<f32>(request),
    }?;
    given.tell_modisco(&outputs, subjects.subject(0).codes.len());
    Ok(())
}

/// That a prediction is a function of its sequence.
///
/// # Errors
/// It is not.
pub(super) fn check_explainable(model: &SavedModel) -> Result<()> {
    let architecture = &model.config.model.architecture;
    match architecture.depends_on_batch() {
        false => Ok(()),
        true => Err(Error::usage(format!(
            "{} uses each batch's first sequence for all, so that its prediction of a sequence is not a function of it alone: it cannot be explained",
            architecture.name
        ))),
    }
}

/// # Errors
/// Weights that are not the architecture's.
pub(super) fn networks<T: Number>(members: &Members) -> Result<Vec<Network<T>>> {
    let models = members.models.iter();
    let network = models.map(|model| {
        let blueprint = model.config.model.blueprint();
        Network::<T>::from_state_dict(blueprint, &model.weights, &model.file)
    });
    network.collect()
}

/// The networks with their numbers.
pub(super) fn loaded<T: Number>(networks: &[Network<T>]) -> Vec<Loaded<'_, T, Blueprint>> {
    let load = |network: &'_ Network<T>| (network.layout.clone(), network.params.clone());
    let each = networks.iter().map(|network| {
        let (layout, params) = load(network);
        (&network.blueprint, layout, params)
    });
    each.collect()
}

fn subjects(
    given: &ExplainArgs,
    members: &Members,
    sources: &Sources,
    notes: &mut Notes,
) -> Result<Listed> {
    let model = &members.first().config.model;
    let of_run = model.data.as_ref().and_then(|data| data.genome.as_ref());
    let genome = given
        .genome
        .as_ref()
        .or(of_run.filter(|_| given.bed.is_some()));
    let sequences = parse_sequences(
        sources.lines(given.file())?,
        genome.map(PathBuf::as_path),
        notes,
    )?;
    let chromosomes = match (genome, sequences.kept.is_empty()) {
        (Some(genome), false) => {
            let found = chromosomes(genome)?;
            let lengths = found.lengths().iter().map(|&length| u64::from(length));
            Some(found.names().iter().cloned().zip(lengths).collect())
        }
        _ => None,
    };
    Listed::new(sequences, model.window, chromosomes, notes)
}

struct Run<'a> {
    given: &'a ExplainArgs,
    members: &'a Members,
    device: &'a crate::engine::Device,
    precision: Precision,
    subjects: &'a Listed,
    background: Option<&'a LookedAt>,
}

impl Run<'_> {
    fn explain<T: Number>(&self, mut request: Request) -> Result<()> {
        let given = self.given;
        let networks = networks::<T>(self.members)?;
        let models = loaded(&networks);
        let settings = given.explainer(self.precision);
        let of_models = fingerprint(&models);
        let places: Vec<usize> = request.outputs.iter().map(|o| o.place).collect();
        let run = (self.precision, self.device);
        request.fingerprint =
            given.settings(&of_models, run, &request.outputs, request.named.as_ref());
        request.fingerprint += &self.background.map_or(String::new(), LookedAt::fingerprint);
        if given.method == Method::Motifs {
            let mut work = self.by_motifs::<T>(places)?;
            return explain(&request, self.subjects, &mut work, None);
        }
        // Pictures have names above the letters where the architecture gives them.
        let mut hits = match self.background {
            Some(_) => self.by_motifs::<T>(places.clone()).ok(),
            None => None,
        };
        let mut explainer = Explainer::new(self.device, settings, models, places)?;
        let hits = hits.as_mut().map(|hits| hits as &mut dyn Hits);
        explain(&request, self.subjects, &mut explainer, hits)
    }

    /// # Errors
    /// An architecture whose last layer is not about motifs' windows.
    fn by_motifs<T: Number>(&self, outputs: Vec<usize>) -> Result<ByMotifs<'_, T>> {
        let networks = networks::<T>(self.members)?;
        let models = networks.into_iter().map(MotifParts::new);
        let mut models: Vec<MotifParts<T>> = models.collect::<Result<_>>()?;
        let (device, precision, size) = (self.device, self.precision, self.given.batch_size);
        if let Some(background) = self.background {
            let all = background.rows.iter().map(Vec::len).sum();
            let bar = Reporter::new().bar("background", all, "sequences");
            for (model, rows) in models.iter_mut().zip(&background.rows) {
                let samples = background.samples();
                let seen = |n| bar.advance(n);
                model.take_background(device, precision, samples, rows, size, seen)?;
            }
            bar.finish();
        }
        let run = (precision, size);
        let first = self.members.first();
        ByMotifs::new(models, first, device, run, self.given.min_part, outputs)
    }
}
