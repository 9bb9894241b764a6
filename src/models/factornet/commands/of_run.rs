//! Inputs of the training run where no flag names others.

use super::args::{PROMOTER, RESOURCES, SharedArgs, StorageArg};
use super::beside_bases::BesideBases;
use super::members::Member;
use crate::Result;
use crate::args::of_run::{Known, given_or_known};
use crate::args::{DeviceArgs, PrecisionArg};
use crate::models::factornet::config::BLACKLIST;
use crate::models::factornet::saved::FactorNet;
use crate::train::folder::config::PIPE;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The path that a flag names, or in its place the one that the training run was given as `name`, of several the first.
pub(super) fn of_run(
    model: &FactorNet,
    folder: &Path,
    given: Option<&PathBuf>,
    flag: &str,
    name: &str,
) -> Result<PathBuf> {
    let first = match model.config.flags.get(name) {
        Some(Value::Array(all)) => all.first(),
        other => other,
    };
    let known = match first.and_then(Value::as_str) {
        Some(PIPE) => Known::Pipe,
        Some(path) => Known::File(Path::new(path)),
        None => Known::Nothing,
    };
    given_or_known(given, flag, folder, known)
}

/// The blacklist that a flag names, or in its place the training run's, where that is known and still there.
pub(super) fn blacklist_of_run(model: &FactorNet, given: Option<&PathBuf>) -> Option<PathBuf> {
    if let Some(given) = given {
        return Some(given.clone());
    }
    let known = model.config.flags.get(BLACKLIST).and_then(Value::as_str);
    let known = PathBuf::from(known?);
    if known.is_file() {
        return Some(known);
    }
    tell!(
        "note: {}: the blacklist of the training run is not there any more: name one with --blacklist",
        known.display()
    );
    None
}

/// What the readers of genome and tracks are given: as a model's training had it, but for what is given here.
pub(super) struct OfRun<'a> {
    pub genome: Option<&'a PathBuf>,
    pub chrom_sizes: Option<&'a PathBuf>,
    pub blacklist: Option<&'a PathBuf>,
    pub beside: &'a BesideBases,
    pub batch_size: usize,
    pub precision: Option<PrecisionArg>,
    pub device: &'a DeviceArgs,
}

impl OfRun<'_> {
    /// # Errors
    /// No genome is known.
    pub fn shared(&self, first: &Member) -> Result<SharedArgs> {
        Ok(SharedArgs {
            blacklist: blacklist_of_run(&first.model, self.blacklist),
            ..self.shared_without_blacklist(first)?
        })
    }

    /// The same, but no region is left out.
    ///
    /// # Errors
    /// No genome is known.
    pub fn shared_without_blacklist(&self, first: &Member) -> Result<SharedArgs> {
        let config = &first.model.config;
        let text = |key| {
            config
                .flags
                .get(key)
                .and_then(Value::as_str)
                .map(str::to_string)
        };
        let genome = of_run(
            &first.model,
            &first.folder,
            self.genome,
            "--genome",
            "genome",
        )?;
        let of_training =
            |given: &Option<PathBuf>, key| given.clone().or_else(|| text(key).map(PathBuf::from));
        Ok(SharedArgs {
            genome: Some(genome),
            chrom_sizes: self.chrom_sizes.cloned(),
            blacklist: None,
            annotations: of_training(&self.beside.annotations, "annotations"),
            gtf: of_training(&self.beside.gtf, "gtf"),
            promoter: text("promoter").unwrap_or_else(|| PROMOTER.to_string()),
            resources: PathBuf::from(RESOURCES),
            track_scale: self.beside.track_scale.clone(),
            track_storage: StorageArg::F32,
            strict: false,
            batch_size: Some(self.batch_size),
            precision: self.precision,
            device: self.device.clone(),
        })
    }
}
