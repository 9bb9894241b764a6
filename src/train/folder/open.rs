//! A model folder, opened to use the model.

use super::config::{Config, Described};
use super::weights::{Number, load};
use super::{BEST, CONFIG, LAST};
use crate::engine::Layout;
use crate::io::state_dict::{StateDict, read};
use crate::train::model::Kind;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Configuration and best weights.
pub struct Opened<D> {
    pub config: Config<D>,
    pub weights: StateDict,
    /// The file of the weights, for messages.
    pub file: PathBuf,
}

impl<D: Described> Opened<D> {
    /// Opens a folder that holds a model of this kind; `known`: all kinds, to name another one.
    ///
    /// # Errors
    /// Those of [`Config::read`]; weights that are missing or damaged.
    pub fn read(folder: &Path, kind: &Kind, known: &[&Kind]) -> Result<Self> {
        let config = Config::read(folder, kind, known)?;
        let file = folder.join(BEST);
        if !file.exists() {
            let of_path = |parts: &&str| folder.join(format!("{parts}0")).join(CONFIG).exists();
            let hint = match kind.parts.filter(|parts| of_path(parts)) {
                Some(parts) => {
                    format!("it holds a path of models: name one of its {parts}N folders")
                }
                None if folder.join(LAST).exists() => {
                    format!("{LAST} is there; was the file moved?")
                }
                None => "training has not finished an epoch yet".to_string(),
            };
            return Err(Error::invalid(format!(
                "{}: no {BEST}; {hint}",
                folder.display()
            )));
        }
        Self::with_weights(config, file)
    }

    /// A model folder with other weights of it than the best.
    ///
    /// # Errors
    /// Those of [`Config::read`]; weights that are damaged.
    pub fn read_weights(
        folder: &Path,
        file: PathBuf,
        kind: &Kind,
        known: &[&Kind],
    ) -> Result<Self> {
        Self::with_weights(Config::read(folder, kind, known)?, file)
    }

    fn with_weights(config: Config<D>, file: PathBuf) -> Result<Self> {
        let weights = read(&file)?;
        Ok(Opened {
            config,
            weights,
            file,
        })
    }

    /// Where the weights lie.
    pub fn folder(&self) -> &Path {
        match self.file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// The parameters in a layout's order.
    ///
    /// # Errors
    /// Weights of another network.
    pub fn params<T: Number>(&self, layout: &Layout) -> Result<Vec<T>> {
        load(layout, &self.weights, &self.file)
    }
}
