//! What config.json keeps of a run.

use super::args::Args;
use crate::Result;
use crate::data::dataset::Dataset;
use crate::dna::motif::Motif;
use crate::io::hash::sha256_file;
use crate::io::sources::Sources;
use crate::models::tisfm::KIND;
use crate::models::tisfm::config::{Config, DataFiles, Description};
use crate::models::tisfm::network::Blueprint;
use crate::train::folder::config::{InputFile, Precision, named};
use crate::train::folder::{BEST, weights_file};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The weights that a run starts from, and their hash.
pub const MODEL: &str = "model";
pub const MODEL_HASH: &str = "model_sha256";

/// The file of weights that `--model` names.
fn weights_of(model: &Path) -> PathBuf {
    match model.is_dir() {
        true => model.join(BEST),
        false => weights_file(model),
    }
}

impl Args {
    pub(super) fn config(
        &self,
        blueprint: &Blueprint,
        motifs: &[Motif],
        dataset: &Dataset,
        precision: Precision,
        sources: &Sources,
    ) -> Result<Config> {
        let file = |flag: &str, path: &Path| InputFile::of(sources, flag, path);
        let (signals, sequences) = (self.inputs.signals(), self.inputs.sequences());
        let prepared = self.inputs.prepared()?;
        let mut files = vec![
            file("--atac-file", &signals)?,
            file("--sequences", &sequences)?,
        ];
        if let Some(meme) = self
            .inputs
            .meme_file
            .as_ref()
            .filter(|_| blueprint.kernels.is_some())
        {
            files.push(file("--meme-file", meme)?);
        }
        if let Some(genome) = &self.inputs.genome {
            files.push(file("--genome", genome)?);
        }
        let flags = serde_json::json!({
            "number_of_epochs": self.epochs(),
            "batch_size": self.batch_size(),
            "lr": self.lr(),
            "step_lr": self.step_lr,
            "penalty_param": self.lambdas(),
            "penalty_type": self.penalty_type.name(),
            "mcp_param": self.mcp_param,
            "penalize_layers": self.penalize_layers,
            "early_stopping": self.early_stopping,
            "early_stopping_threshold": self.early_stopping_threshold,
            "calibrate_motifs": self.calibrate_motifs(),
            "drop_last": self.drop_last,
            "seed": self.seed,
            "split": self.inputs.split,
            "split_folder": self.inputs.split_folder().map(named).transpose()?,
            MODEL: self.model.as_deref().map(named).transpose()?,
        });
        let mut flags = match flags {
            Value::Object(map) => map,
            _ => serde_json::Map::new(),
        };
        if let Some(weights) = self
            .model
            .as_deref()
            .map(weights_of)
            .filter(|f| f.is_file())
        {
            flags.insert(MODEL_HASH.to_string(), sha256_file(weights)?.into());
        }
        // Left out where they change nothing: runs of versions without them can be gone on with.
        let own = self.own_flags().into_iter();
        flags.extend(own.filter_map(|(name, value)| Some((name.to_string(), value?))));
        let genome = self.inputs.genome.as_deref().map(named).transpose()?;
        let data = DataFiles {
            atac_file: named(&signals)?.into(),
            sequences: named(&sequences)?.into(),
            genome: genome.map(Into::into),
        };
        Ok(Config {
            version: env!("CARGO_PKG_VERSION").to_string(),
            kind: KIND.name.to_string(),
            model: Description {
                data: Some(data),
                columns: self.inputs.columns(),
                transform: prepared.map(|prepared| prepared.transform),
                ..Description::of(blueprint, motifs, dataset.outputs.clone())
            },
            precision,
            files,
            flags,
        })
    }
}
