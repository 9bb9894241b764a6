//! Weights that another program saved: what it put around a network's own names is taken off.

use super::weights::{Number, load_behind, missing};
use crate::data::Notes;
use crate::engine::Layout;
use crate::io::state_dict::{StateDict, read};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// A state dict under a network's own names.
pub struct ForeignWeights {
    pub state: StateDict,
    pub file: PathBuf,
    /// What stood before every name, with its dot: `module.` where the network was wrapped for several GPUs, `_orig_mod.`
    /// where it was compiled, `model.` where it was part of a training program's own, or several of these.
    prefix: String,
}

impl ForeignWeights {
    /// Reads a file of weights. `landmarks`: names that the network has, whatever its sizes; what stands before one of
    /// them, and before every other name as well, is a prefix.
    ///
    /// # Errors
    /// Those of [`read`].
    pub fn read(file: &Path, landmarks: &[&str]) -> Result<Self> {
        let mut state = read(file)?;
        let prefix = prefix(&state, landmarks).to_string();
        for tensor in &mut state.tensors {
            tensor.name.drain(..prefix.len());
        }
        Ok(ForeignWeights {
            state,
            file: file.to_path_buf(),
            prefix,
        })
    }

    /// What was taken off, a sentence each.
    pub fn notes(&self) -> Notes {
        let file = self.file.display();
        let entry = self
            .state
            .entry
            .map(|entry| format!("note: {file} is a checkpoint: its entry '{entry}' is taken"));
        let prefix = (!self.prefix.is_empty()).then(|| {
            format!(
                "note: {file}: '{}' before every parameter's name is taken off",
                self.prefix
            )
        });
        entry.into_iter().chain(prefix).collect()
    }

    /// The parameters in a layout's order.
    ///
    /// # Errors
    /// Those of [`load`](super::weights::load); names are the file's.
    pub fn params<T: Number>(&self, layout: &Layout) -> Result<Vec<T>> {
        load_behind(layout, &self.state, &self.file, &self.prefix)
    }

    /// The error of weights without a parameter.
    pub fn missing(&self, name: &str) -> Error {
        missing(name, &self.state, &self.file, &self.prefix)
    }
}

/// The shortest prefix of all names behind which a landmark stands; empty where there is none.
fn prefix<'a>(state: &'a StateDict, landmarks: &[&str]) -> &'a str {
    let names = || state.tensors.iter().map(|tensor| tensor.name.as_str());
    let before = |name: &'a str| {
        let found = landmarks.iter().filter_map(|mark| name.strip_suffix(mark));
        found.min_by_key(|prefix| prefix.len())
    };
    let shared = |prefix: &&str| {
        (prefix.is_empty() || prefix.ends_with('.'))
            && names().all(|name| name.starts_with(*prefix))
    };
    names()
        .filter_map(before)
        .filter(shared)
        .min_by_key(|prefix| prefix.len())
        .unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::state_dict::NamedTensor;

    #[test]
    fn a_prefix_stands_before_every_name_and_a_landmark() {
        let state = |names: &[&str]| StateDict {
            tensors: names
                .iter()
                .map(|name| NamedTensor::new(*name, &[], vec![0f32]))
                .collect(),
            ..StateDict::default()
        };
        for (names, expected) in [
            (&["linreg.bias", "scale"][..], ""),
            (&["module.linreg.bias", "module.scale"], "module."),
            (
                &["model._orig_mod.linreg.bias", "model._orig_mod.scale"],
                "model._orig_mod.",
            ),
            (
                &["module.module.linreg.bias", "module.module.scale"],
                "module.module.",
            ),
            // Not before every name; not a name of its own; no landmark.
            (&["module.linreg.bias", "scale"], ""),
            (&["my_linreg.bias", "my_scale"], ""),
            (&["module.linear.bias", "module.scale"], ""),
            // The names as they are fit.
            (&["linreg.bias", "linreg.linreg.bias"], ""),
            (&[], ""),
        ] {
            let state = state(names);
            assert_eq!(prefix(&state, &["linreg.bias"]), expected, "{names:?}");
        }
    }
}
