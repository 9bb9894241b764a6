//! Golden cases: numbers of the original programs, in f64, that ours must reproduce. Run by the
//! tests and by `cisgrad selftest`.

mod case;
mod trajectory;

use crate::Result;
use crate::check::golden::{Check, Golden};
use crate::engine::cuda::Gpu;
use crate::models::tisfm::KIND;
use case::Case;
use std::path::Path;
use std::sync::Arc;

pub static GOLDEN: Golden = Golden {
    kind: KIND.title,
    embedded: include!(concat!(env!("OUT_DIR"), "/golden_tisfm.rs")),
    files: &[case::PARAMS, case::EXPECTED],
    check,
    check_on,
};

/// Runs every check of a case.
pub fn check(folder: &Path) -> Result<Vec<Check>> {
    let case = Case::read(folder)?;
    let mut checks = case.check_network()?;
    checks.extend(trajectory::check(&case)?);
    Ok(checks)
}

/// Runs every check of a case on a GPU, in f32.
pub fn check_on(folder: &Path, gpu: &Arc<Gpu>) -> Result<Vec<Check>> {
    Case::read(folder)?.check_on(gpu)
}
