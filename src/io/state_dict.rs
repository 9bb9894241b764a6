//! Named tensors in a file: safetensors in and out, and the files that PyTorch's `torch.save(state_dict)` wrote in.
//!
//! Which of them a file is, its content says, not its name (the original calls its files `model.best`). Element types
//! narrower than ours widen on the way in: BF16 and F16 to f32, the other integers to i64, bool to u8; all exact.
//! Of a PyTorch checkpoint (weights beside an epoch, an optimizer) only the state dict is read.

mod pytorch;
mod safetensors;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::safetensors::Dtype;

use super::foreign::describe;
use super::sources::check_no_stream;
use crate::{Error, Result};

pub use self::safetensors::write as write_safetensors;

/// A tensor's elements, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U64(Vec<u64>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    pub name: String,
    /// Outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    pub values: Values,
}

/// What [`read`] returns has its tensors sorted by name, whatever the file's order was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateDict {
    pub tensors: Vec<NamedTensor>,
    pub metadata: BTreeMap<String, String>,
    /// The entry of a PyTorch checkpoint that held these tensors, where the file is no state dict itself.
    pub entry: Option<&'static str>,
}

/// The element types that a tensor may have in memory.
pub trait Element: Copy + Sized {
    fn wrap(elements: Vec<Self>) -> Values;
    fn slice(values: &Values) -> Option<&[Self]>;
}

/// The two float types, to which every tensor converts.
pub trait FloatElement: Element {
    fn from_values(values: &Values) -> Vec<Self>;
}

macro_rules! element {
    ($($t:ty => $variant:ident),*) => {$(
        impl Element for $t {
            fn wrap(elements: Vec<Self>) -> Values {
                Values::$variant(elements)
            }
            fn slice(values: &Values) -> Option<&[Self]> {
                match values {
                    Values::$variant(elements) => Some(elements),
                    _ => None,
                }
            }
        }
        impl From<Vec<$t>> for Values {
            fn from(elements: Vec<$t>) -> Values {
                Values::$variant(elements)
            }
        }
    )*};
}
element!(f32 => F32, f64 => F64, i64 => I64, u8 => U8, u64 => U64);

macro_rules! float_element {
    ($($t:ty),*) => {$(
        impl FloatElement for $t {
            fn from_values(values: &Values) -> Vec<Self> {
                match values {
                    Values::F32(v) => v.iter().map(|&x| x as $t).collect(),
                    Values::F64(v) => v.iter().map(|&x| x as $t).collect(),
                    Values::I64(v) => v.iter().map(|&x| x as $t).collect(),
                    Values::U8(v) => v.iter().map(|&x| x as $t).collect(),
                    Values::U64(v) => v.iter().map(|&x| x as $t).collect(),
                }
            }
        }
    )*};
}
float_element!(f32, f64);

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::I64(v) => v.len(),
            Values::U8(v) => v.len(),
            Values::U64(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type's name, spelled as in a safetensors header: F32, F64, I64, U8, U64.
    pub fn type_name(&self) -> String {
        self.dtype().to_string()
    }

    /// The elements as they are, when they are of this type.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        T::slice(self)
    }

    /// The elements converted to f32 or f64 (rounded to nearest where the type is narrower).
    pub fn to_vec<T: FloatElement>(&self) -> Vec<T> {
        T::from_values(self)
    }

    pub fn to_f32(&self) -> Vec<f32> {
        self.to_vec()
    }

    pub fn to_f64(&self) -> Vec<f64> {
        self.to_vec()
    }

    fn dtype(&self) -> Dtype {
        match self {
            Values::F32(_) => Dtype::F32,
            Values::F64(_) => Dtype::F64,
            Values::I64(_) => Dtype::I64,
            Values::U8(_) => Dtype::U8,
            Values::U64(_) => Dtype::U64,
        }
    }
}

impl NamedTensor {
    pub fn new<T: Element>(name: impl Into<String>, shape: &[usize], elements: Vec<T>) -> Self {
        NamedTensor {
            name: name.into(),
            shape: shape.to_vec(),
            values: T::wrap(elements),
        }
    }

    /// # Errors
    /// How many of the numbers are NaN or infinite, and what to do.
    pub fn check_finite(&self) -> std::result::Result<(), String> {
        let bad = match &self.values {
            Values::F32(v) => v.iter().filter(|x| !x.is_finite()).count(),
            Values::F64(v) => v.iter().filter(|x| !x.is_finite()).count(),
            Values::I64(_) | Values::U8(_) | Values::U64(_) => 0,
        };
        if bad == 0 {
            return Ok(());
        }
        Err(format!(
            "NaN or infinite in {bad} of {} places, expected finite numbers; take weights that were saved before training went wrong",
            self.values.len()
        ))
    }
}

impl StateDict {
    pub fn get(&self, name: &str) -> Option<&NamedTensor> {
        self.tensors.iter().find(|t| t.name == name)
    }

    /// The shape of a tensor, if it is there.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.get(name).map(|tensor| tensor.shape.as_slice())
    }
}

/// Reads a safetensors file, or a state dict as PyTorch saved it (zip, the older pickle stream, or tar), alone or as an
/// entry of a checkpoint.
pub fn read(path: impl AsRef<Path>) -> Result<StateDict> {
    let path = path.as_ref();
    check_no_stream(path, "weights")?;
    let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
    let mut head = Vec::new();
    file.by_ref()
        .take(512)
        .read_to_end(&mut head)
        .map_err(|e| Error::io(path, e))?;
    let mut state = match kind(&head) {
        Kind::Safetensors => safetensors::read(path)?,
        Kind::PyTorch => pytorch::read(path)?,
        Kind::Other(found) => {
            return Err(Error::format(
                path,
                format!("found {found}, expected safetensors or a state dict that PyTorch saved"),
            ));
        }
    };
    state.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(state)
}

enum Kind {
    Safetensors,
    PyTorch,
    Other(String),
}

/// safetensors: the header's length in eight bytes, then its `{`. The length comes first because its low bytes may look
/// like any magic; a zip, pickle or tar read as a length is beyond the largest that the format allows.
fn kind(head: &[u8]) -> Kind {
    let header_len = head
        .first_chunk::<8>()
        .map_or(u64::MAX, |b| u64::from_le_bytes(*b));
    let brace = head.get(8) == Some(&b'{');
    if brace && header_len <= safetensors::MAX_HEADER {
        return Kind::Safetensors;
    }
    let pickle = head.first() == Some(&0x80) && head.get(1).is_some_and(|p| (2..=5).contains(p));
    let tar = head.get(257..262) == Some(b"ustar");
    if head.starts_with(b"PK\x03\x04") || pickle || tar {
        return Kind::PyTorch;
    }
    if brace {
        return Kind::Safetensors;
    }
    Kind::Other(describe(head))
}

/// Elements out of little-endian bytes; None for a type that we do not read.
fn decode(bytes: &[u8], dtype: Dtype) -> Option<Values> {
    fn each<const N: usize, T>(bytes: &[u8], f: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|&c| f(c)).collect()
    }
    Some(match dtype {
        Dtype::F32 => Values::F32(each(bytes, f32::from_le_bytes)),
        Dtype::F64 => Values::F64(each(bytes, f64::from_le_bytes)),
        Dtype::I64 => Values::I64(each(bytes, i64::from_le_bytes)),
        Dtype::U64 => Values::U64(each(bytes, u64::from_le_bytes)),
        Dtype::U8 | Dtype::BOOL => Values::U8(bytes.to_vec()),
        Dtype::F16 => Values::F32(each(bytes, |b| half::f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => Values::F32(each(bytes, |b| half::bf16::from_le_bytes(b).to_f32())),
        Dtype::I8 => Values::I64(each(bytes, |b| i8::from_le_bytes(b).into())),
        Dtype::I16 => Values::I64(each(bytes, |b| i16::from_le_bytes(b).into())),
        Dtype::U16 => Values::I64(each(bytes, |b| u16::from_le_bytes(b).into())),
        Dtype::I32 => Values::I64(each(bytes, |b| i32::from_le_bytes(b).into())),
        Dtype::U32 => Values::I64(each(bytes, |b| u32::from_le_bytes(b).into())),
        _ => return None,
    })
}

fn unread_type(path: &Path, name: &str, dtype: impl std::fmt::Display) -> Error {
    Error::format(
        path,
        format!(
            "tensor {name:?} has elements of type {dtype}, expected floats (F64, F32, F16, BF16) or integers"
        ),
    )
}

/// The first name that comes twice.
fn duplicate<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}
