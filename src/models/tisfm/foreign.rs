//! Weights that the original program saved, in any of its versions.

use super::Spec;
use super::network::{Blueprint, MOTIF_WEIGHT, Network};
use crate::Result;
use crate::data::Notes;
use crate::engine::Layout;
use crate::io::state_dict::NamedTensor;
use crate::train::folder::foreign::ForeignWeights;
use crate::train::folder::weights::Number;
use crate::train::model::Lowering;
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
