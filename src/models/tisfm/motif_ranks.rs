//! Motifs ranked by their weight in the last linear layer (the original's `motif_ranks`).

use crate::models::tisfm::Features;
use crate::models::tisfm::saved::SavedModel;
use crate::train::model::Lowering;
use crate::{Error, Result};

/// One motif's place in one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    pub output: String,
    pub motif: String,
    /// The factor's name, where the motif has one beside its identifier.
    pub name: Option<String>,
    /// Which of a motif's features, where it has several.
    pub block: Option<String>,
    pub weight: f64,
    /// From 1, by descending weight.
    pub rank: usize,
}

/// The ranks of every output; pad features are left out.
///
/// # Errors
/// An architecture whose last layer is not about motifs; weights that are not the architecture's.
pub fn motif_ranks(model: &SavedModel) -> Result<Vec<Ranked>> {
    let config = &model.config.model;
    let blueprint = config.blueprint();
    let (features, layer) = blueprint.features()?;
    let layer = match (&features, layer) {
        (Features::Other(reason), _) => {
            return Err(Error::invalid(format!(
                "{} cannot rank motifs: {reason}",
                config.architecture.name
            )));
        }
        (_, Some(layer)) => format!("{layer}.weight"),
        (_, None) => {
            return Err(Error::invalid(
                "the architecture has no linear output layer",
            ));
        }
    };
    let (tape, _) = blueprint.recorded::<f64>(true, Lowering::Composed)?;
    let layout = tape.layout();
    let params = model.params::<f64>(layout)?;
    let weights = layout
        .get(&layer)
        .ok_or_else(|| Error::invalid(format!("no parameter {layer} in the architecture")))?;
    let values = &params[weights.range()];
    let width = values.len() / config.outputs.len();
    let mut ranked = Vec::new();
    for (output, weights) in config.outputs.iter().zip(values.chunks(width)) {
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|&i, &j| weights[j].total_cmp(&weights[i]));
        let named = order.into_iter().filter_map(|i| {
            let (motif, block) = place(&features, i, width);
            config
                .motifs
                .get(motif)
                .map(|name| (name, block, weights[i]))
        });
        for (rank, (motif, block, weight)) in named.enumerate() {
            ranked.push(Ranked {
                output: output.clone(),
                motif: motif.clone(),
                name: config.motif_names.get(motif).cloned(),
                block,
                weight,
                rank: rank + 1,
            });
        }
    }
    Ok(ranked)
}

/// The last layer has several features a motif.
pub fn has_blocks(model: &SavedModel) -> Result<bool> {
    let (features, _) = model.config.model.blueprint().features()?;
    Ok(features != Features::Motifs)
}

/// A feature's motif (pads come after the last) and block.
fn place(features: &Features, index: usize, width: usize) -> (usize, Option<String>) {
    match features {
        Features::MotifBlocks(names) => {
            let motifs = width / names.len();
            (index % motifs, names.get(index / motifs).cloned())
        }
        Features::MotifWindows { strands, windows } => {
            let (channel, window) = (index / windows, index % windows);
            let strand = if *strands == 1 {
                ""
            } else {
                ["+", "-"][channel % 2]
            };
            let block = if *windows == 1 {
                strand.to_string()
            } else {
                format!("{strand}{}", window + 1)
            };
            (channel / strands, Some(block))
        }
        Features::Motifs | Features::Other(_) => (index, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_find_their_motif_and_block() {
        let and_or = Features::MotifBlocks(vec!["and".into(), "or".into()]);
        assert_eq!(place(&and_or, 1, 6), (1, Some("and".into())));
        assert_eq!(place(&and_or, 4, 6), (1, Some("or".into())));
        let thirds = Features::MotifWindows {
            strands: 2,
            windows: 3,
        };
        assert_eq!(place(&thirds, 0, 12), (0, Some("+1".into())));
        assert_eq!(place(&thirds, 11, 12), (1, Some("-3".into())));
        assert_eq!(place(&Features::Motifs, 7, 12), (7, None));
    }
}
