//! Weights that the original program saved, in any of its versions.

use super::config::{Config, Description};
use super::network::{Blueprint, Loss, MOTIF_WEIGHT, Network, Trainable};
use super::spec::Strands;
use super::{Dimensions, KIND, MotifKernels, Spec};
use crate::data::Notes;
use crate::dna::motif::Motif;
use crate::engine::Layout;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::io::state_dict::{NamedTensor, StateDict, Values};
use crate::train::folder::config::{InputFile, Precision};
use crate::train::folder::foreign::ForeignWeights;
use crate::train::folder::weights::Number;
use crate::train::model::Lowering;
use crate::{Error, Result};
use std::path::Path;

/// An attention layer's biases that the original got after its first models were published; without them it computes as
/// with zeros.
const LATER: [&str; 2] = [".tokey_bias", ".toquery_bias"];

/// Reads weights for an architecture.
///
/// # Errors
/// Those of [`ForeignWeights::read`].
pub fn read(spec: &Spec, file: &Path) -> Result<ForeignWeights> {
    let bias = spec.output_bias();
    let landmarks: Vec<&str> = bias.as_deref().into_iter().chain([MOTIF_WEIGHT]).collect();
    ForeignWeights::read(file, &landmarks)
}

impl<T: Number> Network<T> {
    /// Parameters from another program's weights, and what was done to them, a sentence each.
    ///
    /// # Errors
    /// Weights of another architecture; a number that is not finite.
    pub fn from_foreign(
        blueprint: Blueprint,
        mut weights: ForeignWeights,
    ) -> Result<(Self, Notes)> {
        let (tape, _) = blueprint.recorded::<T>(true, Lowering::Composed)?;
        let layout = tape.layout().clone();
        let mut notes = weights.notes();
        notes.extend(add_later_biases(&layout, &mut weights));
        let params = weights.params(&layout)?;
        let network = Network {
            blueprint,
            layout,
            params,
        };
        Ok((network, notes))
    }
}

/// Another program's weights with all that makes a model of them.
pub struct Whole {
    spec: Spec,
    weights: ForeignWeights,
    kernels: Option<MotifKernels>,
    motifs: Vec<Motif>,
    files: Vec<InputFile>,
    /// What was noticed on the way, a sentence each.
    pub notes: Notes,
}

impl Whole {
    /// `meme_file`: the motifs' names and number; their numbers are the weights'.
    ///
    /// # Errors
    /// An architecture with motifs and no file of them; a file that is no MEME.
    pub fn new(
        mut spec: Spec,
        weights: ForeignWeights,
        meme_file: Option<&Path>,
        sources: &Sources,
    ) -> Result<Self> {
        let state = &weights.state;
        spec.take_sizes(|name| state.shape(name));
        let (mut files, mut notes) = (Vec::new(), Notes::new());
        let (kernels, motifs) = match (spec.strands(), meme_file) {
            (Some(_), None) => {
                return Err(Error::usage(format!(
                    "--architecture {} needs --meme-file",
                    spec.name
                )));
            }
            (Some(strands), Some(file)) => {
                files.push(InputFile::of(sources, "--meme-file", file)?);
                let motifs = parse_meme(sources.lines(file)?, &mut notes)?;
                let own = MotifKernels::new(&motifs, false);
                // A state dict's kernels may be wider than this collection's longest motif.
                let width = state
                    .get(MOTIF_WEIGHT)
                    .and_then(|t| t.shape.last().copied());
                let shown = |place: usize| motifs.get(place).map(Motif::shown);
                notes.extend(of_other_motifs(&own, strands, shown, state));
                let width = width.unwrap_or(own.width());
                (Some(MotifKernels::empty(motifs.len(), width)), motifs)
            }
            (None, _) => (None, Vec::new()),
        };
        Ok(Whole {
            spec,
            weights,
            kernels,
            motifs,
            files,
            notes,
        })
    }

    /// How many outputs the weights have.
    ///
    /// # Errors
    /// The last block has no bias for each output, or the weights lack it.
    pub fn outputs(&self) -> Result<usize> {
        let Some(bias) = self.spec.output_bias() else {
            return Err(Error::invalid(format!(
                "{} ends in no block with a bias for each output (linear without a size, or effect), which would tell how many outputs the weights have",
                self.spec.name
            )));
        };
        let last = self.weights.state.get(&bias);
        Ok(last
            .ok_or_else(|| self.weights.missing(&bias))?
            .values
            .len())
    }

    /// The model's description, its parameters under their names, and what was done to them, a sentence each; the file's own number
    /// type is kept.
    ///
    /// # Errors
    /// Weights of another architecture, or of other sizes.
    pub fn opened(self, window: usize, outputs: Vec<String>) -> Result<(Config, StateDict, Notes)> {
        let double = |t: &NamedTensor| matches!(t.values, Values::F64(_));
        let precision = match self.weights.state.tensors.iter().any(double) {
            true => Precision::F64,
            false => Precision::F32,
        };
        let blueprint = Blueprint {
            spec: self.spec,
            dimensions: Dimensions {
                window,
                outputs: outputs.len(),
            },
            kernels: self.kernels,
            trainable: Trainable::default(),
            loss: Loss::default(),
        };
        let config = Config {
            version: env!("CARGO_PKG_VERSION").to_string(),
            kind: KIND.name.to_string(),
            model: Description::of(&blueprint, &self.motifs, outputs),
            precision,
            files: self.files,
            flags: serde_json::Map::new(),
        };
        let (state, notes) = match precision {
            Precision::F64 => renamed::<f64>(blueprint, self.weights)?,
            Precision::F32 | Precision::Bf16 => renamed::<f32>(blueprint, self.weights)?,
        };
        Ok((config, state, notes))
    }
}

fn renamed<T: Number>(blueprint: Blueprint, weights: ForeignWeights) -> Result<(StateDict, Notes)> {
    let (network, notes) = Network::<T>::from_foreign(blueprint, weights)?;
    Ok((network.state_dict(), notes))
}

/// What to say where the motifs of a MEME file are not those of the weights: the weights win, and names in another order would call
/// every factor by another's name. `shown` names a motif by its place.
pub fn of_other_motifs(
    kernels: &MotifKernels,
    strands: Strands,
    shown: impl Fn(usize) -> Option<String>,
    weights: &StateDict,
) -> Option<String> {
    let weight = weights.get(MOTIF_WEIGHT)?;
    let differing = kernels.differing(strands, &weight.values.to_f64());
    let first = differing.first().and_then(|&motif| shown(motif))?;
    Some(format!(
        "warning: the kernels of {} of {} motifs in the weights are not those of the MEME file (first: {first}); the weights win. Another file or order would give the factors wrong names; kernels that were trained differ too",
        differing.len(),
        kernels.len()
    ))
}

/// Puts zeros where an attention layer has neither of the later biases; one alone stays missing.
fn add_later_biases(layout: &Layout, weights: &mut ForeignWeights) -> Notes {
    let mut notes = Notes::new();
    for key in &layout.params {
        let Some(layer) = key.name.strip_suffix(LATER[0]) else {
            continue;
        };
        let Some(query) = layout.get(&format!("{layer}{}", LATER[1])) else {
            continue;
        };
        let pair = [key, query];
        if pair.iter().any(|p| weights.state.get(&p.name).is_some()) {
            continue;
        }
        let zeros = pair.map(|p| NamedTensor::new(p.name.as_str(), &p.shape, vec![0f32; p.len()]));
        weights.state.tensors.extend(zeros);
        notes.push(format!(
            "note: {} has neither {} nor {}, which the original program got later: they are 0",
            weights.file.display(),
            key.name,
            query.name
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::state_dict::{StateDict, write_safetensors};
    use crate::models::tisfm::network::Trainable;
    use crate::models::tisfm::{Dimensions, MotifKernels, builtin};

    fn blueprint() -> Blueprint {
        Blueprint {
            spec: builtin::find("model_pos_attention_calib_sigmoid_interaction").unwrap(),
            dimensions: Dimensions {
                window: 20,
                outputs: 2,
            },
            kernels: Some(MotifKernels::empty(3, 6)),
            trainable: Trainable::default(),
            loss: Loss::default(),
        }
    }

    /// Fresh weights without some of them, and behind a prefix, read back.
    fn read_without(absent: &[&str], prefix: &str) -> Result<(Network<f64>, Notes)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("old.safetensors");
        let network = Network::<f64>::initialise(blueprint(), 3).unwrap();
        let mut state: StateDict = network.state_dict();
        state.tensors.retain(|t| !absent.contains(&&*t.name));
        for tensor in &mut state.tensors {
            tensor.name.insert_str(0, prefix);
        }
        write_safetensors(&file, &state).unwrap();
        Network::from_foreign(blueprint(), read(&blueprint().spec, &file)?)
    }

    #[test]
    fn both_later_biases_absent_are_zeros_and_one_alone_is_an_error() {
        let (key, query) = ("attention_layer.tokey_bias", "attention_layer.toquery_bias");
        let (whole, notes) = read_without(&[], "").unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        for prefix in ["", "module."] {
            let (old, notes) = read_without(&[key, query], prefix).unwrap();
            assert_eq!(old.params, whole.params, "they start as zeros");
            let note = notes.last().unwrap();
            assert!(
                note.contains("neither attention_layer.tokey_bias nor"),
                "{note}"
            );
            assert_eq!(notes.len(), if prefix.is_empty() { 1 } else { 2 });
        }
        for (absent, other) in [(key, query), (query, key)] {
            let error = read_without(&[absent], "").err().unwrap().to_string();
            assert!(
                error.contains(&format!("no parameter {absent}; the file has")),
                "{error}"
            );
            assert!(error.contains(other), "{error}");
        }
    }
}
