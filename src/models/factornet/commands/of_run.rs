//! Inputs of the training run where no flag names others.

use crate::Result;
use crate::args::of_run::{Known, given_or_known};
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
