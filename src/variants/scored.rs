//! The numbers of a block of variants, and how its files hold them: output after output, so that one output's numbers of all
//! variants can be read without the others'.

use super::scorer::{MotifEffect, Scorer};
use crate::data::variant_windows::{Layout, Pair, Site};
use crate::engine::Philox;
use crate::io::grown_files::GrownFiles;
use crate::{Error, Result};
use rayon::prelude::*;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;

/// For each block how many lines it has and how many variants are scored, 4 bytes each.
pub const BLOCKS: &str = "blocks";
/// For each output the variants' predictions with REF, those with ALT, and differences of logits where there are any: 8 bytes each.
pub const SCORES: &str = "scores";
/// For each output the differences between shuffled flanks, 4 bytes.
pub const NULL: &str = "null";
/// For each output the variants' motifs: what gained and what lost (4 bytes, counted from 1; 0 is none), their part (8 bytes).
pub const MOTIFS: &str = "motifs";
/// For each output the variants' p-values, 8 bytes.
pub const P_VALUES: &str = "p";

/// Lines of the VCF file in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub lines: u32,
    /// Variants that are scored.
    pub scored: u32,
}

/// Numbers of shuffles that are in memory at once, unless those of one variant are more.
const SHUFFLED: usize = 1 << 24;

/// How many numbers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub outputs: usize,
    pub logits: bool,
    pub motifs: bool,
    /// Shuffles of each variant.
    pub null: usize,
}

impl Shape {
    /// How many alleles are scored at once: so many, or fewer where there are many shuffles.
    pub fn most(&self, block: NonZeroUsize) -> NonZeroUsize {
        let each = self.null.saturating_mul(self.outputs).max(1);
        let fitting = NonZeroUsize::new(SHUFFLED / each);
        fitting.unwrap_or(NonZeroUsize::MIN).min(block)
    }

    /// Numbers of a variant and an output in [`SCORES`].
    pub fn numbers(&self) -> usize {
        2 + usize::from(self.logits)
    }
}

/// Means over the shifts: variants x outputs.
#[derive(Default)]
struct Means {
    reference: Vec<f64>,
    alternative: Vec<f64>,
    logit_diff: Vec<f64>,
}

impl Means {
    fn add(&mut self, more: Means) {
        self.reference.extend(more.reference);
        self.alternative.extend(more.alternative);
        self.logit_diff.extend(more.logit_diff);
    }

    /// As [`SCORES`] has them.
    fn bytes(&self, shape: Shape) -> Vec<u8> {
        let mut numbers = vec![&self.reference, &self.alternative];
        if shape.logits {
            numbers.push(&self.logit_diff);
        }
        let mut bytes = Vec::new();
        for output in 0..shape.outputs {
            for numbers in &numbers {
                let own = numbers.iter().skip(output).step_by(shape.outputs);
                bytes.extend(own.flat_map(|number| number.to_le_bytes()));
            }
        }
        bytes
    }
}

/// How a block is scored.
pub struct Scoring<'a> {
    pub layout: &'a Layout,
    pub shape: Shape,
    /// Of the shuffles.
    pub random: Philox,
    /// Variants that are in memory at once: a line may have any number of them.
    pub most: NonZeroUsize,
}

impl Scoring<'_> {
    /// Scores the variants of a block of so many lines and adds what is found to the files. `first`: how many variants were
    /// scored before.
    pub fn score(
        &self,
        (lines, sites): (usize, &[Site]),
        first: u64,
        scorer: &mut dyn Scorer,
        parts: &mut GrownFiles,
    ) -> Result<()> {
        let counts = [lines as u32, sites.len() as u32].map(u32::to_le_bytes);
        parts.add(BLOCKS, counts.as_flattened())?;
        let (layout, shape) = (self.layout, self.shape);
        let shifts = layout.shifts().len();
        let mut found = Means::default();
        let mut effects = Vec::new();
        let mut null = vec![Vec::with_capacity(sites.len() * shape.null); shape.outputs];
        for (i, sites) in sites.chunks(self.most.get()).enumerate() {
            let pairs: Vec<Pair> = sites.iter().flat_map(|site| site.pairs(layout)).collect();
            found.add(means(&pairs, shifts, shape, scorer)?);
            if shape.motifs {
                effects.extend(scorer.motif_effects(&pairs, shifts)?);
            }
            drop(pairs);
            let first = first + (i * self.most.get()) as u64;
            for shuffle in 0..shape.null as u64 {
                self.add_shuffled(sites, first, shuffle, scorer, &mut null)?;
            }
        }
        parts.add(SCORES, &found.bytes(shape))?;
        if shape.motifs {
            assert_eq!(effects.len(), sites.len() * shape.outputs);
            parts.add(MOTIFS, &motif_bytes(&effects, shape.outputs))?;
        }
        if shape.null > 0 {
            let numbers = null.iter().flatten();
            let bytes: Vec<u8> = numbers.flat_map(|x: &f32| x.to_le_bytes()).collect();
            parts.add(NULL, &bytes)?;
        }
        Ok(())
    }

    /// Adds to `null`, by output, the differences between flanks of one shuffle each.
    fn add_shuffled(
        &self,
        sites: &[Site],
        first: u64,
        shuffle: u64,
        scorer: &mut dyn Scorer,
        null: &mut [Vec<f32>],
    ) -> Result<()> {
        let shape = self.shape;
        let shuffled = |(i, site): (usize, &Site)| {
            let stream = (first + i as u64) * shape.null as u64 + shuffle;
            site.shuffled(self.random, stream).pairs(self.layout)
        };
        let pairs = sites.par_iter().enumerate().flat_map_iter(shuffled);
        let pairs: Vec<Pair> = pairs.collect();
        let found = means(&pairs, self.layout.shifts().len(), shape, scorer)?;
        let both = found.alternative.iter().zip(&found.reference);
        for (i, (alternative, reference)) in both.enumerate() {
            null[i % shape.outputs].push((alternative - reference) as f32);
        }
        Ok(())
    }
}

/// Predictions of pairs, of which so many in a row are one variant's.
fn means(pairs: &[Pair], shifts: usize, shape: Shape, scorer: &mut dyn Scorer) -> Result<Means> {
    let windows = pairs.iter();
    let windows = windows.flat_map(|pair| [pair.reference.clone(), pair.alternative.clone()]);
    let windows: Vec<_> = windows.collect();
    let scores = scorer.scores(&windows)?;
    let (outputs, expected) = (shape.outputs, windows.len() * shape.outputs);
    assert_eq!(scores.predictions.len(), expected);
    assert!(!shape.logits || scores.logits.len() == expected);
    let mean = |numbers: &[f64], which: usize, of: fn(f64) -> f64| -> Vec<f64> {
        let variant = |variant: &[f64]| -> Vec<f64> {
            let mut sums = vec![0.0; outputs];
            for pair in variant.chunks_exact(2 * outputs) {
                let own = &pair[which * outputs..][..outputs];
                let both = sums.iter_mut().zip(own);
                both.for_each(|(sum, &number)| *sum += of(number));
            }
            sums.iter().map(|sum| sum / shifts as f64).collect()
        };
        let variants = numbers.chunks_exact(2 * outputs * shifts);
        variants.flat_map(variant).collect()
    };
    // The logit of a mean p of probabilities is ln p - ln (1 - p); of a single one it is known more exactly.
    let logit = |which: usize| -> Vec<f64> {
        if shifts == 1 {
            return mean(&scores.logits, which, |logit| logit);
        }
        let (p, other) = (
            mean(&scores.logits, which, sigmoid),
            mean(&scores.logits, which, |logit| sigmoid(-logit)),
        );
        p.iter()
            .zip(other)
            .map(|(p, other)| p.ln() - other.ln())
            .collect()
    };
    let logit_diff = match shape.logits {
        true => logit(1).iter().zip(logit(0)).map(|(a, r)| a - r).collect(),
        false => Vec::new(),
    };
    Ok(Means {
        reference: mean(&scores.predictions, 0, |x| x),
        alternative: mean(&scores.predictions, 1, |x| x),
        logit_diff,
    })
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn motif_bytes(effects: &[MotifEffect], outputs: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(effects.len() * 16);
    for output in 0..outputs {
        for effect in effects.iter().skip(output).step_by(outputs) {
            for motif in [effect.gained, effect.lost] {
                let number = motif.map_or(0, |motif| motif.saturating_add(1));
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(effect.part.to_le_bytes());
        }
    }
    bytes
}

/// As [`motif_bytes`] wrote it.
pub fn motif_effect(bytes: [u8; 16]) -> MotifEffect {
    let [a, b, c, d, e, f, g, h, part @ ..] = bytes;
    let motif = |bytes| u32::from_le_bytes(bytes).checked_sub(1);
    MotifEffect {
        gained: motif([a, b, c, d]),
        lost: motif([e, f, g, h]),
        part: f64::from_le_bytes(part),
    }
}

/// The blocks, in order.
pub fn blocks(parts: &GrownFiles) -> Result<Vec<Block>> {
    let path = parts.path(BLOCKS);
    let mut bytes = Vec::new();
    let read = parts.read(BLOCKS)?.read_to_end(&mut bytes);
    read.map_err(|e| Error::io(&path, e))?;
    let (counts, _) = bytes.as_chunks::<4>();
    let (pairs, _) = counts.as_chunks::<2>();
    let block = |&[lines, scored]: &[[u8; 4]; 2]| Block {
        lines: u32::from_le_bytes(lines),
        scored: u32::from_le_bytes(scored),
    };
    Ok(pairs.iter().map(block).collect())
}

/// The next so many numbers.
pub fn numbers(reader: &mut impl Read, count: usize, path: &Path) -> Result<Vec<f64>> {
    let mut bytes = vec![0; count * 8];
    reader
        .read_exact(&mut bytes)
        .map_err(|e| Error::io(path, e))?;
    let (numbers, _) = bytes.as_chunks::<8>();
    Ok(numbers
        .iter()
        .map(|&bytes| f64::from_le_bytes(bytes))
        .collect())
}
