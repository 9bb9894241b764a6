//! Golden cases of FactorNet: numbers of the original program (Keras 1.2.2 on Theano, f64) that ours must reproduce. Run by
//! the tests and by `cisgrad selftest`.

mod case;
mod layers;
mod network;
mod trajectory;

use crate::Result;
use crate::check::golden::{Check, Golden};
use crate::engine::cuda::Gpu;
use crate::io::state_dict::StateDict;
use crate::models::factornet::KIND;
use case::{Case, CaseFile, Network};
use std::path::Path;
use std::sync::Arc;

pub static GOLDEN: Golden = Golden {
    kind: KIND.title,
    embedded: include!(concat!(env!("OUT_DIR"), "/golden_factornet.rs")),
    files: &[case::TENSORS],
    check,
    check_on,
};

/// Runs every check of a case.
pub fn check(folder: &Path) -> Result<Vec<Check>> {
    let (file, tensors) = case::read(folder)?;
    match file {
        CaseFile::Network(network) => check_network(folder, *network, tensors),
        CaseFile::Layers => layers::check(folder, &tensors),
    }
}

/// Runs every check of a case on a GPU, in f32.
pub fn check_on(folder: &Path, gpu: &Arc<Gpu>) -> Result<Vec<Check>> {
    let (file, tensors) = case::read(folder)?;
    let network = match file {
        CaseFile::Network(network) => network,
        CaseFile::Layers => return layers::check_on(folder, &tensors, gpu),
    };
    let case = Case::new(folder, *network, tensors)?;
    let mut checks = Vec::new();
    for lowering in case.lowerings() {
        checks.extend(network::check_on(&case, lowering, gpu)?);
    }
    // The form that trains.
    if let Some(&lowering) = case.lowerings().last() {
        checks.extend(trajectory::check_on(&case, lowering, gpu)?);
    }
    Ok(checks)
}

/// A network's numbers and its training, layer by layer and fused, in f64 and f32.
fn check_network(folder: &Path, network: Network, tensors: StateDict) -> Result<Vec<Check>> {
    let case = Case::new(folder, network, tensors)?;
    let mut checks = Vec::new();
    for lowering in case.lowerings() {
        checks.extend(network::check::<f64>(&case, lowering)?);
        checks.extend(trajectory::check::<f64>(&case, lowering)?);
        checks.extend(network::check::<f32>(&case, lowering)?);
        checks.extend(trajectory::check::<f32>(&case, lowering)?);
    }
    Ok(checks)
}
