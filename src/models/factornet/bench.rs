//! What `cisgrad bench` times of FactorNet.

use super::{Dropouts, Recurrent, Spec};
use crate::optim::OptimizerSettings;
use crate::timing::{Load, Sizes, Timed, time};
use crate::{Error, Result};

/// Times `factornet-kK-rR`: K kernels of 26 bases, R units in each direction (as `-r` spells them), a track, the other
/// sizes at their defaults; also the window's length. None for another name.
///
/// # Errors
/// Sizes that no network can have; those of [`time`].
pub fn bench(sizes: &Sizes<'_>, load: &Load<'_>) -> Result<Option<(usize, Timed)>> {
    let Some(rest) = sizes.architecture.strip_prefix("factornet-k") else {
        return Ok(None);
    };
    let numbers = rest
        .split_once("-r")
        .and_then(|(k, r)| Some((k.parse().ok()?, r.parse().ok()?)));
    let (kernels, recurrent) = numbers.ok_or_else(|| {
        Error::usage(format!(
            "--architecture {}: expected a form like factornet-k32-r32",
            sizes.architecture
        ))
    })?;
    if sizes.motifs_learn {
        return Err(Error::usage(
            "--unfreeze-conv: FactorNet's kernels always learn; leave it out",
        ));
    }
    let spec = Spec {
        length: sizes.window.unwrap_or(1000),
        motif_width: 26,
        kernels,
        recurrent: Recurrent::of(recurrent),
        dense: 128,
        tracks: vec!["DNase".to_string()],
        rc_order: vec![0],
        meta: 0,
        factors: sizes.outputs.unwrap_or(1),
        dropout: Dropouts::of(0.5),
    };
    spec.check()?;
    let label = |philox: &crate::engine::Philox, i| (philox.bits(1, i) & 1) as f64;
    let timed = time(&spec, &OptimizerSettings::keras(), label, load)?;
    Ok(Some((spec.length, timed)))
}
