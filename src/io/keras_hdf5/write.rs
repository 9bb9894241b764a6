//! The same files written, in HDF5 1.8's format, which every Keras 1.x can open.

use std::path::Path;

use hdf5_pure::{AttrValue, FileBuilder, GroupBuilder, LibVer};

use super::Layer;
use crate::io::atomic::write_atomic;
use crate::io::state_dict::{NamedTensor, Values};
use crate::{Error, Result};

/// What Keras saves of a whole model beside its weights, as texts.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeModel {
    pub keras_version: String,
    /// The network as JSON.
    pub model_config: String,
    /// Loss, metrics and optimizer as JSON.
    pub training_config: String,
}

/// Writes what `save_weights` does, or, with a whole model, what `save` does but for the optimizer's state.
///
/// # Errors
/// Weights that are not floats; the file cannot be written.
pub fn write_weights(path: &Path, layers: &[Layer], whole: Option<&WholeModel>) -> Result<()> {
    let bytes = file(layers, whole).map_err(|message| Error::format(path, message))?;
    write_atomic(path, |w| w.write_all(&bytes))
}

type Built<T> = std::result::Result<T, String>;

fn file(layers: &[Layer], whole: Option<&WholeModel>) -> Built<Vec<u8>> {
    let mut file = FileBuilder::new();
    file.with_libver_bounds(LibVer::Earliest, LibVer::V18);
    let names = layers.iter().map(|layer| layer.name.as_str());
    match whole {
        None => {
            file.set_attr("layer_names", list(names));
            for layer in layers {
                let mut group = file.create_group(&layer.name);
                fill(&mut group, layer)?;
                file.add_group(group.finish());
            }
        }
        Some(model) => {
            for (name, text) in [
                ("keras_version", &model.keras_version),
                ("model_config", &model.model_config),
                ("training_config", &model.training_config),
            ] {
                file.set_attr(name, AttrValue::VarLenAsciiString(text.clone()));
            }
            let mut weights = file.create_group("model_weights");
            weights.set_attr("layer_names", list(names));
            for layer in layers {
                let mut group = weights.create_group(&layer.name);
                fill(&mut group, layer)?;
                weights.add_group(group.finish());
            }
            file.add_group(weights.finish());
        }
    }
    file.finish().map_err(|e| format!("HDF5 not written: {e}"))
}

fn fill(group: &mut GroupBuilder, layer: &Layer) -> Built<()> {
    let names = layer.weights.iter().map(|weight| weight.name.as_str());
    group.set_attr("weight_names", list(names));
    for NamedTensor {
        name,
        shape,
        values,
    } in &layer.weights
    {
        let shape: Vec<u64> = shape.iter().map(|&extent| extent as u64).collect();
        let dataset = group.create_dataset(name);
        match values {
            Values::F32(values) => dataset.with_f32_data(values),
            Values::F64(values) => dataset.with_f64_data(values),
            _ => return Err(format!("{name} holds no floats, as Keras's weights do")),
        };
        dataset.with_shape(&shape);
    }
    Ok(())
}

/// A list of names as Keras keeps it: of fixed length, padded with zeros; an empty one is an array of no floats.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> AttrValue {
    let names: Vec<String> = names.map(String::from).collect();
    match names.is_empty() {
        true => AttrValue::F64Array(Vec::new()),
        false => AttrValue::AsciiStringArray(names),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_weights;
    use super::*;

    fn layers() -> Vec<Layer> {
        let names = ["input_1", "convolution1d_1", "merge_1"];
        let mut layers = names.map(|name| Layer {
            name: name.into(),
            weights: Vec::new(),
        });
        let numbers: Vec<f32> = (0..24).map(|i| 1.0 / (i as f32 + 3.0)).collect();
        layers[1].weights = vec![
            NamedTensor::new("convolution1d_1_W", &[2, 1, 4, 3], numbers),
            NamedTensor::new(
                "convolution1d_1_b",
                &[3],
                vec![0.0_f32, -0.0, f32::MIN_POSITIVE],
            ),
        ];
        layers.to_vec()
    }

    #[test]
    fn both_forms_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.hdf5");
        let whole = WholeModel {
            keras_version: "1.2.2".into(),
            // Longer than what fits into a header.
            model_config: format!("{{\"class_name\": \"{}\"}}", "x".repeat(100_000)),
            training_config: "{}".into(),
        };
        for whole in [None, Some(&whole)] {
            write_weights(&path, &layers(), whole).unwrap();
            let found = read_weights(&path).unwrap();
            assert_eq!(found.layers, layers());
            assert_eq!(found.model_config.as_ref(), whole.map(|w| &w.model_config));
            // The oldest format that the writer has: HDF5 1.8 opens it.
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!((&bytes[..4], bytes[8]), (&b"\x89HDF"[..], 2));
        }
    }

    #[test]
    fn integers_are_refused() {
        let mut layers = layers();
        layers[1].weights[1] = NamedTensor::new("counter", &[1], vec![1_i64]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.hdf5");
        let message = write_weights(&path, &layers, None).unwrap_err().to_string();
        assert!(
            message.contains("model.hdf5: counter holds no floats"),
            "{message}"
        );
        assert!(!path.exists());
    }
}
