//! Parameters as files hold them, by name.

use crate::engine::{Layout, Real, Role};
use crate::io::state_dict::{FloatElement, NamedTensor, StateDict};
use crate::io::text::first_names;
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
/// The first parameter that is missing, has another shape, or holds a number that is not finite; those that are not the
/// model's.
pub fn load<T: Number>(layout: &Layout, state: &StateDict, path: &Path) -> Result<Vec<T>> {
    load_behind(layout, state, path, "")
}

/// As [`load`], where every name in the file stands behind `prefix`, for messages; it is not in `state`.
pub(super) fn load_behind<T: Number>(
    layout: &Layout,
    state: &StateDict,
    path: &Path,
    prefix: &str,
) -> Result<Vec<T>> {
    let found = fitting(layout, state, path, prefix)?;
    for tensor in &found {
        let wrong = |message| {
            Error::format(
                path,
                format!("parameter {prefix}{}: {message}", tensor.name),
            )
        };
        tensor.check_finite().map_err(wrong)?;
    }
    let values = numbers(&found);
    let narrow = |value: &T| !value.f64().is_finite();
    if let Some(place) = values.iter().position(narrow) {
        let mut params = layout.params.iter();
        let param = params.find(|param| param.range().contains(&place));
        return Err(Error::format(
            path,
            format!(
                "parameter {prefix}{} holds a number beyond the range of {}: use --precision f64",
                param.map_or("", |param| &param.name),
                T::NAME
            ),
        ));
    }
    Ok(values)
}

/// An optimizer's moments, one for each parameter under its name. Unlike weights they may overflow.
///
/// # Errors
/// Those of [`load`] about names and shapes.
pub(super) fn load_moments<T: Number>(
    layout: &Layout,
    state: &StateDict,
    path: &Path,
) -> Result<Vec<T>> {
    Ok(numbers(&fitting(layout, state, path, "")?))
}

fn numbers<T: Number>(tensors: &[&NamedTensor]) -> Vec<T> {
    let each = tensors.iter().map(|tensor| tensor.values.to_vec::<T>());
    each.collect::<Vec<_>>().concat()
}

/// The layout's parameters among the tensors, in its order.
fn fitting<'a>(
    layout: &Layout,
    state: &'a StateDict,
    path: &Path,
    prefix: &str,
) -> Result<Vec<&'a NamedTensor>> {
    let wrong = |message| Error::format(path, message);
    let mut tensors = Vec::with_capacity(layout.params.len());
    for param in &layout.params {
        let found = state
            .get(&param.name)
            .ok_or_else(|| missing(&param.name, state, path, prefix))?;
        let same = found.shape == param.shape
            || (found.values.len() == param.len() && param.role == Role::Counter);
        if !same {
            return Err(wrong(format!(
                "parameter {prefix}{} has shape {:?}, the model expects {:?}",
                param.name, found.shape, param.shape
            )));
        }
        tensors.push(found);
    }
    let own = |tensor: &&NamedTensor| layout.get(&tensor.name).is_none();
    let mut extra = state.tensors.iter().filter(own).peekable();
    if extra.peek().is_some() {
        let names = extra.map(|tensor| format!("{prefix}{}", tensor.name));
        return Err(wrong(format!(
            "not one of the architecture's parameters: {}; expected the weights of the architecture that is named, and nothing else",
            first_names(names)
        )));
    }
    Ok(tensors)
}

/// The error of weights without a parameter: shows the names that the file has, each with `prefix` before
/// it, which is not in `state`.
pub(super) fn missing(name: &str, state: &StateDict, path: &Path, prefix: &str) -> Error {
    let names = state.tensors.iter();
    let names: Vec<String> = names.map(|t| format!("{prefix}{}", t.name)).collect();
    Error::format(
        path,
        format!(
            "no parameter {name}; the file has {}: the weights belong to another architecture, or have other names there",
            names_like(name, &names)
        ),
    )
}

/// Some of a file's names, those of the same layer as `wanted` where there are any: `'a.bias', 'a.weight' and 15 more`.
fn names_like(wanted: &str, names: &[String]) -> String {
    const SHOWN: usize = 3;
    if names.is_empty() {
        return "no tensors".to_string();
    }
    let layer = wanted.split('.').next().unwrap_or(wanted);
    let mut like: Vec<&String> = names.iter().filter(|name| name.contains(layer)).collect();
    if like.is_empty() {
        return first_names(names);
    }
    like.sort_by_key(|name| !name.ends_with(wanted));
    like.truncate(SHOWN);
    let shown = first_names(&like);
    match names.len() - like.len() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_most_like_the_missing_one_are_shown() {
        let names = |all: &[&str]| all.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        let many = names(&["m.a.b", "m.c", "m.linreg.weight", "m.linreg.bias", "m.d"]);
        assert_eq!(
            names_like("linreg.bias", &many),
            "'m.linreg.bias', 'm.linreg.weight' and 3 more"
        );
        assert_eq!(
            names_like("other.bias", &many),
            "'m.a.b', 'm.c', 'm.linreg.weight' and 2 more"
        );
        assert_eq!(names_like("c", &many[1..2]), "'m.c'");
        assert_eq!(names_like("c", &[]), "no tensors");
    }
}
