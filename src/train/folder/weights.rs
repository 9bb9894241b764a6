//! Parameters as files hold them, by name.

use crate::engine::{Layout, Real, Role};
use crate::io::state_dict::{FloatElement, NamedTensor, StateDict};
use crate::{Error, Result};
use std::path::Path;

/// Number types that both the engine and the files know.
pub trait Number: Real + FloatElement {}
impl<T: Real + FloatElement> Number for T {}

/// The parameters as named tensors, each name behind `prefix`.
pub fn tensors<T: Number>(layout: &Layout, values: &[T], prefix: &str) -> Vec<NamedTensor> {
    let mut tensors: Vec<NamedTensor> = layout
        .params
        .iter()
        .map(|param| {
            let name = format!("{prefix}{}", param.name);
            let part = &values[param.range()];
            if param.role == Role::Counter {
                let counts: Vec<i64> = part.iter().map(|x| x.f64() as i64).collect();
                NamedTensor::new(name, &param.shape, counts)
            } else {
                NamedTensor::new(name, &param.shape, part.to_vec())
            }
        })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    tensors
}

/// A state dict's numbers in the layout's order.
///
/// # Errors
/// The first parameter that is missing, has another shape, or is not the model's.
pub fn load<T: Number>(layout: &Layout, state: &StateDict, path: &Path) -> Result<Vec<T>> {
    let mut values = vec![T::ZERO; layout.len()];
    for param in &layout.params {
        let found = state.get(&param.name).ok_or_else(|| {
            Error::format(
                path,
                format!(
                    "no parameter {}: the weights belong to another architecture",
                    param.name
                ),
            )
        })?;
        let same = found.shape == param.shape
            || (found.values.len() == param.len() && param.role == Role::Counter);
        if !same {
            return Err(Error::format(
                path,
                format!(
                    "parameter {} has shape {:?}, the model expects {:?}",
                    param.name, found.shape, param.shape
                ),
            ));
        }
        values[param.range()].copy_from_slice(&found.values.to_vec::<T>());
    }
    if let Some(extra) = state.tensors.iter().find(|t| layout.get(&t.name).is_none()) {
        return Err(Error::format(
            path,
            format!("parameter {} is not one of the architecture's", extra.name),
        ));
    }
    Ok(values)
}
