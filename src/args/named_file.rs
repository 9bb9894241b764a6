//! Files with names of the user's: `NAME=FILE`.

use crate::{Error, Result};
use std::collections::HashSet;
use std::path::PathBuf;
use std::str::FromStr;

/// A file, and what it is called in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    pub name: String,
    pub path: PathBuf,
}

impl FromStr for NamedFile {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<NamedFile, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.trim().is_empty() && !path.is_empty() => {
                let name = name.trim().to_string();
                match name.contains(['\t', '\n', '\r', ',', '"']) {
                    false => Ok(NamedFile {
                        name,
                        path: path.into(),
                    }),
                    true => Err(
                        "a name with a tab, comma, quote or line end; it heads a column"
                            .to_string(),
                    ),
                }
            }
            _ => Err("expected NAME=FILE, as K562=k562.bw".to_string()),
        }
    }
}

/// # Errors
/// Two of `what` (signals, tracks) with the same name.
pub fn check_names<'a>(what: &str, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        None => Ok(()),
        Some(twice) => Err(Error::usage(format!(
            "two {what} are called '{twice}'; expected a name of its own for each"
        ))),
    }
}
