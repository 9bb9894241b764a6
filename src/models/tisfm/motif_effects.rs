//! What a variant does to motifs: each motif's part of the difference of the predictions of two windows, the sum over its features of the
//! last layer's weight times the difference of what enters that layer. The parts of all motifs, and of channels without one, sum to the
//! difference.

use super::activities::features;
use super::motif_ranks::FinalLayer;
use super::network::Network;
use super::saved::SavedModel;
use crate::Result;
use crate::attribution::edits::{Change, Edited, Edits};
use crate::attribution::subjects::Subject;
use crate::data::variant_windows::Pair;
use crate::engine::Device;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::variants::{MotifEffect, Motifs};
use std::sync::Arc;

/// Of one model, or the mean of an ensemble.
pub struct MotifEffects<'a, T> {
    networks: &'a [Network<T>],
    /// By network.
    layers: Vec<FinalLayer>,
    names: Vec<String>,
    /// The outputs that are looked at.
    outputs: Vec<usize>,
    device: &'a Device,
    precision: Precision,
    batch_size: usize,
}

impl<'a, T: Number> MotifEffects<'a, T> {
    /// None: an architecture whose last layer is not about motifs.
    pub fn new(
        models: &[SavedModel],
        networks: &'a [Network<T>],
        outputs: Vec<usize>,
        device: &'a Device,
        (precision, batch_size): (Precision, usize),
    ) -> Option<Self> {
        let layers: Result<Vec<FinalLayer>> = models.iter().map(FinalLayer::of).collect();
        let first = &models.first()?.config.model;
        let shown = |at: usize| first.shown_motif(at).unwrap_or_default();
        Some(MotifEffects {
            networks,
            layers: layers.ok()?,
            names: (0..first.motifs.len()).map(shown).collect(),
            outputs,
            device,
            precision,
            batch_size,
        })
    }

    /// Pairs x outputs x motifs.
    fn parts(&self, pairs: &[Pair]) -> Result<Vec<f64>> {
        let windows = pairs
            .iter()
            .flat_map(|pair| [&pair.reference, &pair.alternative]);
        let edited: Vec<Edited> = windows
            .map(|window| Edited {
                subject: Arc::new(Subject {
                    codes: window.codes.clone(),
                    dense: Vec::new(),
                }),
                change: Change::Nothing,
            })
            .collect();
        let (outputs, motifs) = (self.outputs.len(), self.names.len());
        let mut parts = vec![0.0; pairs.len() * outputs * motifs];
        let share = 1.0 / self.networks.len() as f64;
        for (network, layer) in self.networks.iter().zip(&self.layers) {
            let (device, precision, size) = (self.device, self.precision, self.batch_size);
            let found = features(network, device, precision, &Edits, &edited, size)?;
            for (pair, parts) in parts.chunks_mut(outputs * motifs).enumerate() {
                let (reference, alternative) = (found.row(2 * pair), found.row(2 * pair + 1));
                for (&output, parts) in self.outputs.iter().zip(parts.chunks_mut(motifs)) {
                    for (feature, weight) in layer.features.iter().zip(layer.output(output)) {
                        let moved = alternative[feature.column] - reference[feature.column];
                        parts[feature.motif] += share * weight * moved;
                    }
                }
            }
        }
        Ok(parts)
    }
}

impl<T: Number> Motifs for MotifEffects<'_, T> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn effects(&mut self, pairs: &[Pair]) -> Result<Vec<MotifEffect>> {
        let parts = self.parts(pairs)?;
        Ok(parts.chunks(self.names.len()).map(effect).collect())
    }
}

/// Of the parts of all motifs.
fn effect(parts: &[f64]) -> MotifEffect {
    let motifs = parts.iter().enumerate();
    let most = |better: fn(f64, f64) -> bool| {
        let mut best: Option<(usize, f64)> = None;
        for (motif, &part) in motifs.clone() {
            if better(part, best.map_or(0.0, |(_, part)| part)) {
                best = Some((motif, part));
            }
        }
        best
    };
    let (gained, lost) = (most(|a, b| a > b), most(|a, b| a < b));
    let size = |of: Option<(usize, f64)>| of.map_or(0.0, |(_, part)| part);
    let part = match size(gained).abs() >= size(lost).abs() {
        true => size(gained),
        false => size(lost),
    };
    let number = |of: Option<(usize, f64)>| of.and_then(|(motif, _)| u32::try_from(motif).ok());
    MotifEffect {
        gained: number(gained),
        lost: number(lost),
        part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_gain_and_loss_is_the_part() {
        let found = effect(&[0.1, -0.4, 0.3, 0.0]);
        assert_eq!((found.gained, found.lost), (Some(2), Some(1)));
        assert_eq!(found.part, -0.4);
        assert_eq!(effect(&[0.0, 0.0]), MotifEffect::default());
        let only = effect(&[0.0, 0.2]);
        assert_eq!((only.gained, only.lost, only.part), (Some(1), None, 0.2));
    }
}
