//! In-silico mutagenesis: the outputs of a sequence with every base replaced by every other one, without a whole pass for each; and those
//! of a variant's two sequences in little more than one pass (`pairs`).
//!
//! A base reaches at most `width` windows of a motif. Each feature's pooled activity
//! `sum e g / sum e`, `e = exp(w g)`, `g = sigmoid(scale s + bias)`, is put together from three parts: the windows before those that
//! the changed base reaches, these with their new scores, and the windows after them. The first and the last part are the reference's
//! running sums from either end. All terms are positive and none is ever taken away from a sum, so that no digits are lost however
//! much of it a mutant removes. What follows the pooling is one matrix product a layer for many mutants.
//!
//! f32 follows sixteen features at a time (`lanes`); f64, and the few features whose numbers leave the range of that form, are
//! followed one by one in f64 (`plain`), which is its oracle as well.

mod head;
mod lanes;
mod pairs;
mod parts;
mod plain;
#[cfg(test)]
mod tests;

use super::network::Blueprint;
use crate::engine::simd::{Level, best_level, dispatch_at};
use crate::engine::{Layout, Real};
use head::Head;
use lanes::{Pool, TILE, Tile};
use pairs::{Pair, Pairs};
use parts::Parts;
use plain::Feature;
use std::ops::Range;

/// Pooled activities that are held at a time: 4 MiB of f32.
const HELD: usize = 1 << 20;
/// A base that is none of the four.
const NO_BASE: u8 = 4;
/// The bases that can stand in the place of one.
const OTHERS: usize = 3;

/// A model prepared to follow changed bases.
pub struct Mutants<T> {
    length: usize,
    outputs: usize,
    level: Level,
    tiles: Vec<Tile>,
    /// Of which there is no tile; their columns come after the tiles'.
    plain: Vec<Feature>,
    head: Head<T>,
    /// Pooled activities that are held at a time.
    held: usize,
    /// The feature of each column of pooled activities.
    order: Vec<Option<usize>>,
    /// What enters the last layer.
    inputs: usize,
}

/// The bases other than this one.
fn others(base: u8) -> impl Iterator<Item = usize> {
    (0..4).filter(move |&other| other != usize::from(base))
}

/// Of so many windows those whose `columns` columns from base `start` on reach base `at`.
fn reached(windows: usize, start: usize, columns: usize, at: usize) -> Range<usize> {
    let first = (at + 1).saturating_sub(start + columns).min(windows);
    let end = (at + 1).saturating_sub(start).min(windows);
    first..end
}

impl<T: Real> Mutants<T> {
    /// None: an architecture for which changed bases are not followed.
    pub fn new(blueprint: &Blueprint, layout: &Layout, params: &[T]) -> Option<Self> {
        Self::at_level(best_level(), blueprint, layout, params)
    }

    fn at_level(
        level: Level,
        blueprint: &Blueprint,
        layout: &Layout,
        params: &[T],
    ) -> Option<Self> {
        let parts = Parts::new(blueprint, layout, params)?;
        let is_f32 = T::as_f32(&[]).is_some();
        let mut tiled = Vec::new();
        let mut plain = Vec::new();
        for (number, feature) in parts.features().into_iter().enumerate() {
            match is_f32 && Tile::takes(&feature) {
                true => tiled.push((number, feature)),
                false => plain.push((number, feature)),
            }
        }
        // A tile is as wide as the widest motif in it.
        tiled.sort_by_key(|(number, feature)| (feature.columns(), feature.start(), *number));
        let tiles: Vec<Tile> = tiled
            .chunks(TILE)
            .map(|group| {
                let features: Vec<&Feature> = group.iter().map(|(_, feature)| feature).collect();
                Tile::new(&features)
            })
            .collect();
        let mut order: Vec<Option<usize>> = tiled.iter().map(|(number, _)| Some(*number)).collect();
        order.resize(tiles.len() * TILE, None);
        order.extend(plain.iter().map(|(number, _)| Some(*number)));
        Some(Mutants {
            length: parts.length,
            outputs: blueprint.dimensions.outputs,
            level,
            tiles,
            plain: plain.into_iter().map(|(_, feature)| feature).collect(),
            head: Head::new(&parts, &order),
            held: HELD,
            order,
            inputs: parts.last.weight.len() / parts.last.bias.len(),
        })
    }

    /// Outputs of a sequence and of all its mutants. `codes` (L): 0 to 3 for A C G T, 4 none. `reference` (R outputs);
    /// `mutants` (L, 4, R), row-major: at the base that is there, and in all four where the code is 4, the reference's outputs.
    ///
    /// # Panics
    /// When the lengths are not those of the model.
    pub fn outputs(&self, codes: &[u8], reference: &mut [f64], mutants: &mut [f64]) {
        let width = self.outputs;
        assert_eq!(codes.len(), self.length, "mutants: bases");
        assert_eq!(reference.len(), width, "mutants: outputs");
        assert_eq!(
            mutants.len(),
            4 * self.length * width,
            "mutants: outputs of mutants"
        );
        let bases = (0..self.length).filter(|&at| codes[at] < NO_BASE);
        let bases: Vec<usize> = bases.collect();
        let columns = self.head.columns();
        let most = (self.held / (OTHERS * columns)).clamp(1, bases.len().max(1));
        let rows = 1 + OTHERS * most;
        let mut pooled = vec![T::ZERO; rows * columns];
        let mut gates = vec![T::ZERO; if self.head.gated() { rows * columns } else { 0 }];
        let mut found = vec![0.0; rows * width];
        // Also where no base can change.
        self.run(codes, &[], &mut pooled, &mut gates, &mut found);
        reference.copy_from_slice(&found[..width]);
        mutants
            .chunks_exact_mut(width)
            .for_each(|mutant| mutant.copy_from_slice(reference));
        for changed in bases.chunks(most) {
            self.run(codes, changed, &mut pooled, &mut gates, &mut found);
            let (own, of_mutants) = found.split_at(width);
            for (&at, found) in changed.iter().zip(of_mutants.chunks_exact(OTHERS * width)) {
                for (base, found) in others(codes[at]).zip(found.chunks_exact(width)) {
                    let to = &mut mutants[(4 * at + base) * width..][..width];
                    for (i, (to, found)) in to.iter_mut().zip(found).enumerate() {
                        // Against the reference of the same product: a row's rounding depends on how many rows there are.
                        *to = reference[i] + (found - own[i]);
                    }
                }
            }
        }
    }

    /// Whether [`Mutants::pairs`] is there: f32, and all features in tiles.
    pub fn has_pairs(&self) -> bool {
        self.plain.is_empty() && T::as_f32(&[]).is_some()
    }

    /// How many numbers enter the last layer.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Of pairs of sequences, which may differ anywhere, what enters the last layer and the outputs: two rows for each pair, of
    /// [`Mutants::inputs`] and of R numbers, added to what is there. The fewer places differ between the first and the last that does,
    /// the less there is to compute.
    ///
    /// # Panics
    /// Without [`Mutants::has_pairs`]; when the lengths are not those of the model.
    pub fn pairs(&self, pairs: &[[&[u8]; 2]], inputs: &mut Vec<f64>, outputs: &mut Vec<f64>) {
        assert!(self.has_pairs(), "mutants: pairs");
        let lengths = pairs.iter().flatten().map(|codes| codes.len());
        assert!(
            lengths.into_iter().all(|length| length == self.length),
            "mutants: bases"
        );
        let pairs: Vec<Pair> = pairs.iter().map(|&codes| Pair::new(codes)).collect();
        let columns = self.head.columns();
        let rows = 2 * pairs.len();
        let mut pooled = vec![T::ZERO; rows * columns];
        let mut gates = vec![T::ZERO; if self.head.gated() { rows * columns } else { 0 }];
        if let Some(pooled) = T::as_f32_mut(&mut pooled) {
            let kernel = Pairs {
                tiles: &self.tiles,
                pairs: &pairs,
                pooled,
                columns,
            };
            dispatch_at(self.level, kernel);
        }
        let before = outputs.len();
        outputs.resize(before + rows * self.outputs, 0.0);
        let found = &mut outputs[before..];
        let head = &self.head;
        head.run_exactly(self.level, &mut pooled, &mut gates, found);
        for row in pooled.chunks_exact(columns) {
            let from = inputs.len();
            inputs.resize(from + self.inputs, 0.0);
            for (number, activity) in self.order.iter().zip(row) {
                if let Some(number) = number {
                    inputs[from + number] = activity.f64();
                }
            }
        }
    }

    /// Row 0 of what is found is the reference's, then come the three others of each base that is changed.
    fn run(
        &self,
        codes: &[u8],
        changed: &[usize],
        pooled: &mut [T],
        gates: &mut [T],
        found: &mut [f64],
    ) {
        let columns = self.head.columns();
        let rows = 1 + OTHERS * changed.len();
        let pooled = &mut pooled[..rows * columns];
        if let Some(pooled) = T::as_f32_mut(pooled) {
            let kernel = Pool {
                tiles: &self.tiles,
                codes,
                changed,
                pooled,
                columns,
            };
            dispatch_at(self.level, kernel);
        }
        for (feature, column) in self.plain.iter().zip(self.tiles.len() * TILE..) {
            feature.pool(codes, changed, |row, activity| {
                pooled[row * columns + column] = T::of(activity);
            });
        }
        self.head.run(self.level, pooled, gates, found);
    }
}
