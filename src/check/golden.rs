//! Golden cases: numbers of an original program that a kind of model must reproduce. Here is what every kind's cases share;
//! the cases themselves are in `models/<kind>/golden`.

use crate::engine::cuda::Gpu;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The outcome of one comparison.
#[derive(Clone, Debug)]
pub struct Check {
    pub what: String,
    pub error: f64,
    pub allowed: f64,
}

impl Check {
    /// NaN never holds.
    pub fn holds(&self) -> bool {
        self.error <= self.allowed
    }
}

/// The cases inside the program: their names, and the names and bytes of their files.
pub type Embedded = &'static [(&'static str, &'static [(&'static str, &'static [u8])])];

/// Every folder with a file of this name is a case, of either kind of model.
pub const CASE_FILE: &str = "case.json";

/// Runs every check of a case in a folder.
type OnCpu = fn(&Path) -> Result<Vec<Check>>;
type OnGpu = fn(&Path, &Arc<Gpu>) -> Result<Vec<Check>>;

/// What a kind of model says about its cases, so that `selftest` runs them without knowing the kind.
pub struct Golden {
    /// The kind's name in messages.
    pub kind: &'static str,
    /// The cases inside the program.
    pub embedded: Embedded,
    /// What every case's folder has beside [`CASE_FILE`], and no other kind's has.
    pub files: &'static [&'static str],
    pub check: OnCpu,
    pub check_on: OnGpu,
}

impl Golden {
    /// Unpacks the embedded cases into a folder.
    pub fn unpack(&self, folder: &Path) -> Result<()> {
        for (case, files) in self.embedded {
            let target = folder.join(case);
            std::fs::create_dir_all(&target).map_err(|e| Error::io(&target, e))?;
            for (name, bytes) in *files {
                let path = target.join(name);
                std::fs::write(&path, bytes).map_err(|e| Error::io(&path, e))?;
            }
        }
        Ok(())
    }

    /// This kind's cases in a folder, by name.
    pub fn folders(&self, golden: &Path) -> Result<Vec<PathBuf>> {
        let mut found = folders(golden)?;
        found.retain(|folder| self.owns(folder));
        Ok(found)
    }

    /// Whether a folder is a case of this kind.
    pub fn owns(&self, case: &Path) -> bool {
        let mut needed = self.files.iter().chain([&CASE_FILE]);
        needed.all(|file| case.join(file).is_file())
    }
}

/// The folders in a folder, by name.
pub fn folders(golden: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(golden).map_err(|e| Error::io(golden, e))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.is_dir())
        .collect();
    found.sort();
    Ok(found)
}

/// A case's name: its folder's.
pub fn name(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

pub fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// ||ours - theirs|| / max(||theirs||, floor).
pub fn relative(ours: &[f64], theirs: &[f64], floor: f64) -> f64 {
    share(ours, theirs, norm, floor)
}

/// The largest difference over the largest number of `theirs`.
pub fn relative_to_largest(ours: &[f64], theirs: &[f64]) -> f64 {
    let largest = |v: &[f64]| v.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    share(ours, theirs, largest, 0.0)
}

/// How large the difference is beside `theirs`, both by one measure; infinite where that means nothing.
fn share(ours: &[f64], theirs: &[f64], size: impl Fn(&[f64]) -> f64, floor: f64) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let difference: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a - b).collect();
    // f64::max passes over NaN, so the largest of numbers with a NaN does not show it.
    if difference.iter().any(|d| d.is_nan()) {
        return f64::INFINITY;
    }
    let distance = size(&difference);
    if distance == 0.0 {
        0.0
    } else {
        distance / size(theirs).max(floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check with a bound that cannot hold fails, and NaN is no agreement.
    #[test]
    fn a_wrong_number_is_noticed() {
        let check = |error| Check {
            what: "output".into(),
            error,
            allowed: 1e-9,
        };
        assert!(check(1e-9).holds());
        assert!(!check(1.1e-9).holds());
        assert!(!check(f64::NAN).holds());
        assert!(!check(f64::INFINITY).holds());
    }

    #[test]
    fn errors_are_relative_to_the_originals_numbers() {
        assert_eq!(relative(&[3.0, 5.0], &[3.0, 4.0], 0.0), 1.0 / 5.0);
        assert_eq!(relative(&[3.0, 5.0], &[3.0, 4.0], 10.0), 1.0 / 10.0);
        assert_eq!(relative_to_largest(&[3.0, -5.0], &[3.0, -4.0]), 1.0 / 4.0);
        for error in [
            |a: &[f64], b: &[f64]| relative(a, b, 0.0),
            relative_to_largest,
        ] {
            assert_eq!(error(&[0.0], &[0.0]), 0.0);
            assert_eq!(error(&[1.0], &[0.0]), f64::INFINITY);
            assert_eq!(error(&[1.0], &[1.0, 1.0]), f64::INFINITY);
            assert_eq!(error(&[f64::NAN, 1.0], &[1.0, 1.0]), f64::INFINITY);
            assert_eq!(error(&[f64::INFINITY], &[1.0]), f64::INFINITY);
            assert_eq!(error(&[f64::INFINITY], &[f64::INFINITY]), f64::INFINITY);
        }
    }
}
