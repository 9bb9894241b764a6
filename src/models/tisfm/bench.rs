//! What `cisgrad bench` times of tiSFM.

use super::network::{Blueprint, Loss, Trainable};
use super::{Dimensions, MotifKernels, builtin};
use crate::Result;
use crate::args::say;
use crate::dna::motif::Motif;
use crate::engine::Philox;
use crate::io::meme::parse_meme;
use crate::io::text::Lines;
use crate::optim::{OptimizerSettings, Shrink};
use crate::timing::{Load, Sizes, Timed, time};

/// Length of the sequences and number of outputs where none is given.
const WINDOW: usize = 300;
const OUTPUTS: usize = 3;

/// Times an architecture, built in or from a TOML file; also the window's length.
///
/// # Errors
/// No such architecture; motifs that cannot be read; those of [`time`].
pub fn bench(sizes: &Sizes<'_>, load: &Load<'_>) -> Result<Option<(usize, Timed)>> {
    let spec = builtin::find(sizes.architecture)?;
    let mut notes = Vec::new();
    let motifs = match sizes.motifs {
        Some(file) => parse_meme(Lines::open(file)?, &mut notes)?,
        None => random_motifs(),
    };
    say(&notes);
    let window = sizes.window.unwrap_or(WINDOW);
    let blueprint = Blueprint {
        kernels: spec.strands().map(|_| MotifKernels::new(&motifs, false)),
        spec,
        dimensions: Dimensions {
            window,
            outputs: sizes.outputs.unwrap_or(OUTPUTS),
        },
        trainable: if sizes.motifs_learn {
            Trainable::All
        } else {
            Trainable::AllButMotifs
        },
        loss: Loss::default(),
    };
    let optimizer = OptimizerSettings::adamw(Shrink::None, Vec::new());
    let timed = time(
        &blueprint,
        &optimizer,
        |philox, i| philox.normal(1, i),
        load,
    )?;
    Ok(Some((window, timed)))
}

/// 862 motifs, 5 to 30 positions wide, 10.7 on average.
fn random_motifs() -> Vec<Motif> {
    let philox = Philox::new(862);
    (0..862)
        .map(|i| {
            // The largest of the collection, once; otherwise around the mode.
            let width = match i {
                0 => 30,
                1 => 5,
                _ => 7 + (philox.uniform(i, 0) * philox.uniform(i, 1) * 16.0) as u64,
            };
            let row = |k: u64| {
                let raw = [0, 1, 2, 3].map(|b| (3.0 * philox.normal(i, 10 + 4 * k + b)).exp());
                let total: f64 = raw.iter().sum();
                raw.map(|r| r / total)
            };
            Motif {
                id: format!("motif_{}", i + 1),
                label: None,
                nsites: None,
                rows: (0..width).map(row).collect(),
            }
        })
        .collect()
}
