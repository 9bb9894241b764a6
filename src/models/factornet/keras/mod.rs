//! A FactorNet model as Keras 1.x saved it: a folder of model.json, weights in HDF5, and text files that name inputs and
//! outputs.

pub mod architecture;
mod description;
mod export;
mod history;
mod model;

pub mod side_files;
#[cfg(test)]
mod tests;
mod weights;

use std::path::{Path, PathBuf};

pub use self::architecture::{Architecture, Dropouts};
pub use self::export::{Export, left_behind};
pub use self::history::write_as_ours;
pub use self::model::{Saved, open, open_whole};
pub use self::side_files::{MetaName, SideFiles};
use crate::io::keras_hdf5;
use crate::io::state_dict::NamedTensor;
use crate::io::text::read_text;
use crate::{Error, Result};

pub const NETWORK: &str = "model.json";
/// The weights with the lowest validation loss, and those after the last epoch; in the order in which they are looked for.
pub const WEIGHTS: [&str; 2] = ["best_model.hdf5", "final_model.hdf5"];
/// What was measured in each epoch.
pub const HISTORY: &str = "history.pkl";

/// A model folder's content.
#[derive(Debug, Clone, PartialEq)]
pub struct KerasModel {
    pub architecture: Architecture,
    pub names: SideFiles,
    /// In Keras's order, under the names that it gives a network's first layers, whatever the file's own numbers are:
    /// `convolution1d_1_W` (width, 1, channels, kernels), still flipped along the width as Theano convolves;
    /// `dense_1_W` (kernels, kernels), the dense layer of each position; `forward_lstm_1_W_i` (kernels, units),
    /// `forward_lstm_1_U_i` (units, units), `forward_lstm_1_b_i`, then gates c, f, o, then `backward_lstm_1_*`;
    /// `dense_2_W` (features, dense); with meta values `dense_3_W` (dense + meta, dense); last `dense_3_W` or `dense_4_W`
    /// (dense, outputs); each with its `*_b`. Element types are the file's.
    pub tensors: Vec<NamedTensor>,
}

/// Whether a folder holds a model that Keras saved, or what is left of one.
pub fn is_keras_folder(folder: &Path) -> bool {
    let mut names = WEIGHTS.iter().chain(&[NETWORK]);
    names.any(|name| folder.join(name).is_file())
}

/// Reads a model folder: best_model.hdf5, or final_model.hdf5 where that is all there is; the network from model.json,
/// or from the weights file where there is none.
///
/// Weights are taken by position, as Keras loads them: the layers that have any, in the order of the file.
///
/// Errors name the file: one that is missing, truncated or of another kind, a layer or setting that FactorNet has not,
/// shapes that contradict the network, more or fewer tracks, meta values or factors than the network has.
pub fn read(folder: impl AsRef<Path>) -> Result<KerasModel> {
    let folder = folder.as_ref();
    let path = weights_file(folder)?;
    let file = keras_hdf5::read_weights(&path)?;
    let architecture = network(folder, &path, file.model_config)?;
    let tensors = weights::take(&architecture, file.layers).map_err(|e| Error::format(&path, e))?;
    let names = SideFiles::read(folder, architecture.meta)?;
    check_names(folder, &names, &architecture)?;
    Ok(KerasModel {
        architecture,
        names,
        tensors,
    })
}

/// The weights files of a folder that are there: the best and the final ones.
pub fn weights_files(folder: &Path) -> Vec<PathBuf> {
    let paths = WEIGHTS.iter().map(|name| folder.join(name));
    paths.filter(|path| path.exists()).collect()
}

/// Reads one more weights file of a network, as [`read`] does the first.
///
/// # Errors
/// Those of [`read`] about weights.
pub fn read_weights(path: &Path, network: &Architecture) -> Result<Vec<NamedTensor>> {
    let file = keras_hdf5::read_weights(path)?;
    weights::take(network, file.layers).map_err(|e| Error::format(path, e))
}

/// The file that a folder's weights are read from.
fn weights_file(folder: &Path) -> Result<PathBuf> {
    if !folder.is_dir() {
        let what = match folder.exists() {
            true => "a file",
            false => "no such folder",
        };
        let message = format!(
            "{what}; expected the folder of a model that Keras saved ({NETWORK}, {} and lists)",
            WEIGHTS[0]
        );
        return Err(Error::format(folder, message));
    }
    weights_files(folder).into_iter().next().ok_or_else(|| {
        let weights = format!("neither {} nor {}", WEIGHTS[0], WEIGHTS[1]);
        let problem = match folder.join(NETWORK).is_file() {
            true => format!(
                "{NETWORK} is there, but {weights}, which hold the weights of a model that Keras saved; put one of them beside it"
            ),
            false => format!("{weights} in this folder"),
        };
        Error::format(folder, problem)
    })
}

/// The network in model.json, or what a weights file says of it.
fn network(folder: &Path, weights: &Path, in_weights: Option<String>) -> Result<Architecture> {
    let network = folder.join(NETWORK);
    let (source, json) = if network.exists() {
        let json = read_text(&network)?;
        (network, json)
    } else {
        let json = in_weights.ok_or_else(|| {
            Error::format(
                folder,
                format!(
                    "no {NETWORK} in this folder, and no network in {} either",
                    weights.display()
                ),
            )
        })?;
        (weights.to_path_buf(), json)
    };
    architecture::parse(&json).map_err(|e| Error::format(&source, e))
}

/// That the side files name as many inputs and outputs as the network has.
fn check_names(folder: &Path, names: &SideFiles, architecture: &Architecture) -> Result<()> {
    for (name, found, expected) in [
        ("chip.txt", names.factors.len(), architecture.outputs),
        ("bigwig.txt", names.tracks.len(), architecture.channels - 4),
        ("meta.txt", names.meta_inputs(), architecture.meta),
    ] {
        if found != expected {
            let what = match name {
                "chip.txt" => "factors",
                "bigwig.txt" => "tracks",
                _ => "meta values and annotation features (feature.txt says which count)",
            };
            return Err(Error::format(
                folder.join(name),
                format!("{found} {what}; the network has {expected}"),
            ));
        }
    }
    Ok(())
}
