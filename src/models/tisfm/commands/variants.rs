//! `cisgrad variants` of a tiSFM model, or of an ensemble of them.

use super::explain::{check_explainable, loaded, networks};
use super::model_args::files_of_run;
use crate::args::chosen_outputs::chosen_outputs;
use crate::args::variants_args::VariantsArgs;
use crate::attribution::explainer::{Explainer, fingerprint};
use crate::attribution::output::Output;
use crate::data::packed_genome::PackedGenome;
use crate::engine::Device;
use crate::metrics::empirical_p::Sorted;
use crate::models::tisfm::measured::read_quantiles;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::motif_effects::MotifEffects;
use crate::train::folder::BEST;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Kinds;
use crate::variants::{ByNetwork, Motifs};
use crate::{Error, Result};
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

pub fn run(given: &VariantsArgs, _own: &Args, known: Kinds) -> Result<()> {
    let members = Members::open(&given.model, known)?;
    let first = members.first();
    let model = &first.config.model;
    let outputs = chosen_outputs(&model.outputs, &given.output)?;
    check_explainable(first)?;
    let of_run = model.data.as_ref().and_then(|data| data.genome.clone());
    let genome = given.genome.clone().or(of_run).ok_or_else(|| {
        Error::usage("--genome is needed: the training run read sequences, no genome")
    })?;
    let mut read: Vec<PathBuf> = members.models.iter().flat_map(files_of_run).collect();
    read.push(genome.clone());
    let (precision, device) = given.open(first.config.precision, read)?;
    let genome = PackedGenome::read(&genome, None)?;
    let device = device.announce();
    model.tell_transform();
    let run = Run {
        given,
        members: &members,
        device: &device,
        precision,
        genome: &genome,
        outputs: &outputs,
    };
    match precision {
        Precision::F64 => run.score::<f64>(),
        _ => run.score::<f32>(),
    }
}

struct Run<'a> {
    given: &'a VariantsArgs,
    members: &'a Members,
    device: &'a Device,
    precision: Precision,
    genome: &'a PackedGenome,
    outputs: &'a [Output],
}

impl Run<'_> {
    fn score<T: Number>(&self) -> Result<()> {
        let networks = networks::<T>(self.members)?;
        let models = loaded(&networks);
        let model = fingerprint(&models);
        let places: Vec<usize> = self.outputs.iter().map(|output| output.place).collect();
        let run = (self.precision, self.given.batch_size);
        let motifs = MotifEffects::new(
            &self.members.models,
            &networks,
            places.clone(),
            self.device,
            run,
        );
        let settings = self.given.explainer(self.precision);
        let mut scorer = ByNetwork {
            explainer: Explainer::new(self.device, settings, models, places)?,
            names: self.outputs.iter().map(|o| o.name.clone()).collect(),
            beside: Box::new(|_| Vec::new()),
            motifs: motifs.map(|motifs| Box::new(motifs) as Box<dyn Motifs>),
        };
        let length = self.members.first().config.model.window;
        let names = scorer.names.join(" ");
        let model = format!("{model} {names} {:?}", self.precision);
        let backgrounds = self.backgrounds()?;
        let notes = Vec::new();
        self.given.run(
            self.genome,
            length,
            &model,
            (backgrounds, notes),
            &mut scorer,
        )
    }

    /// By output what all models predicted for the sequences that tested them, where they kept it.
    fn backgrounds(&self) -> Result<Option<Vec<Sorted>>> {
        let mut pooled = vec![Vec::new(); self.outputs.len()];
        for model in &self.members.models {
            let all = &model.config.model.outputs;
            // Weights of another epoch than the best one predict otherwise.
            let best = model.file.file_name().is_some_and(|name| name == BEST);
            let Some(kept) = read_quantiles(model.folder(), all)?.filter(|_| best) else {
                return Ok(None);
            };
            for (pooled, output) in pooled.iter_mut().zip(self.outputs) {
                pooled.extend_from_slice(&kept[output.place]);
            }
        }
        Ok(Some(pooled.into_iter().map(Sorted::new).collect()))
    }
}
