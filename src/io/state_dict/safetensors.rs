//! safetensors: eight bytes of header length, the header as JSON, then the tensors' bytes without gaps.
//!
//! The element types come from the crate; the header is read and written here, because the crate's reader hides a name
//! that comes twice and says not where a file is wrong, and its writer puts the metadata in random order.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{NamedTensor, StateDict, Values, decode, duplicate, unread_type};
use crate::io::atomic::write_atomic;
use crate::{Error, Result};

/// The format's own limit.
pub(super) const MAX_HEADER: u64 = 100_000_000;
const METADATA: &str = "__metadata__";

pub(super) fn read(path: &Path) -> Result<StateDict> {
    let io_error = |e| Error::io(path, e);
    let format_error = |message: String| Error::format(path, message);
    let file = File::open(path).map_err(io_error)?;
    let file_len = file.metadata().map_err(io_error)?.len();
    let mut file = BufReader::new(file);

    let mut prefix = [0; 8];
    file.read_exact(&mut prefix).map_err(io_error)?;
    let header_len = u64::from_le_bytes(prefix);
    let rest = file_len.saturating_sub(8);
    if header_len > rest {
        return Err(format_error(format!(
            "corrupt or cut short: the safetensors header should be {header_len} bytes long, found {rest} after its length"
        )));
    }
    if header_len > MAX_HEADER {
        return Err(format_error(format!(
            "the safetensors header is {header_len} bytes long, expected at most {MAX_HEADER}"
        )));
    }
    let mut json = vec![0; header_len as usize];
    file.read_exact(&mut json).map_err(io_error)?;
    let mut header: ParsedHeader = serde_json::from_slice(&json)
        .map_err(|e| format_error(format!("corrupt safetensors header: {e}")))?;
    if let Some(name) = duplicate(header.tensors.iter().map(|(name, _)| name.as_str())) {
        return Err(format_error(format!(
            "the safetensors header has the tensor {name:?} twice, expected each name once"
        )));
    }

    header.tensors.sort_by(|(a_name, a), (b_name, b)| {
        (a.data_offsets, a_name).cmp(&(b.data_offsets, b_name))
    });
    let end = check_layout(&header.tensors).map_err(format_error)?;
    let data_len = rest - header_len;
    if end != data_len {
        let what = if end > data_len {
            "corrupt or cut short"
        } else {
            "corrupt"
        };
        return Err(format_error(format!(
            "{what}: the header describes {end} bytes of tensors, found {data_len}"
        )));
    }

    let mut tensors = Vec::with_capacity(header.tensors.len());
    for (name, info) in header.tensors {
        let mut bytes = vec![0; info.data_offsets.1 - info.data_offsets.0];
        file.read_exact(&mut bytes).map_err(io_error)?;
        let values =
            decode(&bytes, info.dtype).ok_or_else(|| unread_type(path, &name, info.dtype))?;
        tensors.push(NamedTensor {
            name,
            shape: info.shape,
            values,
        });
    }
    Ok(StateDict {
        tensors,
        metadata: header.metadata,
        entry: None,
    })
}

/// Tensors in the order of their bytes follow each other without gaps, and each has as many bytes as its shape asks for.
/// Returns where the last one ends.
fn check_layout(tensors: &[(String, TensorInfo)]) -> std::result::Result<u64, String> {
    let mut start = 0;
    for (name, info) in tensors {
        let (from, to) = info.data_offsets;
        if from != start || to < from {
            return Err(format!(
                "the safetensors header puts tensor {name:?} at bytes {from} to {to}, expected it to begin at {start}"
            ));
        }
        let bytes = info
            .shape
            .iter()
            .try_fold(info.dtype.bitsize(), |n, &extent| n.checked_mul(extent))
            .map(|bits| bits.div_ceil(8));
        if bytes != Some(to - from) {
            return Err(format!(
                "the safetensors header gives tensor {name:?} {} bytes, expected {} for type {} and shape {:?}",
                to - from,
                bytes.map_or("more than there can be".into(), |n| n.to_string()),
                info.dtype,
                info.shape
            ));
        }
        start = to;
    }
    Ok(start as u64)
}

struct ParsedHeader {
    metadata: BTreeMap<String, String>,
    /// In the header's order, a name that comes twice included.
    tensors: Vec<(String, TensorInfo)>,
}

impl<'de> Deserialize<'de> for ParsedHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = ParsedHeader;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a JSON object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut header = ParsedHeader {
                    metadata: BTreeMap::new(),
                    tensors: Vec::new(),
                };
                while let Some(name) = map.next_key::<String>()? {
                    if name == METADATA {
                        header.metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
                    } else {
                        header.tensors.push((name, map.next_value()?));
                    }
                }
                Ok(header)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__", skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<&'a str, TensorInfo>,
}

/// Writes `state` to `path` as safetensors, atomically. The same content gives the same bytes, in whatever order the
/// tensors come.
pub fn write(path: impl AsRef<Path>, state: &StateDict) -> Result<()> {
    let path = path.as_ref();
    let refuse = |message: String| Error::invalid(format!("{}: {message}", path.display()));
    if let Some(name) = duplicate(state.tensors.iter().map(|t| t.name.as_str())) {
        return Err(refuse(format!("cannot write two tensors named {name:?}")));
    }

    // The widest elements first, so that each tensor is aligned; then by name.
    let mut tensors: Vec<&NamedTensor> = state.tensors.iter().collect();
    tensors.sort_by_key(|t| (std::cmp::Reverse(t.values.dtype().bitsize()), &t.name));
    let mut header = Header {
        metadata: &state.metadata,
        tensors: BTreeMap::new(),
    };
    let mut end = 0;
    for tensor in &tensors {
        let NamedTensor {
            name,
            shape,
            values,
        } = tensor;
        if name == METADATA {
            return Err(refuse(format!("a tensor cannot be named {METADATA:?}")));
        }
        if shape.iter().try_fold(1, |n: usize, &x| n.checked_mul(x)) != Some(values.len()) {
            return Err(refuse(format!(
                "tensor {name:?} has {} elements, which do not fill its shape {shape:?}",
                values.len()
            )));
        }
        let dtype: Dtype = values.dtype();
        let start = end;
        end += values.len() * dtype.bitsize() / 8;
        let info = TensorInfo {
            dtype,
            shape: shape.clone(),
            data_offsets: (start, end),
        };
        header.tensors.insert(name, info);
    }
    let mut json = serde_json::to_vec(&header).map_err(|e| refuse(e.to_string()))?;
    json.resize(json.len().next_multiple_of(8), b' ');
    if json.len() as u64 > MAX_HEADER {
        return Err(refuse(format!(
            "the header would be {} bytes long, safetensors allows {MAX_HEADER}",
            json.len()
        )));
    }

    write_atomic(path, |w| {
        w.write_all(&(json.len() as u64).to_le_bytes())?;
        w.write_all(&json)?;
        tensors.iter().try_for_each(|t| encode(w, &t.values))
    })
}

fn encode(w: &mut dyn Write, values: &Values) -> io::Result<()> {
    fn each<const N: usize, T: Copy>(
        w: &mut dyn Write,
        elements: &[T],
        f: impl Fn(T) -> [u8; N],
    ) -> io::Result<()> {
        // In pieces: neither a call for each element nor a second copy of the whole.
        let mut bytes = Vec::with_capacity(4096 * N);
        for piece in elements.chunks(4096) {
            bytes.clear();
            piece.iter().for_each(|&x| bytes.extend_from_slice(&f(x)));
            w.write_all(&bytes)?;
        }
        Ok(())
    }
    match values {
        Values::F32(v) => each(w, v, f32::to_le_bytes),
        Values::F64(v) => each(w, v, f64::to_le_bytes),
        Values::I64(v) => each(w, v, i64::to_le_bytes),
        Values::U8(v) => w.write_all(v),
        Values::U64(v) => each(w, v, u64::to_le_bytes),
    }
}
