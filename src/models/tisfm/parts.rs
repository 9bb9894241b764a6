//! A prediction as a sum over motifs, and over each motif's windows.
//!
//! The last layer is `bias + sum_f W[f] x[f]`; `x[f] = g z`, with z the pooled activity of f's motif, `z = sum_k p[k] s[k]` over its windows k
//! (s the sigmoid, p the pooling's weights, which sum to 1), and g what the layers between have made of it (a gate; 1 without one). With
//! means over a background, `share = W (x - mean x)`, and a window's `part = W g p (s - mean z)`; the parts of a share sum to
//! `W g (z - mean z)`, and the rest of it, `W (g mean z - mean x)`, is what the gate alone changes.

use super::build::{Built, BuiltPooling, Features};
use super::inside::{Inside, Values};
use super::network::{Blueprint, MOTIF_WEIGHT, Network};
use super::samples::Rows;
use crate::attribution::edits::{Edited, Edits};
use crate::engine::{Batch, Device, Real, Tape, Var};
use crate::train::batch::Source;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Lowering;
use crate::train::observer::{Reduce, observe};
use crate::{Error, Result};
use std::ops::Range;

/// A model whose last layer is about motifs' windows.
pub struct MotifParts<T> {
    network: Network<T>,
    pooling: BuiltPooling,
    /// outputs x features of the last layer.
    weights: Vec<f64>,
    features: usize,
    /// The sharpness of each pooled row; none for the maximum.
    sharpness: Option<Vec<f64>>,
    /// By channel of the motif layer: the columns of its kernel that hold numbers; None for a pad.
    columns: Vec<Option<Range<usize>>>,
    means: Means,
}

/// Means over the background.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Means {
    /// Pooled activities.
    pub pooled: Vec<f64>,
    /// What enters the last layer.
    pub features: Vec<f64>,
    pub predictions: Vec<f64>,
}

/// What a model computes of a sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Computed {
    /// Channels x places.
    pub activities: Vec<f64>,
    pub pooled: Vec<f64>,
    pub features: Vec<f64>,
    pub predictions: Vec<f64>,
}

/// A window of a motif.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Feature of the last layer.
    pub feature: usize,
    /// Bases under the motif's own columns.
    pub start: usize,
    pub end: usize,
    pub forward: bool,
    /// Its place among a sequence's activities.
    pub at: usize,
}

/// What is pooled, what enters the last layer, the output.
struct Pooled {
    /// The motifs' windows too.
    windows: bool,
}

impl Values for Pooled {
    fn record<T: Real>(
        &self,
        blueprint: &Blueprint,
        tape: &mut Tape<T>,
    ) -> Result<(Var, Vec<Var>)> {
        let built = blueprint.build(tape, Lowering::Composed)?;
        let (pooling, last) = pooled(&built, blueprint)?;
        let own = [pooling.pooled, last, built.output].into_iter();
        let windows = [pooling.activities].into_iter().filter(|_| self.windows);
        Ok((built.output, own.chain(windows).collect()))
    }
}

/// # Errors
/// An architecture whose last layer is not about motifs' windows.
fn pooled(built: &Built, blueprint: &Blueprint) -> Result<(BuiltPooling, Var)> {
    let refused = |reason: &str| {
        Error::usage(format!(
            "--method motifs: {}: {reason}; take ism, integrated or gradient instead",
            blueprint.spec.name
        ))
    };
    match (&built.features, &built.pooling, built.last_input) {
        (Features::Other(reason), _, _) => Err(refused(reason)),
        (_, Some(pooling), Some(last)) => Ok((pooling.clone(), last)),
        _ => Err(refused(
            "other layers stand between the motifs' windows and their pooling, so that a feature is not a sum over windows",
        )),
    }
}

impl<T: Number> MotifParts<T> {
    /// # Errors
    /// An architecture whose last layer is not about motifs' windows.
    pub fn new(network: Network<T>) -> Result<Self> {
        let blueprint = &network.blueprint;
        let mut tape = Tape::<T>::new(false);
        let built = blueprint.build(&mut tape, Lowering::Composed)?;
        let (pooling, last) = pooled(&built, blueprint)?;
        let features = tape.len(last);
        let numbers = |name: &str| -> Vec<f64> {
            let param = network.layout.get(name);
            let range = param.map_or(0..0, |param| param.range());
            network.params[range].iter().map(|x| x.f64()).collect()
        };
        let layer = built.last_layer.unwrap_or_default();
        let sharpness = pooling.weight.as_deref().map(numbers);
        let kernels = numbers(MOTIF_WEIGHT);
        let width = blueprint.kernels.as_ref().map_or(1, |k| k.width());
        let columns = kernels.chunks(4 * width).map(|kernel| {
            let holds = |k: &usize| (0..4).any(|base| kernel[base * width + k] != 0.0);
            let first = (0..width).find(holds)?;
            let last = (0..width).rev().find(holds)?;
            Some(first..last + 1)
        });
        Ok(MotifParts {
            weights: numbers(&format!("{layer}.weight")),
            columns: columns.collect(),
            features,
            sharpness,
            pooling,
            network,
            means: Means::default(),
        })
    }

    pub fn features(&self) -> usize {
        self.features
    }

    pub fn means(&self) -> &Means {
        &self.means
    }

    /// Takes the background's means.
    ///
    /// # Errors
    /// The device fails; [`Error::Interrupted`].
    pub fn take_background(
        &mut self,
        device: &Device,
        precision: Precision,
        samples: Rows<'_>,
        rows: &[usize],
        batch_size: usize,
        seen: impl Fn(usize),
    ) -> Result<()> {
        let mut sums = Sums::default();
        self.observe(
            device, precision, false, &samples, rows, batch_size, &mut sums, seen,
        )?;
        let count = rows.len().max(1) as f64;
        let mut means = sums.0.into_iter().map(|sums| {
            let means = sums.into_iter().map(|sum| sum / count);
            means.collect::<Vec<f64>>()
        });
        let mut next = || means.next().unwrap_or_default();
        self.means = Means {
            pooled: next(),
            features: next(),
            predictions: next(),
        };
        Ok(())
    }

    /// # Errors
    /// The device fails; [`Error::Interrupted`].
    pub fn compute(
        &self,
        device: &Device,
        precision: Precision,
        sequences: &[Edited],
        batch_size: usize,
    ) -> Result<Vec<Computed>> {
        let mut found = Kept::default();
        let source = &Edits;
        self.observe(
            device,
            precision,
            true,
            source,
            sequences,
            batch_size,
            &mut found,
            |_| {},
        )?;
        Ok(found.0)
    }

    #[allow(clippy::too_many_arguments)] // What runs, on what, over what: nothing of it belongs together.
    fn observe<S: Source>(
        &self,
        device: &Device,
        precision: Precision,
        windows: bool,
        source: &S,
        samples: &[S::Sample],
        batch_size: usize,
        reduce: &mut impl Reduce,
        seen: impl Fn(usize),
    ) -> Result<()> {
        let inside = Inside {
            blueprint: &self.network.blueprint,
            values: Pooled { windows },
        };
        let params = &self.network.params;
        observe(
            device, precision, &inside, params, samples, batch_size, source, reduce, seen,
        )
    }

    /// The share of each feature in an output.
    pub fn shares(&self, of: &Computed, output: usize) -> Vec<f64> {
        let weights = &self.weights[output * self.features..(output + 1) * self.features];
        let numbers = of.features.iter().zip(&self.means.features).zip(weights);
        numbers
            .map(|((x, mean), weight)| weight * (x - mean))
            .collect()
    }

    /// Of each feature's share what the gate alone changes.
    pub fn gates(&self, of: &Computed, output: usize) -> Vec<f64> {
        (0..self.features)
            .map(|feature| {
                let pooled = self.pooled_place(feature);
                let weight = self.weights[output * self.features + feature];
                let gate = self.gate(of, feature);
                // Where the last window of a row is longer than what is left, zeros are pooled too: no window of the sequence.
                let rest = self.zeros_share(of, pooled) * self.means.pooled[pooled];
                weight * (gate * self.means.pooled[pooled] - self.means.features[feature])
                    - weight * gate * rest
            })
            .collect()
    }

    fn pooled_place(&self, feature: usize) -> usize {
        feature % self.means.pooled.len().max(1)
    }

    fn gate(&self, of: &Computed, feature: usize) -> f64 {
        let pooled = of.pooled[self.pooled_place(feature)];
        match pooled == 0.0 {
            true => 0.0,
            false => of.features[feature] / pooled,
        }
    }

    fn windows_of_row(&self) -> usize {
        self.pooling.length.div_ceil(self.pooling.window)
    }

    /// Positions that a pooled number is made of, and how many zeros stand behind them.
    fn under(&self, pooled: usize) -> (Range<usize>, usize) {
        let (length, window) = (self.pooling.length, self.pooling.window);
        let per_row = self.windows_of_row();
        let (row, place) = (pooled / per_row, pooled % per_row);
        let first = place * window;
        let last = (first + window).min(length);
        let zeros = first + window - last;
        (row * length + first..row * length + last, zeros)
    }

    /// The pooling's weights over the positions of a pooled number, and over all its zeros together.
    fn pooling_weights(&self, of: &Computed, pooled: usize) -> (Vec<f64>, f64) {
        let (positions, zeros) = self.under(pooled);
        let activities = &of.activities[positions];
        let Some(sharpness) = &self.sharpness else {
            let largest = activities.iter().copied().fold(f64::MIN, f64::max);
            let at = activities.iter().position(|&x| x == largest);
            let one = |i: usize| f64::from(u8::from(Some(i) == at));
            return ((0..activities.len()).map(one).collect(), 0.0);
        };
        let w = sharpness[pooled / self.windows_of_row()];
        let top = activities.iter().map(|s| w * s).fold(f64::MIN, f64::max);
        let top = if zeros > 0 { top.max(0.0) } else { top };
        let mut weights: Vec<f64> = activities.iter().map(|s| (w * s - top).exp()).collect();
        let of_zeros = zeros as f64 * (-top).exp();
        let sum = weights.iter().sum::<f64>() + of_zeros;
        weights.iter_mut().for_each(|weight| *weight /= sum);
        (weights, of_zeros / sum)
    }

    fn zeros_share(&self, of: &Computed, pooled: usize) -> f64 {
        match self.under(pooled).1 {
            0 => 0.0,
            _ => self.pooling_weights(of, pooled).1,
        }
    }

    /// By window of every feature, feature after feature, what its part is but for the weight: `g p (s - mean z)`.
    pub fn unweighted(&self, of: &Computed) -> Vec<f64> {
        let mut all = Vec::new();
        for feature in 0..self.features {
            let pooled = self.pooled_place(feature);
            let (gate, mean) = (self.gate(of, feature), self.means.pooled[pooled]);
            let activities = &of.activities[self.under(pooled).0];
            let weights = self.pooling_weights(of, pooled).0;
            let parts = weights.iter().zip(activities);
            all.extend(parts.map(|(p, activity)| gate * p * (activity - mean)));
        }
        all
    }

    /// The windows in the order of [`MotifParts::unweighted`], those of channels without a motif too, which are None.
    pub fn windows(&self) -> impl Iterator<Item = Option<Window>> {
        let places = self.pooling.places;
        (0..self.features).flat_map(move |feature| {
            let positions = self.under(self.pooled_place(feature)).0;
            positions.map(move |at| {
                let (channel, place) = (at / places, at % places);
                let columns = self.columns[channel].as_ref()?;
                Some(Window {
                    feature,
                    at,
                    start: place + columns.start,
                    end: place + columns.end,
                    forward: self.is_forward(channel),
                })
            })
        })
    }

    /// The weight of a feature in an output.
    pub fn weight(&self, output: usize, feature: usize) -> f64 {
        self.weights[output * self.features + feature]
    }

    fn is_forward(&self, channel: usize) -> bool {
        match self.network.blueprint.spec.strands() {
            Some(strands) => channel.is_multiple_of(strands.channels()),
            None => true,
        }
    }
}

/// Values of each sequence.
#[derive(Default)]
struct Kept(Vec<Computed>);

impl Reduce for Kept {
    type Part = Vec<Computed>;

    fn part<T: Real>(
        &self,
        _: &Batch<'_, T>,
        _: usize,
        rows: Range<usize>,
        values: &[&[T]],
    ) -> Self::Part {
        let count = rows.len();
        let of = |value: usize, row: usize| -> Vec<f64> {
            let len = values[value].len() / count;
            let own = &values[value][row * len..(row + 1) * len];
            own.iter().map(|x| x.f64()).collect()
        };
        (0..count)
            .map(|row| Computed {
                pooled: of(0, row),
                features: of(1, row),
                predictions: of(2, row),
                activities: of(3, row),
            })
            .collect()
    }

    fn merge(&mut self, part: Self::Part) {
        self.0.extend(part);
    }
}

/// Sums of each value over the sequences.
#[derive(Default)]
struct Sums(Vec<Vec<f64>>);

impl Reduce for Sums {
    type Part = Vec<Vec<f64>>;

    fn part<T: Real>(
        &self,
        _: &Batch<'_, T>,
        _: usize,
        rows: Range<usize>,
        values: &[&[T]],
    ) -> Self::Part {
        let count = rows.len();
        let sum = |values: &&[T]| {
            let len = values.len() / count;
            let mut sums = vec![0.0; len];
            for row in values.chunks(len) {
                sums.iter_mut()
                    .zip(row)
                    .for_each(|(sum, x)| *sum += x.f64());
            }
            sums
        };
        values.iter().map(sum).collect()
    }

    fn merge(&mut self, part: Self::Part) {
        if self.0.is_empty() {
            self.0 = part;
            return;
        }
        for (sums, part) in self.0.iter_mut().zip(part) {
            sums.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
        }
    }
}
