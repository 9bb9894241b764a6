//! Golden cases: numbers of the original programs, in f64, that ours must reproduce. Run by the
//! tests and by `cisgrad selftest`.

mod case;
mod trajectory;

pub use case::{Case, Check};

use crate::engine::cuda::Gpu;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Case names and their files.
type Embedded = &'static [(&'static str, &'static [(&'static str, &'static [u8])])];
const EMBEDDED: Embedded = include!(concat!(env!("OUT_DIR"), "/golden.rs"));

/// Unpacks the embedded cases into a folder.
pub fn unpack(folder: &Path) -> Result<()> {
    for (case, files) in EMBEDDED {
        let target = folder.join(case);
        std::fs::create_dir_all(&target).map_err(|e| Error::io(&target, e))?;
        for (name, bytes) in *files {
            let path = target.join(name);
            std::fs::write(&path, bytes).map_err(|e| Error::io(&path, e))?;
        }
    }
    Ok(())
}

/// The case folders in a folder, by name.
pub fn folders(golden: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(golden).map_err(|e| Error::io(golden, e))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.join("case.json").is_file())
        .collect();
    found.sort();
    Ok(found)
}

/// Runs every check of a case.
pub fn check(folder: &Path) -> Result<Vec<Check>> {
    let case = Case::read(folder)?;
    let mut checks = case.check_network()?;
    checks.extend(trajectory::check(&case)?);
    Ok(checks)
}

/// Runs every check of a case on a card, in f32.
pub fn check_on(folder: &Path, gpu: &Arc<Gpu>) -> Result<Vec<Check>> {
    Case::read(folder)?.check_on(gpu)
}
