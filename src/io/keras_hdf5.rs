//! The HDF5 files that Keras 1.x wrote: layers in order, each with its weights in order.
//!
//! All that this program asks of HDF5, and of the crate that reads and writes it, is here.

mod write;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use hdf5_pure::{AttrValue, DType, Group};

use crate::io::foreign::describe;
use crate::io::sources::check_no_stream;
use crate::io::state_dict::{NamedTensor, Values};
use crate::{Error, Result};

pub use self::write::{WholeModel, write_weights};

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Far above any network of this kind (3 MB): a wrong file of gigabytes is not taken into memory.
const LARGEST: u64 = 1 << 30;

/// A layer's group in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub name: String,
    /// In the order of `weight_names`; empty for layers without weights.
    pub weights: Vec<NamedTensor>,
}

/// What a weights file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightsFile {
    /// In the order of `layer_names`.
    pub layers: Vec<Layer>,
    /// The network as JSON, where the whole model was saved and not its weights alone.
    pub model_config: Option<String>,
}

/// Reads what `save_weights` wrote (layers at the root) or `save` did (layers in `/model_weights`).
///
/// Errors: not HDF5 (what it is instead), truncated, corrupt, no layers in it, weights that are not floats.
pub fn read_weights(path: &Path) -> Result<WeightsFile> {
    check_no_stream(path, "weights")?;
    let io_error = |e| Error::io(path, e);
    let file = File::open(path).map_err(io_error)?;
    let length = file.metadata().map_err(io_error)?.len();
    if length > LARGEST {
        return Err(Error::format(
            path,
            format!("{length} bytes, expected Keras weights of at most {LARGEST}"),
        ));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(io_error)?;
    if !bytes.starts_with(SIGNATURE) {
        if SIGNATURE.starts_with(&bytes) && !bytes.is_empty() {
            return Err(Error::format(
                path,
                format!("truncated: {} bytes of an HDF5 file", bytes.len()),
            ));
        }
        let found = describe(bytes.get(..512).unwrap_or(&bytes));
        return Err(Error::format(
            path,
            format!("found {found}, expected an HDF5 file with Keras weights"),
        ));
    }
    parse(bytes).map_err(|message| Error::format(path, message))
}

type Parsed<T> = std::result::Result<T, String>;

fn corrupt(error: hdf5_pure::Error) -> String {
    format!("corrupt HDF5: {error}")
}

fn parse(bytes: Vec<u8>) -> Parsed<WeightsFile> {
    let found = bytes.len() as u64;
    let file = hdf5_pure::File::from_bytes(bytes).map_err(|error| {
        format!("corrupt or cut short after {found} bytes: no HDF5 superblock ({error})")
    })?;
    let end = file.superblock().eof_address;
    if found < end {
        return Err(format!(
            "cut short: {found} bytes, and the HDF5 superblock says {end}"
        ));
    }
    let root = file.root();
    let at_root = root.attrs().map_err(corrupt)?;
    let model_config = at_root
        .get("model_config")
        .and_then(|v| v.as_str())
        .map(String::from);
    let (group, attributes) = if at_root.contains_key("layer_names") {
        (root, at_root)
    } else {
        let names = root.groups().map_err(corrupt)?;
        if !names.iter().any(|name| name == "model_weights") {
            return Err(
                "HDF5 without Keras weights: neither `layer_names` at its root nor a group `model_weights`"
                    .into(),
            );
        }
        let group = file.group("model_weights").map_err(corrupt)?;
        let attributes = group.attrs().map_err(corrupt)?;
        (group, attributes)
    };
    let names = strings(attributes.get("layer_names"))
        .ok_or("HDF5 without Keras weights: no list `layer_names`")?;
    let layers = names
        .into_iter()
        .map(|name| layer(&group, name, found))
        .collect::<Parsed<_>>()?;
    Ok(WeightsFile {
        layers,
        model_config,
    })
}

fn layer(parent: &Group, name: String, file_length: u64) -> Parsed<Layer> {
    let group = parent
        .group(&name)
        .map_err(|e| format!("layer {name:?}: {e}"))?;
    let attributes = group.attrs().map_err(corrupt)?;
    let weight_names = strings(attributes.get("weight_names"))
        .ok_or_else(|| format!("layer {name:?} has no list `weight_names`"))?;
    let weights = weight_names
        .into_iter()
        .map(|weight| {
            tensor(&group, &weight, file_length)
                .map_err(|e| format!("layer {name:?}, weight {weight:?}: {e}"))
        })
        .collect::<Parsed<_>>()?;
    Ok(Layer { name, weights })
}

fn tensor(group: &Group, name: &str, file_length: u64) -> Parsed<NamedTensor> {
    let dataset = group.dataset(name).map_err(|e| e.to_string())?;
    let shape = dataset.shape().map_err(|e| e.to_string())?;
    let size = dataset.element_size().map_err(|e| e.to_string())?;
    // Before anything is reserved: a corrupt shape may claim any length, and Keras does not compress.
    let bytes = shape
        .iter()
        .try_fold(size, |n, &extent| n.checked_mul(extent))
        .filter(|&bytes| bytes <= file_length);
    if bytes.is_none() {
        return Err(format!("shape {shape:?} is more than the file holds"));
    }
    let shape: Vec<usize> = shape.iter().map(|&extent| extent as usize).collect();
    let values = match dataset.dtype().map_err(|e| e.to_string())? {
        DType::F32 => Values::F32(dataset.read_f32().map_err(|e| e.to_string())?),
        DType::F64 => Values::F64(dataset.read_f64().map_err(|e| e.to_string())?),
        other => return Err(format!("elements of type {other}, expected floats")),
    };
    if values.len() != shape.iter().product::<usize>() {
        return Err(format!("{} values for shape {shape:?}", values.len()));
    }
    Ok(NamedTensor {
        name: name.into(),
        shape,
        values,
    })
}

/// A list of names; Keras wrote an empty one as an array of no floats.
fn strings(value: Option<&AttrValue>) -> Option<Vec<String>> {
    match value? {
        AttrValue::F64Array(none) if none.is_empty() => Some(Vec::new()),
        value => value.as_strings().map(<[String]>::to_vec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn damage_is_an_error_or_other_numbers_never_a_panic(
            bytes in prop::collection::vec((0_usize..33_256, any::<u8>()), 1..6),
        ) {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/data/golden/factornet/keras_files/train_T1_gmax_nometa/best_model.hdf5");
            let mut damaged = std::fs::read(path).unwrap();
            for (place, byte) in bytes {
                damaged[place] = byte;
            }
            let _ = parse(damaged);
        }
    }
}
