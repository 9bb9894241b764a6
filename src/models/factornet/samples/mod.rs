//! FactorNet's samples: windows with labels, from the peaks of one or several cell lines; the bases and track values
//! of a sample come from [`inputs::Inputs`] at the end.

pub mod inputs;
pub mod multi;
pub mod placing;
pub mod single;
pub mod source;
pub mod unbound;

use crate::data::Notes;
use crate::data::regions::Regions;
use crate::data::windows::WINDOW;
use crate::io::chrom_sizes::Chromosomes;
use crate::io::text::first_names;

/// A window with its label, where an input is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Which of the sampler's cell lines: those of training first, then those of validation.
    pub cell: u32,
    pub chromosome: u32,
    /// The input's L bases are `middle - L/2 .. middle + L/2`; the shift is in it already.
    pub middle: i64,
    /// Single-task: 0 or 1. Multi-task: a row of labels, 0 the one where nothing is bound.
    pub label: u32,
    /// GENCODE features of the unshifted window, bit i the feature i of
    /// [`FEATURES`](crate::data::windows::annotations::FEATURES); 0 without annotations.
    pub features: u8,
}

/// The samples of an epoch in the order of training, and what there is to say about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    pub samples: Vec<Sample>,
    pub notes: Notes,
}

/// What a random number is drawn for: the streams of one seed never meet.
#[derive(Clone, Copy)]
enum Draw {
    Negatives,
    Shifts,
    Order,
}

/// The epoch that stands for validation, which is drawn once.
const VALIDATION: u64 = (1 << 24) - 1;

/// The random stream for a purpose, an epoch and a cell line.
fn stream(draw: Draw, epoch: u64, cell: usize) -> u64 {
    let epoch = epoch & VALIDATION;
    crate::engine::params::STREAM_SAMPLES + ((draw as u64) << 36) + (epoch << 12) + cell as u64
}

/// A warning that names the positives' windows, by chromosome and first base, of which no base is known.
fn warn_of_unknown(
    starts: impl Iterator<Item = (u32, u32)>,
    unknown: Option<&Regions>,
    chromosomes: &Chromosomes,
) -> Option<String> {
    let unknown = unknown?;
    let whole = |&(chromosome, start): &(u32, u32)| {
        let (from, to) = (i64::from(start), i64::from(start + WINDOW));
        unknown.covered(chromosome, from, to) == WINDOW
    };
    let names: Vec<String> = starts
        .filter(whole)
        .map(|(chromosome, start)| {
            let name = chromosomes.name(chromosome);
            format!("{name}:{start}-{}", start + WINDOW)
        })
        .collect();
    let what = match names.len() {
        0 => return None,
        1 => "positive without",
        _ => "positives without",
    };
    Some(format!(
        "warning: {what} a single A, C, G or T in the window: {}; is it the peaks' own genome build?",
        first_names(&names)
    ))
}

#[cfg(test)]
mod tests;
