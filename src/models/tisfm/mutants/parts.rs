//! What is followed of an architecture, with its numbers.

use super::plain::{Feature, Strand};
use crate::engine::{Layout, Real};
use crate::models::tisfm::network::{Blueprint, MOTIF_WEIGHT};
use crate::models::tisfm::spec::{Block, Extent, Strands};
use crate::ops::activation::Activation;
use crate::ops::position::mirrored;

/// A fully connected layer: weight (outputs, inputs) and bias (outputs).
#[derive(Clone, Copy)]
pub struct Connected<'a, T> {
    pub weight: &'a [T],
    pub bias: &'a [T],
}

/// Motifs, sigmoid and attention pooling of the whole, then perhaps a gate, then the outputs.
pub struct Parts<'a, T> {
    /// Of the sequences.
    pub length: usize,
    strands: usize,
    /// (channels, 4, columns)
    weight: &'a [T],
    scale: &'a [T],
    bias: &'a [T],
    /// By feature.
    pool: &'a [T],
    /// What is added on all four bases, by position.
    position: Option<Vec<f64>>,
    pub gate: Option<Connected<'a, T>>,
    pub last: Connected<'a, T>,
}

/// The columns of a kernel (4, columns) that are not all zeros, and the first one's number.
fn used(kernel: &[f64]) -> (usize, Vec<[f64; 5]>) {
    let width = kernel.len() / 4;
    let column = |k: usize| [0, 1, 2, 3].map(|base| kernel[base * width + k]);
    let is_used = |k: &usize| column(*k) != [0.0; 4];
    let start = (0..width).find(is_used).unwrap_or(0);
    let end = (0..width).rfind(is_used).map_or(0, |last| last + 1);
    let with_none = |k: usize| {
        let [a, c, g, t] = column(k);
        [a, c, g, t, 0.0]
    };
    (start, (start..end).map(with_none).collect())
}

impl<'a, T: Real> Parts<'a, T> {
    /// None for any other architecture.
    pub fn new(blueprint: &Blueprint, layout: &Layout, params: &'a [T]) -> Option<Self> {
        let numbers = |name: &str| Some(&params[layout.get(name)?.range()]);
        let connected = |name: &str| {
            Some(Connected {
                weight: numbers(&format!("{name}.weight"))?,
                bias: numbers(&format!("{name}.bias"))?,
            })
        };
        let (table, blocks) = match blueprint.spec.blocks.as_slice() {
            [Block::Position { name }, blocks @ ..] => (Some(name), blocks),
            blocks => (None, blocks),
        };
        let [
            Block::Motifs { strands, .. },
            Block::Activation {
                kind: Activation::Sigmoid,
            },
            blocks @ ..,
        ] = blocks
        else {
            return None;
        };
        let blocks = match (strands, blocks) {
            (Strands::Both, [Block::MergeStrands {}, blocks @ ..]) => blocks,
            (Strands::One, blocks) => blocks,
            (Strands::Both, _) => return None,
        };
        let [
            Block::AttentionPool {
                name: pool,
                extent: Extent::Whole,
            },
            blocks @ ..,
        ] = blocks
        else {
            return None;
        };
        let (gate, blocks) = match blocks {
            [Block::Gate { name }, blocks @ ..] => (Some(connected(name)?), blocks),
            blocks => (None, blocks),
        };
        let [
            Block::Linear {
                name: last,
                size: None,
                ..
            },
        ] = blocks
        else {
            return None;
        };
        let length = blueprint.dimensions.window;
        let position = match table {
            Some(name) => {
                let table = numbers(&format!("{name}.weight"))?;
                let number = |&row: &u32| table[row as usize].f64();
                Some(mirrored(length).iter().map(number).collect())
            }
            None => None,
        };
        let weight = layout.get(MOTIF_WEIGHT)?;
        let fits = matches!(*weight.shape, [_, 4, columns] if (1..=length).contains(&columns));
        fits.then_some(Parts {
            length,
            strands: strands.channels(),
            weight: &params[weight.range()],
            scale: numbers("conv_scale")?,
            bias: numbers("conv_bias")?,
            pool: numbers(&format!("{pool}.weight"))?,
            position,
            gate,
            last: connected(last)?,
        })
    }

    /// The pooled features, pads included.
    pub fn features(&self) -> Vec<Feature> {
        let kernel = self.weight.len() / self.scale.len();
        let windows = self.length + 1 - kernel / 4;
        let strand = |channel: usize| {
            let weight = &self.weight[channel * kernel..][..kernel];
            let weight: Vec<f64> = weight.iter().map(|w| w.f64()).collect();
            let (start, columns) = used(&weight);
            let by_window = |window: usize| {
                let position = self.position.as_ref()?.get(window + start..)?;
                let sums = columns.iter().map(|column| column.iter().sum::<f64>());
                Some(sums.zip(position).map(|(sum, p)| sum * p).sum())
            };
            Strand {
                start,
                position: (0..windows)
                    .map(|window| by_window(window).unwrap_or(0.0))
                    .collect(),
                columns,
                scale: self.scale[channel].f64(),
                bias: self.bias[channel].f64(),
            }
        };
        let feature = |(number, pool): (usize, &T)| Feature {
            pool: pool.f64(),
            strands: (number * self.strands..(number + 1) * self.strands)
                .map(strand)
                .collect(),
        };
        self.pool.iter().enumerate().map(feature).collect()
    }
}
