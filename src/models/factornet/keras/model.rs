//! Published models: a Keras folder as a model of ours.

use crate::Result;
use crate::data::tracks::Transform;
use crate::data::tracks::reverse_order;
use crate::data::windows::annotations::GencodeSpan;
use crate::io::state_dict::{NamedTensor, StateDict};
use crate::models::factornet::KIND;
use crate::models::factornet::config::{Config, Description};
use crate::models::factornet::keras;
use crate::models::factornet::keras::KerasModel;
use crate::models::factornet::saved::FactorNet;
use crate::models::factornet::{Dropouts, Recurrent, Spec};
use crate::train::folder::config::Precision;
use std::path::{Path, PathBuf};

/// Reads a Keras 1.x folder.
///
/// # Errors
/// Those of the reader, and stranded tracks without their other strand.
pub fn open(folder: &Path) -> Result<FactorNet> {
    ours(folder, keras::read(folder)?)
}

/// All that a Keras folder holds of a model.
pub struct Saved {
    /// With the best weights, or what there is.
    pub model: FactorNet,
    /// The final ones, or what there is.
    pub last: StateDict,
    /// The files of the weights: both, or the one that is there.
    pub files: Vec<PathBuf>,
}

/// Reads a Keras folder with both its weights files.
///
/// # Errors
/// Those of [`open`].
pub fn open_whole(folder: &Path) -> Result<Saved> {
    let read = keras::read(folder)?;
    let files = keras::weights_files(folder);
    let last = match &files[..] {
        [_, last] => keras::read_weights(last, &read.architecture)?,
        _ => read.tensors.clone(),
    };
    Ok(Saved {
        model: ours(folder, read)?,
        last: state(last),
        files,
    })
}

fn state(tensors: Vec<NamedTensor>) -> StateDict {
    StateDict {
        tensors,
        ..StateDict::default()
    }
}

fn ours(folder: &Path, read: KerasModel) -> Result<FactorNet> {
    let KerasModel {
        architecture,
        names,
        tensors,
    } = read;
    let rate = |rate: Option<f64>| rate.unwrap_or(0.0);
    let dropouts = architecture.dropouts;
    let network = Spec {
        length: architecture.seqlen,
        motif_width: architecture.width,
        kernels: architecture.kernels,
        recurrent: Recurrent::of(architecture.recurrent),
        dense: architecture.dense,
        rc_order: reverse_order(&names.tracks)?,
        tracks: names.tracks,
        meta: architecture.meta,
        factors: architecture.outputs,
        dropout: Dropouts {
            convolution: rate(dropouts.conv),
            lstm_input: rate(dropouts.lstm_w),
            lstm_state: rate(dropouts.lstm_u),
            features: rate(dropouts.features),
            meta: rate(dropouts.meta),
            dense: rate(dropouts.dense),
        },
    };
    network.check()?;
    let config = Config {
        version: env!("CARGO_PKG_VERSION").to_string(),
        kind: KIND.name.to_string(),
        model: Description {
            network,
            factors: names.factors,
            meta: names.meta.into_iter().map(|m| m.name).collect(),
            gencode: names.gencode,
            gencode_span: GencodeSpan::Window,
            track_scale: "none".to_string(),
            track_transform: Transform::None,
            track_means: Vec::new(),
            training_share: Vec::new(),
            genome: String::new(),
        },
        precision: Precision::F32,
        files: Vec::new(),
        flags: serde_json::Map::new(),
    };
    Ok(FactorNet {
        config,
        weights: state(tensors),
        file: folder.to_path_buf(),
    })
}
