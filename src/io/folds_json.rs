//! Folds as ChromBPNet and its kin write them: `{"train": ["chr1", ...], "valid": [...], "test": [...]}`, lists of chromosomes.

use super::text::read_text;
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::HashSet;
use std::path::Path;

/// The chromosomes of a fold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FoldsJson {
    pub train: Vec<String>,
    pub valid: Vec<String>,
    pub test: Vec<String>,
}

/// # Errors
/// A file that cannot be read or is no such JSON; an empty list; a chromosome in two lists.
pub fn read_folds_json(path: &Path) -> Result<FoldsJson> {
    let text = read_text(path)?;
    let folds: FoldsJson = serde_json::from_str(&text).map_err(|e| {
        Error::format_at(
            path,
            e.line() as u64,
            format!("not a fold: {e}; expected {{\"train\": [...], \"valid\": [...], \"test\": [...]}} with names of chromosomes"),
        )
    })?;
    let mut seen = HashSet::new();
    for (part, list) in [
        ("train", &folds.train),
        ("valid", &folds.valid),
        ("test", &folds.test),
    ] {
        if list.is_empty() {
            return Err(Error::format(
                path,
                format!("the list {part} is empty; expected at least one chromosome"),
            ));
        }
        if let Some(twice) = list.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(Error::format(
                path,
                format!("chromosome {twice} comes twice; expected each in one list, once"),
            ));
        }
    }
    Ok(folds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_what_is_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fold_0.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_folds_json(&path)
        };
        let found = read(r#"{"train": ["chr1"], "valid": ["chr8"], "test": ["chr3", "chr6"]}"#);
        assert_eq!(found.unwrap().test, ["chr3", "chr6"]);
        for (text, why) in [
            (
                r#"{"train": ["chr1"], "valid": [], "test": ["chr3"]}"#,
                "valid is empty",
            ),
            (
                r#"{"train": ["chr1"], "valid": ["chr1"], "test": ["chr3"]}"#,
                "chr1 comes twice",
            ),
            (
                r#"{"train": ["chr1"], "test": ["chr3"]}"#,
                "missing field `valid`",
            ),
            ("chr1", "line 1"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
