//! A model of ours as a folder that the original program reads, with Keras 1.2.2.

use std::path::Path;

use super::architecture::{Architecture, Dropouts};
use super::description::{Described, KERAS_VERSION, training_config};
use super::history::write_as_keras;
use super::{HISTORY, NETWORK, WEIGHTS, weights};
use crate::data::tracks::reverse_order;
use crate::io::atomic::write_atomic;
use crate::io::keras_hdf5::{Layer, WholeModel, write_weights};
use crate::io::state_dict::{NamedTensor, StateDict};
use crate::io::text::excerpt;
use crate::models::factornet::Spec;
use crate::models::factornet::config::{Config, Description, write_lists};
use crate::models::factornet::saved::FactorNet;
use crate::models::factornet::scores;
use crate::train::folder;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::tensors;
use crate::train::model::Model;
use crate::{Error, Result};

/// The original's default, which is Keras's.
const LEARNING_RATE: f64 = 0.001;

impl Architecture {
    /// A rate of zero is no dropout layer.
    pub fn of(spec: &Spec) -> Architecture {
        let layer = |rate: f64| (rate > 0.0).then_some(rate);
        let recurrent = spec.recurrent.flag();
        let lstm = |rate: f64| (recurrent > 0).then_some(rate);
        Architecture {
            seqlen: spec.length,
            channels: spec.channels(),
            width: spec.motif_width,
            kernels: spec.kernels,
            recurrent,
            dense: spec.dense,
            outputs: spec.factors,
            meta: spec.meta,
            dropouts: Dropouts {
                conv: layer(spec.dropout.convolution),
                lstm_w: lstm(spec.dropout.lstm_input),
                lstm_u: lstm(spec.dropout.lstm_state),
                features: layer(spec.dropout.features),
                meta: layer(spec.dropout.meta).filter(|_| spec.meta > 0),
                dense: layer(spec.dropout.dense),
            },
        }
    }
}

/// A model that is ready to be written: all that Keras cannot keep has been refused.
pub struct Export<'a> {
    config: &'a Config,
    described: Described,
    best: Vec<Layer>,
    last: Vec<Layer>,
}

impl<'a> Export<'a> {
    /// # Errors
    /// Names that the original's lists cannot hold; weights of another network, or beyond the range of f32.
    pub fn new(best: &'a FactorNet, last: &FactorNet) -> Result<Export<'a>> {
        let config = &best.config;
        check_names(&config.model, best.folder())?;
        let network = Architecture::of(&config.model.network);
        let described = Described::of(&network);
        let [best, last] = [best, last].map(|model| layers(model, &network, &described));
        Ok(Export {
            config,
            described,
            best: best?,
            last: last?,
        })
    }

    /// Writes the folder, which must be there; `ours`: the model folder, for its history. What comes back are notes.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, ours: &Path, folder: &Path) -> Result<Option<String>> {
        let rate = self.config.flags.get("learningrate");
        let rate = rate.and_then(|rate| rate.as_f64());
        let whole = WholeModel {
            keras_version: KERAS_VERSION.to_string(),
            model_config: self.described.model_config(),
            training_config: training_config(rate.unwrap_or(LEARNING_RATE)),
        };
        write_weights(&folder.join(WEIGHTS[0]), &self.best, Some(&whole))?;
        write_weights(&folder.join(WEIGHTS[1]), &self.last, None)?;
        write_lists(&self.config.model, folder)?;
        let from = ours.join(folder::HISTORY);
        let note = write_as_keras(&from, &folder.join(HISTORY))?;
        let json = self.described.model_json();
        write_atomic(folder.join(NETWORK), |w| write!(w, "{json}"))?;
        Ok(note)
    }
}

/// What of a model's settings the original does not know, as notes.
pub fn left_behind(config: &Config) -> Vec<String> {
    let model = &config.model;
    let mut notes = Vec::new();
    if config.precision == Precision::F64 {
        notes.push(
            "note: --precision f64: Keras's files hold f32, to which the weights are rounded"
                .to_string(),
        );
    }
    if model.track_scale != "none" {
        notes.push(format!(
            "note: --track-scale {}: the original reads tracks as they are: scale its bigWig files as this model's were",
            model.track_scale
        ));
    }
    if !model.track_transform.is_none() {
        notes.push(format!(
            "note: --track-transform {:?}: the original reads tracks as they are: its bigWig files must hold ln(1 + x) of the values",
            model.track_transform
        ));
    }
    if config.flags.contains_key(scores::CALIBRATE) {
        notes.push(
            "note: --calibrate: the original knows no calibration: its probabilities are the network's own"
                .to_string(),
        );
    }
    if let Some(gtf) = config.flags.get("gtf").and_then(|gtf| gtf.as_str()) {
        let promoter = config.flags.get("promoter").and_then(|p| p.as_str());
        let promoter = promoter.map_or(String::new(), |p| format!(" --promoter {p}"));
        notes.push(format!(
            "note: --gtf {gtf}{promoter}: the original takes annotation features from BED files: make its BED files from that GTF"
        ));
    }
    if model.network.length % 2 == 1 {
        notes.push(format!(
            "note: -L {}: the original's predict.py and visualize.py fail on windows of an odd number of bases; Keras itself runs the network",
            model.network.length
        ));
    }
    notes
}

/// The original's lists have one word a line, and it finds the other strand's track by the names.
fn check_names(model: &Description, folder: &Path) -> Result<()> {
    let wrong = |message: String| Err(Error::format(folder.join(folder::CONFIG), message));
    let tracks = &model.network.tracks;
    for (what, names) in [
        ("factor", &model.factors),
        ("track", tracks),
        ("meta value", &model.meta),
    ] {
        let breaks = |name: &&String| {
            name.is_empty() || name.contains(char::is_whitespace) || name.contains('#')
        };
        if let Some(name) = names.iter().find(breaks) {
            return wrong(format!(
                "the {what} {}: the original's lists hold names without blanks and #; rename it in this file",
                excerpt(name)
            ));
        }
    }
    if reverse_order(tracks)? != model.network.rc_order {
        return wrong(format!(
            "rc_order {:?} is not what the names of the tracks say (_fwd and _rev change places), and the original goes by these",
            model.network.rc_order
        ));
    }
    Ok(())
}

/// All layers in order, with their weights in f32.
fn layers(model: &FactorNet, network: &Architecture, described: &Described) -> Result<Vec<Layer>> {
    let layout = model.config.model.network.layout()?;
    let exact = model.params::<f64>(&layout)?;
    let narrow: Vec<f32> = exact.iter().map(|&number| number as f32).collect();
    if let Some(place) = narrow.iter().position(|number| !number.is_finite()) {
        let mut params = layout.params.iter();
        let param = params.find(|param| param.range().contains(&place));
        return Err(Error::format(
            &model.file,
            format!(
                "parameter {} holds {}, beyond the range of f32, in which Keras keeps weights",
                param.map_or("", |param| &param.name),
                exact[place]
            ),
        ));
    }
    let tensors = StateDict {
        tensors: tensors(&layout, &narrow, ""),
        ..StateDict::default()
    };
    let find = |(name, shape): (String, Vec<usize>)| -> Result<NamedTensor> {
        let found = tensors.get(&name).filter(|found| found.shape == shape);
        found.cloned().ok_or_else(|| {
            Error::format(
                &model.file,
                format!("no parameter {name} of the shape {shape:?}"),
            )
        })
    };
    let mut holding = weights::expected(network).into_iter();
    let named = described.layer_names.iter().map(|name| {
        let weights = match weights::has_any(name) {
            true => holding.next().unwrap_or_default(),
            false => Vec::new(),
        };
        let weights = weights.into_iter().map(find).collect::<Result<_>>()?;
        Ok(Layer {
            name: name.clone(),
            weights,
        })
    });
    named.collect()
}
