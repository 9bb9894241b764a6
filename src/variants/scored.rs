//! The numbers of a block of variants, and how its files hold them: output after output, so that one output's numbers of all
//! variants can be read without the others'.

use super::scorer::{MotifEffect, Scorer};
use crate::data::variant_windows::{Layout, Pair, Site};
use crate::engine::Philox;
use crate::io::grown_files::GrownFiles;
use crate::{Error, Result};
use rayon::prelude::*;
use std::io::Read;
use std::path::Path;

/// For each block how many variants are scored, 4 bytes.
pub const BLOCKS: &str = "blocks";
/// For each output the variants' predictions with REF, those with ALT, and differences of logits where there are any: 8 bytes each.
pub const SCORES: &str = "scores";
/// For each output the differences between shuffled flanks, 4 bytes.
pub const NULL: &str = "null";
/// For each output the variants' motifs: what gained and what lost (4 bytes, counted from 1; 0 is none), their part (8 bytes).
pub const MOTIFS: &str = "motifs";
/// For each output the variants' p-values, 8 bytes.
pub const P_VALUES: &str = "p";

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
    /// Numbers of a variant and an output in [`SCORES`].
    pub fn numbers(&self) -> usize {
        2 + usize::from(self.logits)
    }
}

/// Means over the shifts: variants x outputs.
struct Means {
    reference: Vec<f64>,
    alternative: Vec<f64>,
    logit_diff: Vec<f64>,
}

/// Scores the variants of a block and adds what is found to the files. `first`: how many variants were scored before.
pub fn score(
    sites: &[Site],
    first: u64,
    layout: &Layout,
    shape: Shape,
    random: Philox,
    scorer: &mut dyn Scorer,
    parts: &mut GrownFiles,
) -> Result<()> {
    parts.add(BLOCKS, &(sites.len() as u32).to_le_bytes())?;
    if sites.is_empty() {
        return Ok(());
    }
    let pairs: Vec<Pair> = sites.iter().flat_map(|site| site.pairs(layout)).collect();
    let shifts = layout.shifts();
    let found = means(&pairs, shifts.len(), shape, scorer)?;
    let mut numbers = vec![&found.reference, &found.alternative];
    if shape.logits {
        numbers.push(&found.logit_diff);
    }
    let mut bytes = Vec::new();
    for output in 0..shape.outputs {
        for numbers in &numbers {
            let own = numbers.iter().skip(output).step_by(shape.outputs);
            bytes.extend(own.flat_map(|number| number.to_le_bytes()));
        }
    }
    parts.add(SCORES, &bytes)?;
    if shape.motifs {
        // Of the window that is not moved, where there is one.
        let place = shifts.iter().position(|&shift| shift == 0).unwrap_or(0);
        let unmoved = pairs.iter().skip(place).step_by(shifts.len());
        let unmoved: Vec<Pair> = unmoved.cloned().collect();
        let effects = scorer.motif_effects(&unmoved)?;
        assert_eq!(effects.len(), sites.len() * shape.outputs);
        parts.add(MOTIFS, &motif_bytes(&effects, shape.outputs))?;
    }
    drop(pairs);
    if shape.null > 0 {
        let null = null(sites, first, layout, shape, random, scorer)?;
        let bytes = null
            .iter()
            .flatten()
            .flat_map(|number| number.to_le_bytes());
        parts.add(NULL, &bytes.collect::<Vec<u8>>())?;
    }
    Ok(())
}

/// For each output the differences between shuffled flanks.
fn null(
    sites: &[Site],
    first: u64,
    layout: &Layout,
    shape: Shape,
    random: Philox,
    scorer: &mut dyn Scorer,
) -> Result<Vec<Vec<f32>>> {
    let mut null = vec![Vec::with_capacity(sites.len() * shape.null); shape.outputs];
    for shuffle in 0..shape.null as u64 {
        let shuffled = |(i, site): (usize, &Site)| {
            let stream = (first + i as u64) * shape.null as u64 + shuffle;
            site.shuffled(random, stream).pairs(layout)
        };
        let pairs = sites.par_iter().enumerate().flat_map_iter(shuffled);
        let pairs: Vec<Pair> = pairs.collect();
        let found = means(&pairs, layout.shifts().len(), shape, scorer)?;
        for (i, (alternative, reference)) in
            found.alternative.iter().zip(&found.reference).enumerate()
        {
            null[i % shape.outputs].push((alternative - reference) as f32);
        }
    }
    Ok(null)
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
    let of = |numbers: &[f64], which: usize| -> Vec<f64> {
        let variant = |variant: &[f64]| -> Vec<f64> {
            let mut sums = vec![0.0; outputs];
            for pair in variant.chunks_exact(2 * outputs) {
                let own = &pair[which * outputs..][..outputs];
                sums.iter_mut()
                    .zip(own)
                    .for_each(|(sum, number)| *sum += number);
            }
            sums.iter().map(|sum| sum / shifts as f64).collect()
        };
        numbers
            .chunks_exact(2 * outputs * shifts)
            .flat_map(variant)
            .collect()
    };
    let logit_diff = match shape.logits {
        true => {
            let (reference, alternative) = (of(&scores.logits, 0), of(&scores.logits, 1));
            alternative
                .iter()
                .zip(reference)
                .map(|(a, r)| a - r)
                .collect()
        }
        false => Vec::new(),
    };
    Ok(Means {
        reference: of(&scores.predictions, 0),
        alternative: of(&scores.predictions, 1),
        logit_diff,
    })
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

/// For each block how many variants are scored.
pub fn blocks(parts: &GrownFiles) -> Result<Vec<u32>> {
    let path = parts.path(BLOCKS);
    let mut bytes = Vec::new();
    let read = parts.read(BLOCKS)?.read_to_end(&mut bytes);
    read.map_err(|e| Error::io(&path, e))?;
    let numbers = bytes.chunks_exact(4);
    Ok(numbers
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect())
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
