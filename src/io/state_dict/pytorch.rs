//! Every container that `torch.save` has written, by way of the crate pytorch-reader.

use std::io;
use std::path::Path;

use pytorch_reader::{DType, PickleValue, PytorchError, PytorchReader};
use safetensors::Dtype;

use super::{NamedTensor, StateDict, decode, unread_type};
use crate::{Error, Result};

/// The entries of a checkpoint that hold a model's weights, in the order in which they are looked for: what Lightning and
/// the tutorials of PyTorch call them.
const ENTRIES: [&str; 3] = ["state_dict", "model_state_dict", "model"];

pub(super) fn read(path: &Path) -> Result<StateDict> {
    let failed = |e| match e {
        PytorchError::Io(source) if !is_content(&source) => Error::io(path, source),
        other => unreadable(path, other),
    };
    let mut reader = PytorchReader::new(path).map_err(failed)?;
    let entry = entry(&reader, path).map_err(failed)?;
    if let Some(entry) = entry {
        reader = PytorchReader::with_top_level_key(path, entry).map_err(failed)?;
    }
    if reader.is_empty() {
        return Err(Error::format(
            path,
            "found a PyTorch file without a tensor, expected a state dict",
        ));
    }
    let tensors = reader
        .into_tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let bytes = tensor.read().map_err(|source| {
                if is_content(&source) {
                    unreadable(path, source)
                } else {
                    Error::io(path, source)
                }
            })?;
            let dtype = dtype(tensor.dtype());
            let values = decode(&bytes, dtype).ok_or_else(|| unread_type(path, &name, dtype))?;
            Ok(NamedTensor {
                shape: tensor.shape().to_vec(),
                name,
                values,
            })
        })
        .collect::<Result<_>>()?;
    Ok(StateDict {
        tensors,
        entry,
        ..StateDict::default()
    })
}

/// Which entry of a checkpoint holds the weights; None for a state dict itself.
///
/// The reader names a tensor of an inner dictionary `entry.name`, as a state dict names one of a module `entry`: only the
/// file itself tells the two apart.
fn entry(
    reader: &PytorchReader,
    path: &Path,
) -> std::result::Result<Option<&'static str>, PytorchError> {
    let inside = |entry: &str, name: &str| {
        name.strip_prefix(entry)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let named = |entry: &str| reader.tensors().keys().any(|name| inside(entry, name));
    if !ENTRIES.into_iter().any(named) {
        return Ok(None);
    }
    let PickleValue::Dict(root) = PytorchReader::read_pickle_data(path, None)? else {
        return Ok(None);
    };
    let is_dictionary = |entry: &str| matches!(root.get(entry), Some(PickleValue::Dict(_)));
    Ok(ENTRIES
        .into_iter()
        .find(|entry| named(entry) && is_dictionary(entry)))
}

/// The file's content is at fault, not the operating system.
fn is_content(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::Other
    )
}

fn unreadable(path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::format(
        path,
        format!(
            "expected a state dict that PyTorch saved, but the file is damaged or holds something else: {cause}"
        ),
    )
}

fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
