//! `cisgrad variants` of a FactorNet model, or of an ensemble of them.

use super::explain::{Asked, Ground, files_of, loaded};
use super::members::Members;
use crate::Result;
use crate::args::chosen_outputs::chosen_outputs;
use crate::args::say;
use crate::args::variants_args::VariantsArgs;
use crate::attribution::explainer::{Explainer, fingerprint};
use crate::attribution::output::Output;
use crate::data::Notes;
use crate::data::variant_windows::Window;
use crate::data::windows::WINDOW;
use crate::dna::bases::N;
use crate::engine::Device;
use crate::io::sources::Sources;
use crate::metrics::empirical_p::Sorted;
use crate::models::factornet::samples::Sample;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use crate::variants::ByNetwork;

pub use super::explain::Args;

/// Said once, in the output too.
const TRACKS: &str = "the same for both alleles: what a variant does by opening or closing a region is not in the difference";

pub fn run(given: &VariantsArgs, own: &Args, known: Kinds) -> Result<()> {
    let members = Members::open(&given.model, known)?;
    let first = members.first();
    let described = &first.model.config.model;
    let outputs = chosen_outputs(&described.factors, &given.output)?;
    let mut read = files_of(&members);
    read.extend(own.chrom_sizes.clone());
    let asked = Asked {
        genome: given.genome.as_ref(),
        cell: own,
        batch_size: given.batch_size,
        precision: given.precision,
        device: &given.device,
    };
    read.extend(asked.files(first)?);
    let (precision, device) = given.open(first.model.config.precision, read)?;
    let mut notes = Notes::new();
    let ground = asked.ground(first, &Sources::new(), &mut notes)?;
    let device = device.announce();
    say(&notes);
    let run = Run {
        given,
        members: &members,
        device: &device,
        precision,
        ground: &ground,
        beside: asked.fingerprint(first)?,
        tracks: tracks(&ground, asked.track_scale()),
        outputs: &outputs,
    };
    match precision {
        Precision::F64 => run.score::<f64>(),
        _ => run.score::<f32>(),
    }
}

/// Whose tracks they are.
fn tracks(ground: &Ground, scale: Option<&str>) -> Option<String> {
    let cell = ground.cell.as_ref()?.display();
    let scale = scale.map_or_else(String::new, |scale| format!(" (--track-scale {scale})"));
    Some(format!("tracks are those of {cell}{scale}, {TRACKS}"))
}

struct Run<'a> {
    given: &'a VariantsArgs,
    members: &'a Members,
    device: &'a Device,
    precision: Precision,
    ground: &'a Ground,
    /// What windows have beside their bases, for --resume.
    beside: String,
    /// What there is to say of the tracks.
    tracks: Option<String>,
    outputs: &'a [Output],
}

impl Run<'_> {
    fn score<T: Number>(&self) -> Result<()> {
        let models = loaded::<T>(self.members)?;
        let model = fingerprint(&models);
        let places = self.outputs.iter().map(|output| output.place).collect();
        let settings = self.given.explainer(self.precision);
        let network = &self.members.first().model.config.model.network;
        let mut scorer = ByNetwork {
            explainer: Explainer::new(self.device, settings, models, places)?,
            names: self.outputs.iter().map(|o| o.name.clone()).collect(),
            beside: Box::new(|window| self.beside(window)),
            motifs: None,
        };
        let notes = self.tracks.clone().filter(|_| !network.tracks.is_empty());
        let notes = notes.into_iter().collect();
        let names = scorer.names.join(" ");
        let model = format!("{model} {names} {:?} {}", self.precision, self.beside);
        let genome = &self.ground.inputs.genome;
        let kept = (self.backgrounds(), notes);
        self.given
            .run(genome, network.length, &model, kept, &mut scorer)
    }

    /// By factor what all models predicted for the bound windows of the validation regions, where they kept it.
    fn backgrounds(&self) -> Option<Vec<Sorted>> {
        let of = |output: &Output| {
            let mut pooled = Vec::new();
            for member in &self.members.all {
                let factors = &member.kept.as_ref()?.factors;
                let own = factors.iter().find(|factor| factor.name == output.name)?;
                pooled.extend_from_slice(&own.peaks);
            }
            (!pooled.is_empty()).then(|| Sorted::new(pooled))
        };
        self.outputs.iter().map(of).collect()
    }

    /// Tracks, and other numbers, of the place where a window begins.
    fn beside(&self, window: &Window) -> Vec<Vec<f32>> {
        let inputs = &self.ground.inputs;
        let length = window.codes.len();
        let middle = window.start + (length / 2) as i64;
        let half = i64::from(WINDOW) / 2;
        let features = self.ground.annotations.as_ref().map_or(0, |annotations| {
            annotations.features(window.chromosome, middle - half, middle + half)
        });
        let sample = Sample {
            cell: 0,
            chromosome: window.chromosome,
            middle,
            label: 0,
            features,
        };
        let mut codes = vec![N; length];
        let mut tracks = vec![0.0; inputs.tracks() * length];
        let mut meta = vec![0.0; inputs.meta()];
        inputs.fill_parts(&sample, &mut codes, &mut tracks, &mut meta);
        let dense = [tracks, meta].into_iter();
        dense.filter(|values| !values.is_empty()).collect()
    }
}
