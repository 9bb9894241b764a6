//! A file's weights at their places in the network, by position and with their shapes checked.

use super::architecture::Architecture;
use crate::io::keras_hdf5::Layer;
use crate::io::state_dict::{NamedTensor, Values};
use crate::numbers::counted;

const GATES: [&str; 4] = ["i", "c", "f", "o"];

/// A layer with weights: each weight's name and shape.
pub(super) type Expected = Vec<(String, Vec<usize>)>;

/// Renames the file's weights to the network's own; the names in the file are not looked at.
///
/// Errors: another number of layers or weights, a shape that contradicts the network, a number that is not finite.
pub(super) fn take(
    architecture: &Architecture,
    layers: Vec<Layer>,
) -> std::result::Result<Vec<NamedTensor>, String> {
    let expected = expected(architecture);
    let layers: Vec<Layer> = layers
        .into_iter()
        .filter(|layer| !layer.weights.is_empty())
        .collect();
    if layers.len() != expected.len() {
        let names: Vec<_> = layers.iter().map(|layer| &layer.name).collect();
        return Err(format!(
            "{} with weights {names:?}; the network has {}",
            counted(layers.len(), "layer"),
            expected.len()
        ));
    }
    let mut tensors = Vec::new();
    for (index, (layer, places)) in layers.into_iter().zip(expected).enumerate() {
        if layer.weights.len() != places.len() {
            return Err(format!(
                "layer {:?} has {}, expected {}",
                layer.name,
                counted(layer.weights.len(), "weight"),
                places.len()
            ));
        }
        for (mut tensor, (name, shape)) in layer.weights.into_iter().zip(places) {
            if index == 0 {
                tensor = turned(tensor, &shape);
            }
            if tensor.shape != shape {
                return Err(format!(
                    "layer {:?}, weight {:?} has the shape {:?}, expected {shape:?}",
                    layer.name, tensor.name, tensor.shape
                ));
            }
            tensor.check_finite().map_err(|message| {
                format!(
                    "layer {:?}, weight {:?}: {message}",
                    layer.name, tensor.name
                )
            })?;
            tensors.push(NamedTensor { name, ..tensor });
        }
    }
    Ok(tensors)
}

/// The layers with weights, in order.
pub(super) fn expected(a: &Architecture) -> Vec<Expected> {
    let pair = |name: &str, weight: &[usize], outputs: usize| -> Expected {
        vec![
            (format!("{name}_W"), weight.to_vec()),
            (format!("{name}_b"), vec![outputs]),
        ]
    };
    let mut layers = vec![
        pair(
            "convolution1d_1",
            &[a.width, 1, a.channels, a.kernels],
            a.kernels,
        ),
        pair("dense_1", &[a.kernels, a.kernels], a.kernels),
    ];
    if let Ok(units @ 1..) = usize::try_from(a.recurrent) {
        layers.push(lstm(a.kernels, units));
    }
    layers.push(pair("dense_2", &[features(a), a.dense], a.dense));
    let mut last = "dense_3";
    if a.meta > 0 {
        layers.push(pair("dense_3", &[a.dense + a.meta, a.dense], a.dense));
        last = "dense_4";
    }
    layers.push(pair(last, &[a.dense, a.outputs], a.outputs));
    layers
}

/// Inputs of the first dense layer.
pub(super) fn features(a: &Architecture) -> usize {
    let positions = (a.seqlen - a.width + 1) / (a.width / 2);
    match usize::try_from(a.recurrent) {
        Ok(0) => positions * a.kernels,
        Ok(units) => positions * 2 * units,
        Err(_) => a.kernels,
    }
}

/// Whether a layer has weights, by the name that Keras gives it.
pub(super) fn has_any(layer: &str) -> bool {
    let kinds = ["convolution1d", "timedistributed", "bidirectional", "dense"];
    kinds.iter().any(|kind| layer.starts_with(kind))
}

fn lstm(inputs: usize, units: usize) -> Expected {
    let mut weights = Vec::new();
    for direction in ["forward", "backward"] {
        for gate in GATES {
            let name = |kind: &str| format!("{direction}_lstm_1_{kind}_{gate}");
            weights.push((name("W"), vec![inputs, units]));
            weights.push((name("U"), vec![units, units]));
            weights.push((name("b"), vec![units]));
        }
    }
    weights
}

/// Files of early Keras versions have the convolution's weights as (kernels, channels, width, 1): transposed as Keras
/// does when it loads them. Other tensors stay as they are.
fn turned(tensor: NamedTensor, shape: &[usize]) -> NamedTensor {
    let &[width, 1, channels, kernels] = shape else {
        return tensor;
    };
    if tensor.shape == shape || tensor.shape != [kernels, channels, width, 1] {
        return tensor;
    }
    fn reversed<T: Copy>(values: &[T], [kernels, channels, width]: [usize; 3]) -> Vec<T> {
        let mut turned = Vec::with_capacity(values.len());
        for j in 0..width {
            for c in 0..channels {
                turned.extend((0..kernels).map(|k| values[(k * channels + c) * width + j]));
            }
        }
        turned
    }
    let extents = [kernels, channels, width];
    let values = match &tensor.values {
        Values::F32(v) => Values::F32(reversed(v, extents)),
        Values::F64(v) => Values::F64(reversed(v, extents)),
        _ => return tensor,
    };
    NamedTensor {
        shape: shape.to_vec(),
        values,
        ..tensor
    }
}
