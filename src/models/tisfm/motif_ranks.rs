//! Motifs ranked by what they do to an output: by their importance, or by their weight in the last linear layer (the original's
//! `motif_ranks`).

use super::activities::Table;
use crate::models::tisfm::Features;
use crate::models::tisfm::saved::SavedModel;
use crate::numbers::descending;
use crate::train::model::Lowering;
use crate::{Error, Result};
use std::collections::BTreeSet;

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
    /// Where sequences were looked at.
    pub seen: Option<Seen>,
    /// From 1, by descending importance or weight.
    pub rank: usize,
}

/// What a feature does to an output over sequences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// The weight times the standard deviation of the feature's activity: by how much the output moves with it.
    pub importance: f64,
    /// The mean of what enters the last layer, behind the gate where there is one.
    pub activity: f64,
}

/// What a ranking goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Importance,
    Weight,
}

impl Ranked {
    /// What the rank is by; the weight, where no sequences were looked at.
    pub fn value(&self, by: By) -> f64 {
        match (by, self.seen) {
            (By::Importance, Some(seen)) => seen.importance,
            _ => self.weight,
        }
    }

    /// The factor's name, else the identifier, and the block.
    pub fn shown(&self) -> String {
        let name = self.name.as_deref().unwrap_or(&self.motif);
        match self.block.as_deref() {
            Some(block) if !block.is_empty() => format!("{name} {block}"),
            _ => name.to_string(),
        }
    }
}

/// The last linear layer of a model whose features are motifs'.
#[derive(Clone, Debug, PartialEq)]
pub struct FinalLayer {
    /// In the layer's order, pads left out.
    pub features: Vec<Feature>,
    /// outputs x features; 0 is never -0, so that equal weights keep the motifs' order and print the same.
    pub weights: Vec<f64>,
    /// outputs x pads: what the layer holds of channels that no motif has.
    pub(super) pads: Vec<f64>,
}

/// An input of the last layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// The place of its motif in the collection.
    pub motif: usize,
    /// Which of the motif's features, where it has several.
    pub block: Option<String>,
    /// Its place among all features, pads too.
    pub column: usize,
}

impl FinalLayer {
    /// # Errors
    /// An architecture whose last layer is not about motifs; weights that are not the architecture's.
    pub fn of(model: &SavedModel) -> Result<Self> {
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
        let places = (0..width).map(|i| (i, place(&features, i, width)));
        let (real, pads): (Vec<_>, Vec<_>) =
            places.partition(|(_, (motif, _))| *motif < config.motifs.len());
        let of = |columns: &[(usize, (usize, Option<String>))]| {
            let rows = values.chunks(width);
            rows.flat_map(|row| columns.iter().map(|(i, _)| row[*i] + 0.0))
                .collect::<Vec<f64>>()
        };
        let (weights, pads) = (of(&real), of(&pads));
        let feature = |(column, (motif, block))| Feature {
            motif,
            block,
            column,
        };
        Ok(FinalLayer {
            weights,
            pads,
            features: real.into_iter().map(feature).collect(),
        })
    }

    /// The weights of an output, in the features' order.
    pub fn output(&self, output: usize) -> &[f64] {
        let width = self.features.len();
        &self.weights[output * width..(output + 1) * width]
    }

    /// The places of the motifs that have a weight in any output.
    pub fn kept(&self) -> BTreeSet<usize> {
        let width = self.features.len().max(1);
        let weights = self.weights.iter().enumerate();
        let kept = weights.filter(|(_, weight)| **weight != 0.0);
        kept.map(|(i, _)| self.features[i % width].motif).collect()
    }

    /// The features of an output by descending weight, equal ones in their own order.
    pub fn ranking(&self, output: usize) -> Vec<usize> {
        let weights = self.output(output);
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by(|&i, &j| descending(weights[i], weights[j]));
        order
    }

    /// A motif's place in an output, from 0, as the original's test_model.py has it: in a list that holds the pads too.
    pub fn place_of_original(&self, output: usize, motif: usize) -> Option<usize> {
        let ranking = self.ranking(output);
        let place = ranking
            .iter()
            .position(|&i| self.features[i].motif == motif)?;
        let weight = self.output(output)[ranking[place]];
        let outputs = self.weights.len() / self.features.len();
        let pads = self.pads.len() / outputs;
        let pads = &self.pads[output * pads..(output + 1) * pads];
        Some(place + pads.iter().filter(|pad| **pad > weight).count())
    }

    /// A feature in tables that are read on: the motif's identifier, and its block.
    pub fn identified(&self, feature: usize, model: &SavedModel) -> String {
        let Feature { motif, block, .. } = &self.features[feature];
        let id = &model.config.model.motifs[*motif];
        match block {
            Some(block) if !block.is_empty() => format!("{id} {block}"),
            _ => id.clone(),
        }
    }

    /// A feature among others: its motif's identifier with the factor's name, and its block.
    pub fn in_full(&self, feature: usize, model: &SavedModel) -> String {
        let Feature { motif, block, .. } = &self.features[feature];
        let motif = model.config.model.shown_motif(*motif).unwrap_or_default();
        match block {
            Some(block) if !block.is_empty() => format!("{motif} {block}"),
            _ => motif,
        }
    }

    /// A feature in pictures and tables: the factor's name (of an identifier like `Pax5+M1848_1.02+I` what stands before the plus), and
    /// its block.
    pub fn shown(&self, feature: usize, model: &SavedModel) -> String {
        let config = &model.config.model;
        let Feature { motif, block, .. } = &self.features[feature];
        let id = &config.motifs[*motif];
        let name = match config.motif_names.get(id) {
            Some(name) => name,
            None => id
                .split('+')
                .next()
                .filter(|name| !name.is_empty())
                .unwrap_or(id),
        };
        match block {
            Some(block) if !block.is_empty() => format!("{name} {block}"),
            _ => name.to_string(),
        }
    }
}

/// Means and standard deviations of the features' activities, in the layer's order, pads left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    pub means: Vec<f64>,
    pub deviations: Vec<f64>,
}

impl Activity {
    /// `all`: sequences x all features of the last layer.
    pub fn of(layer: &FinalLayer, all: &Table) -> Activity {
        let (means, deviations) = (all.means(), all.deviations());
        let of = |all: &[f64]| layer.features.iter().map(|f| all[f.column]).collect();
        Activity {
            means: of(&means),
            deviations: of(&deviations),
        }
    }
}

/// The ranks of every output; pad features are left out. `activity`: over the sequences that were looked at.
///
/// # Errors
/// Those of [`FinalLayer::of`].
pub fn motif_ranks(model: &SavedModel, activity: Option<&Activity>, by: By) -> Result<Vec<Ranked>> {
    let config = &model.config.model;
    let layer = FinalLayer::of(model)?;
    let mut ranked = Vec::new();
    for (number, output) in config.outputs.iter().enumerate() {
        let weights = layer.output(number);
        let row = |(i, feature): (usize, &Feature)| {
            let motif = &config.motifs[feature.motif];
            Ranked {
                output: output.clone(),
                motif: motif.clone(),
                name: config.motif_names.get(motif).cloned(),
                block: feature.block.clone(),
                weight: weights[i],
                seen: activity.map(|activity| Seen {
                    // Never -0, so that equal numbers keep the motifs' order and print the same.
                    importance: weights[i] * activity.deviations[i] + 0.0,
                    activity: activity.means[i],
                }),
                rank: 0,
            }
        };
        let mut rows: Vec<Ranked> = layer.features.iter().enumerate().map(row).collect();
        put_in_order(&mut rows, by);
        ranked.extend(rows);
    }
    Ok(ranked)
}

/// Sorts an output's rows and gives them their ranks; equal ones keep their order.
pub(super) fn put_in_order(rows: &mut [Ranked], by: By) {
    rows.sort_by(|a, b| descending(a.value(by), b.value(by)));
    for (place, row) in rows.iter_mut().enumerate() {
        row.rank = place + 1;
    }
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
    fn the_originals_places_count_the_pads_and_zeros_of_both_signs_are_equal() {
        let feature = |motif| Feature {
            motif,
            block: None,
            column: motif,
        };
        let layer = FinalLayer {
            features: [0, 1, 2].map(feature).to_vec(),
            weights: vec![0.0, -0.0, 0.5, -1.0, 2.0, 0.0],
            pads: vec![0.25, -3.0, 3.0, 0.5],
        };
        assert_eq!(layer.ranking(0), [2, 0, 1]);
        assert_eq!(layer.ranking(1), [1, 2, 0]);
        let places = |output| [0, 1, 2].map(|motif| layer.place_of_original(output, motif));
        assert_eq!(places(0), [Some(2), Some(3), Some(0)]);
        assert_eq!(places(1), [Some(4), Some(1), Some(3)]);
        assert_eq!(layer.place_of_original(0, 7), None);
    }

    #[test]
    fn ranks_are_by_importance_or_by_weight() {
        let row = |motif: &str, weight: f64, importance: f64| Ranked {
            output: "B".into(),
            motif: motif.into(),
            name: None,
            block: None,
            weight,
            seen: Some(Seen {
                importance,
                activity: 0.5,
            }),
            rank: 0,
        };
        let mut rows = [row("a", 2.0, 0.1), row("b", 1.0, 0.3), row("c", -1.0, -0.9)];
        let order = |rows: &[Ranked]| -> String {
            let ranked = rows.iter().zip(1..);
            ranked
                .map(|(row, rank)| {
                    assert_eq!(row.rank, rank);
                    row.motif.clone()
                })
                .collect()
        };
        put_in_order(&mut rows, By::Importance);
        assert_eq!(order(&rows), "bac");
        put_in_order(&mut rows, By::Weight);
        assert_eq!(order(&rows), "abc");
        rows.iter_mut().for_each(|row| row.seen = None);
        put_in_order(&mut rows, By::Importance);
        assert_eq!(order(&rows), "abc");
    }

    #[test]
    fn activity_is_of_the_features_without_pads() {
        let layer = FinalLayer {
            features: vec![
                Feature {
                    motif: 0,
                    block: None,
                    column: 0,
                },
                Feature {
                    motif: 1,
                    block: None,
                    column: 2,
                },
            ],
            weights: vec![1.0, 2.0],
            pads: vec![0.0],
        };
        let all = Table {
            columns: 3,
            values: vec![1.0, 9.0, 5.0, 3.0, 9.0, 5.0],
        };
        let found = Activity::of(&layer, &all);
        assert_eq!(found.means, [2.0, 5.0]);
        assert_eq!(found.deviations, [1.0, 0.0]);
    }

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
