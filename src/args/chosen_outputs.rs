//! The outputs of a model that `--output` names.

use super::own_name::FileNames;
use crate::attribution::output::Output;
use crate::io::near::nearest;
use crate::io::text::first_names;
use crate::{Error, Result};

/// Those of `wanted` among a model's, or all.
///
/// # Errors
/// One that the model does not have, with the names most like it; one that is named twice.
pub fn chosen_outputs(all: &[String], wanted: &[String]) -> Result<Vec<Output>> {
    let place = |name: &String| {
        all.iter().position(|own| own == name).ok_or_else(|| {
            let near = nearest(name, all, |own| vec![own.as_str()]);
            Error::usage(format!(
                "--output {name}: the model has no such output; the names most like it are {}",
                first_names(near)
            ))
        })
    };
    let places: Vec<usize> = match wanted.is_empty() {
        true => (0..all.len()).collect(),
        false => wanted.iter().map(place).collect::<Result<_>>()?,
    };
    let mut files = FileNames::default();
    let mut outputs: Vec<Output> = Vec::with_capacity(places.len());
    for place in places {
        if outputs.iter().any(|output| output.place == place) {
            return Err(Error::usage(format!(
                "--output {}: named twice",
                all[place]
            )));
        }
        outputs.push(Output {
            name: all[place].clone(),
            file: files.of(&all[place]),
            place,
        });
    }
    Ok(outputs)
}
