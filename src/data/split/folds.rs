//! Cross-validation: blocks of neighbors are dealt to folds; one fold tests a model and the next one chooses its weights.

use crate::data::dataset::Dataset;
use crate::dna::span::Span;
use crate::engine::Philox;
use crate::engine::params::STREAM_SPLIT;
use crate::io::chrom_sizes::Chromosomes;
use crate::numbers::counted;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

/// Bases of a block of neighbors.
pub const BLOCK: u64 = 1_000_000;

/// The fewest folds: one tests, one validates, one trains.
pub const FEWEST: usize = 3;

/// Which fold of how many tests: `2/5`, from 1, or `2/5:7` with the seed 7 in place of 0. The seed decides which blocks are in which fold, so
/// all folds of a cross-validation have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fold {
    index: usize,
    of: usize,
    seed: u64,
}

impl Fold {
    /// # Errors
    /// Fewer than three folds; a fold that is not among them.
    pub fn new(index: usize, of: usize, seed: u64) -> Result<Fold> {
        let fold = Fold { index, of, seed };
        let wrong = |problem: String| Err(Error::usage(format!("fold {fold}: {problem}")));
        match () {
            () if of < FEWEST => wrong(format!(
                "{of} folds; expected {FEWEST} or more: one tests, the next one validates, the others train"
            )),
            () if index == 0 || index > of => wrong(format!("expected a fold from 1 to {of}")),
            () => Ok(fold),
        }
    }

    /// From 1.
    pub fn index(self) -> usize {
        self.index
    }

    /// The fold that validates where this one tests: the next one.
    pub fn validation(self) -> Fold {
        Fold {
            index: self.index % self.of + 1,
            ..self
        }
    }

    /// By block what it is for; `sizes`: the rows, or bases, of each block.
    ///
    /// # Errors
    /// Fewer blocks than folds.
    pub fn parts(self, sizes: &[u64]) -> Result<Vec<Part>> {
        if sizes.len() < self.of {
            return Err(Error::invalid(format!(
                "fold {self}: a fold has no data: they lie in {} of neighbors (1 Mb each); expected as many as folds at least",
                counted(sizes.len(), "block")
            )));
        }
        let folds = deal(sizes, self.of, self.seed);
        let (test, validation) = (self.index - 1, self.validation().index - 1);
        let part = |fold: usize| match fold {
            fold if fold == test => Part::Test,
            fold if fold == validation => Part::Validation,
            _ => Part::Train,
        };
        Ok(folds.into_iter().map(part).collect())
    }
}

/// What a block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Validation,
    Test,
}

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)?;
        match self.seed {
            0 => Ok(()),
            seed => write!(f, ":{seed}"),
        }
    }
}

impl FromStr for Fold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Fold> {
        let wrong = || {
            Error::usage(format!(
                "fold '{text}': expected I/K, fold I of K, as 1/5, or I/K:SEED"
            ))
        };
        let (fold, seed) = match text.split_once(':') {
            Some((fold, seed)) => (fold, seed.parse().map_err(|_| wrong())?),
            None => (text, 0),
        };
        let (index, of) = fold.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
        Fold::new(number(index)?, number(of)?, seed)
    }
}

impl TryFrom<String> for Fold {
    type Error = Error;

    fn try_from(text: String) -> Result<Fold> {
        text.parse()
    }
}

impl From<Fold> for String {
    fn from(fold: Fold) -> String {
        fold.to_string()
    }
}

/// The fold of each block, from 0: blocks in an order that the seed draws (Fisher-Yates), each to the fold that has least so far, of equal ones
/// the first.
fn deal(sizes: &[u64], folds: usize, seed: u64) -> Vec<usize> {
    let philox = Philox::new(seed);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    for last in (1..order.len()).rev() {
        let bits = philox.bits(STREAM_SPLIT, last as u64);
        let place = (u128::from(bits) * (last as u128 + 1)) >> 64;
        order.swap(last, place as usize);
    }
    let mut filled = vec![0u64; folds];
    let mut dealt = vec![0; sizes.len()];
    for block in order {
        let least = (0..folds).min_by_key(|&fold| filled[fold]).unwrap_or(0);
        // Blocks without size fill the folds in turn all the same.
        filled[least] += sizes[block].max(1);
        dealt[block] = least;
    }
    dealt
}

/// The bases of fold I of a genome's blocks: the word `fold:I/K` among regions.
///
/// # Errors
/// Fewer blocks than folds.
pub fn bases_of(fold: Fold, chromosomes: &Chromosomes) -> Result<Vec<(u32, Span)>> {
    let mut spans = Vec::new();
    for number in 0..chromosomes.len() as u32 {
        let length = chromosomes.length(number);
        let starts = (0..length).step_by(BLOCK as usize);
        spans.extend(starts.map(|start| {
            let end = start.saturating_add(BLOCK as u32).min(length);
            (number, Span::new(start, end))
        }));
    }
    let sizes: Vec<u64> = spans
        .iter()
        .map(|(_, s)| u64::from(s.end - s.start))
        .collect();
    let parts = fold.parts(&sizes)?;
    let tested = spans
        .into_iter()
        .zip(parts)
        .filter(|(_, part)| *part == Part::Test);
    Ok(tested.map(|(span, _)| span).collect())
}

/// The block of each of the rows, numbered in the order in which they appear: rows that begin in the same megabase of a chromosome are one
/// block, rows without a place are blocks of their own.
pub fn blocks(dataset: &Dataset, rows: &[usize]) -> Vec<usize> {
    let mut known: HashMap<(String, u64), usize> = HashMap::new();
    let mut count = 0;
    rows.iter()
        .map(|&row| {
            let place = dataset.start(row).and_then(|start| {
                let chromosome = dataset.chromosome(row)?;
                Some((chromosome.to_string(), start / BLOCK))
            });
            let mut new = || {
                count += 1;
                count - 1
            };
            match place {
                Some(place) => *known.entry(place).or_insert_with(new),
                None => new(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_disjoint_cover_all_and_are_near_each_other_in_size() {
        let sizes: Vec<u64> = (0..40).map(|i| 100 + i % 7).collect();
        let of_fold = |index| Fold::new(index, 5, 3).unwrap().parts(&sizes).unwrap();
        let all: Vec<Vec<Part>> = (1..=5).map(of_fold).collect();
        for block in 0..sizes.len() {
            let count = |part| all.iter().filter(|parts| parts[block] == part).count();
            assert_eq!((count(Part::Test), count(Part::Validation)), (1, 1));
        }
        let tested = |parts: &Vec<Part>| -> u64 {
            let pairs = parts.iter().zip(&sizes);
            pairs
                .filter(|(p, _)| **p == Part::Test)
                .map(|(_, n)| n)
                .sum()
        };
        let tested: Vec<u64> = all.iter().map(tested).collect();
        assert!(
            tested.iter().all(|&n| (700..1000).contains(&n)),
            "{tested:?}"
        );
        // Fold 1 validates where fold 5 tests.
        let of = |parts: &[Part], which| -> Vec<usize> {
            (0..parts.len()).filter(|&b| parts[b] == which).collect()
        };
        assert_eq!(of(&all[4], Part::Validation), of(&all[0], Part::Test));
        let other = Fold::new(1, 5, 4).unwrap().parts(&sizes).unwrap();
        assert_ne!(other, all[0]);
    }

    #[test]
    fn a_genomes_folds_cover_every_base_once() {
        let list = [("chr1", 3_500_000), ("chr2", 2_000_000), ("chr3", 10)];
        let list = list.map(|(name, length)| (name.to_string(), length));
        let chromosomes = Chromosomes::new("c.sizes", list.to_vec()).unwrap();
        let of = |index| bases_of(Fold::new(index, 3, 0).unwrap(), &chromosomes).unwrap();
        let mut all: Vec<(u32, Span)> = (1..=3).flat_map(of).collect();
        all.sort_by_key(|(number, span)| (*number, span.start));
        assert_eq!(all.len(), 7);
        assert_eq!(all[3], (0, Span::new(3_000_000, 3_500_000)));
        let bases: u32 = all.iter().map(|(_, span)| span.end - span.start).sum();
        assert_eq!(bases, 5_500_010);
    }

    #[test]
    fn a_fold_reads_back_and_what_is_none_says_why() {
        for text in ["1/3", "5/5", "2/4:17"] {
            assert_eq!(text.parse::<Fold>().unwrap().to_string(), text);
        }
        for (text, why) in [
            ("6/5", "expected a fold from 1 to 5"),
            ("0/5", "expected a fold from 1 to 5"),
            ("1/2", "2 folds; expected 3 or more"),
            ("1", "expected I/K"),
            ("1/x", "expected I/K"),
            ("1/5:x", "expected I/K"),
        ] {
            let error = text.parse::<Fold>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        let few = Fold::new(1, 5, 0).unwrap().parts(&[10, 10]).unwrap_err();
        assert!(few.to_string().contains("has no data"), "{few}");
    }
}
