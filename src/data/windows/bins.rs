//! The windows on which a model is evaluated.

use super::peaks::Peaks;
use super::{COVERED, STEP, WINDOW};
use crate::data::regions::Regions;

/// What is known of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Unbound,
    /// Only relaxed peaks cover it: left out.
    Ambiguous,
    Bound,
}

/// Chromosome and first base of every window of the genome's grid (each 50 bases) that lies in
/// `regions` altogether and touches none of `without`: the plain blacklist, N.
pub fn bins(regions: &Regions, without: &[&Regions]) -> Vec<(u32, u32)> {
    let mut bins = Vec::new();
    for (chromosome, span) in regions.iter().filter(|(_, span)| span.length() >= WINDOW) {
        let starts = span.start.next_multiple_of(STEP)..=span.end - WINDOW;
        bins.extend(starts.step_by(STEP as usize).filter_map(|start| {
            let (from, to) = (i64::from(start), i64::from(start + WINDOW));
            let free = without
                .iter()
                .all(|regions| !regions.touches(chromosome, from, to));
            free.then_some((chromosome, start))
        }));
    }
    bins
}

/// Tells a factor's bound windows: conservative peaks, taken together, cover 101 bases or more.
pub struct Labeller {
    conservative: Regions,
    relaxed: Regions,
}

impl Labeller {
    pub fn new(peaks: &Peaks, chromosomes: usize) -> Labeller {
        Labeller {
            conservative: Regions::merge(chromosomes, peaks.conservative.iter().copied()),
            relaxed: peaks.relaxed.clone(),
        }
    }

    /// The state of the window that begins here.
    pub fn state(&self, (chromosome, start): (u32, u32)) -> State {
        let (from, to) = (i64::from(start), i64::from(start) + i64::from(WINDOW));
        if self.conservative.covered(chromosome, from, to) >= COVERED {
            State::Bound
        } else if self.relaxed.covered(chromosome, from, to) >= COVERED {
            State::Ambiguous
        } else {
            State::Unbound
        }
    }
}
