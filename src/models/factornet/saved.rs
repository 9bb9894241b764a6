//! A FactorNet model, ours or as Keras saved it, opened to use it.

use super::config::Description;
use super::keras::is_keras_folder;
use super::{KIND, keras};
use crate::Result;
use crate::train::folder::CONFIG;
use crate::train::folder::open::Opened;
use crate::train::folder::weights::Number;
use crate::train::model::{Kinds, Model};
use std::path::Path;

/// Configuration and best weights.
pub type FactorNet = Opened<Description>;

/// Opens a model folder of ours, or a Keras folder; `known`: all kinds, to name another one.
///
/// # Errors
/// No folder of such a model; weights that are missing or damaged.
pub fn open(folder: &Path, known: Kinds) -> Result<FactorNet> {
    if !folder.join(CONFIG).exists() && is_keras_folder(folder) {
        keras::open(folder)
    } else {
        Opened::read(folder, &KIND, known)
    }
}

impl FactorNet {
    /// The parameters in the order of the network's layout.
    ///
    /// # Errors
    /// Weights of another network.
    pub fn parameters<T: Number>(&self) -> Result<Vec<T>> {
        self.params(&self.config.model.network.layout()?)
    }
}
