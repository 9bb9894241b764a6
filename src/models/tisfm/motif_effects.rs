//! What a variant does to motifs: each motif's part of the difference of the predictions of two windows, the sum over its features of the
//! last layer's weight times the difference of what enters that layer. The parts of all motifs, and of channels without one, sum to the
//! difference.

use super::activities::{Table, features};
use super::motif_ranks::FinalLayer;
use super::mutants::Mutants;
use super::network::Network;
use super::saved::SavedModel;
use crate::Result;
use crate::attribution::edits::{Change, Edited, Edits};
use crate::attribution::subjects::Subject;
use crate::data::variant_windows::{Pair, Window};
use crate::engine::Device;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::variants::{MotifEffect, Motifs};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Of one model, or the mean of an ensemble.
pub struct MotifEffects<'a, T> {
    networks: &'a [Network<T>],
    /// By network what computes two sequences that are mostly alike, where there is such a form.
    pairs: Vec<Option<Mutants<T>>>,
    /// By network.
    layers: Vec<FinalLayer>,
    names: Vec<String>,
    /// The outputs that are looked at.
    outputs: Vec<usize>,
    device: &'a Device,
    precision: Precision,
    batch_size: usize,
    seen: Seen,
}

/// The windows that were predicted last, and by network what enters its last layer.
#[derive(Default)]
struct Seen {
    places: HashMap<Window, usize>,
    features: Vec<Table>,
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
        let on_cpu = matches!(device, Device::Cpu { .. });
        let pairs = |network: &Network<T>| {
            let mutants =
                on_cpu.then(|| Mutants::new(&network.blueprint, &network.layout, &network.params));
            mutants.flatten().filter(Mutants::has_pairs)
        };
        Some(MotifEffects {
            networks,
            pairs: networks.iter().map(pairs).collect(),
            layers: layers.ok()?,
            names: (0..first.motifs.len()).map(shown).collect(),
            outputs,
            device,
            precision,
            batch_size,
            seen: Seen::default(),
        })
    }

    /// By network features and predictions of windows, which are mostly alike two by two.
    fn computed(&self, windows: &[Window]) -> Result<Vec<[Table; 2]>> {
        let networks = self.networks.iter().zip(&self.pairs);
        networks
            .map(|(network, pairs)| match pairs {
                Some(pairs) if windows.len().is_multiple_of(2) => Ok(self.paired(pairs, windows)),
                _ => self.one_by_one(network, windows),
            })
            .collect()
    }

    fn paired(&self, mutants: &Mutants<T>, windows: &[Window]) -> [Table; 2] {
        let (pairs, _) = windows.as_chunks::<2>();
        let of = |pairs: &[[Window; 2]]| {
            let codes = pairs
                .iter()
                .map(|pair| pair.each_ref().map(|window| window.codes.as_slice()));
            let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
            mutants.pairs(&codes.collect::<Vec<_>>(), &mut inputs, &mut outputs);
            [inputs, outputs]
        };
        let found: Vec<[Vec<f64>; 2]> = pairs
            .par_chunks(self.batch_size.div_ceil(2))
            .map(of)
            .collect();
        let table = |which: usize, columns: usize| Table {
            columns,
            values: found
                .iter()
                .flat_map(|found| &found[which])
                .copied()
                .collect(),
        };
        let outputs =
            found.iter().map(|found| found[1].len()).sum::<usize>() / windows.len().max(1);
        [table(0, mutants.inputs()), table(1, outputs)]
    }

    fn one_by_one(&self, network: &Network<T>, windows: &[Window]) -> Result<[Table; 2]> {
        let edited: Vec<Edited> = windows
            .iter()
            .map(|window| Edited {
                subject: Arc::new(Subject {
                    codes: window.codes.clone(),
                    dense: Vec::new(),
                }),
                change: Change::Nothing,
            })
            .collect();
        let (device, precision, size) = (self.device, self.precision, self.batch_size);
        features(network, device, precision, &Edits, &edited, size)
    }

    /// Variants x outputs x motifs, of windows that were seen: means over so many pairs in a row.
    fn parts(&self, pairs: &[[usize; 2]], shifts: usize) -> Vec<f64> {
        let (outputs, motifs) = (self.outputs.len(), self.names.len());
        let mut parts = vec![0.0; pairs.len() / shifts * outputs * motifs];
        let share = 1.0 / (self.networks.len() * shifts) as f64;
        let variants = || pairs.chunks_exact(shifts);
        for (features, layer) in self.seen.features.iter().zip(&self.layers) {
            for (pairs, parts) in variants().zip(parts.chunks_mut(outputs * motifs)) {
                for pair in pairs {
                    let [reference, alternative] = pair.map(|place| features.row(place));
                    for (&output, parts) in self.outputs.iter().zip(parts.chunks_mut(motifs)) {
                        for (feature, weight) in layer.features.iter().zip(layer.output(output)) {
                            let moved = alternative[feature.column] - reference[feature.column];
                            parts[feature.motif] += share * weight * moved;
                        }
                    }
                }
            }
        }
        parts
    }
}

impl<T: Number> Motifs for MotifEffects<'_, T> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn predictions(&mut self, windows: &[Window]) -> Result<Vec<f64>> {
        let computed = self.computed(windows)?;
        let share = 1.0 / self.networks.len() as f64;
        let of = |row: usize, output: usize| -> f64 {
            let each = computed.iter().map(|[_, found]| found.row(row)[output]);
            share * each.sum::<f64>()
        };
        let rows = 0..windows.len();
        let found = rows.flat_map(|row| self.outputs.iter().map(move |&output| (row, output)));
        let found = found.map(|(row, output)| of(row, output)).collect();
        self.seen = Seen {
            places: windows.iter().cloned().zip(0..).collect(),
            features: computed.into_iter().map(|[features, _]| features).collect(),
        };
        Ok(found)
    }

    fn effects(&mut self, pairs: &[Pair], shifts: usize) -> Result<Vec<MotifEffect>> {
        let windows = |pair: &Pair| [pair.reference.clone(), pair.alternative.clone()];
        let known = |pair: &Pair| {
            windows(pair)
                .iter()
                .all(|w| self.seen.places.contains_key(w))
        };
        if !pairs.iter().all(known) {
            self.predictions(&pairs.iter().flat_map(windows).collect::<Vec<_>>())?;
        }
        let places: Vec<[usize; 2]> = pairs
            .iter()
            .map(|pair| windows(pair).map(|window| self.seen.places[&window]))
            .collect();
        let parts = self.parts(&places, shifts);
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
