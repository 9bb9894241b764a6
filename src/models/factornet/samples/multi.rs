//! All factors of a cell line at once: windows under any peak, a label for each factor.

use rayon::prelude::*;

use super::{Draw, Epoch, Sample, VALIDATION, stream, warn_of_unknown};
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::data::split::regions::{Part, Split};
use crate::data::windows::blacklist::Blacklist;
use crate::data::windows::negatives::Space;
use crate::data::windows::peaks::{Intervals, Peaks};
use crate::data::windows::{COVERED, STEP, WINDOW, shifts};
use crate::dna::span::Span;
use crate::engine::random::Philox;
use crate::io::chrom_sizes::Chromosomes;
use crate::numbers::counted;
use crate::{Error, Result};

/// Bases around peaks where no negative lies.
const FLANK: u32 = 200;
/// By how much every window is moved at most.
const REACH: u32 = 20;

/// What samples are made of, besides peaks: as in [`super::single::Settings`].
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    pub chromosomes: &'a Chromosomes,
    pub blacklist: &'a Blacklist,
    pub unknown: Option<&'a Regions>,
    pub split: &'a Split,
    pub length: u32,
    pub seed: u64,
}

/// Windows with a label for each factor, in genome order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// Chromosome and first base.
    pub starts: Vec<(u32, u32)>,
    /// 0 or 1, windows x factors, row-major.
    pub labels: Vec<u8>,
    pub factors: usize,
}

impl Labelled {
    /// The windows of the genome's grid that the factors' merged peaks cover, those that touch the
    /// blacklist left out; a factor's label is 1 when one of its own peaks covers as much. A window
    /// may have no label: two factors' peaks cover it together.
    pub fn new(factors: &[Peaks], blacklist: &Blacklist, chromosomes: &Chromosomes) -> Labelled {
        let all = factors
            .iter()
            .flat_map(|peaks| peaks.conservative.iter().copied());
        let merged = Regions::merge(chromosomes.len(), all);
        let mut starts = Vec::new();
        for (chromosome, span) in merged.iter() {
            let length = chromosomes.length(chromosome);
            starts.extend(
                windows(span)
                    .filter(|start| start + WINDOW <= length)
                    .filter_map(|start| {
                        let (from, to) = (i64::from(start), i64::from(start + WINDOW));
                        let kept = !blacklist.grown.touches(chromosome, from, to);
                        kept.then_some((chromosome, start))
                    }),
            );
        }
        let columns: Vec<Vec<u8>> = factors
            .par_iter()
            .map(|peaks| column(&starts, &peaks.conservative))
            .collect();
        let width = factors.len();
        let mut labels = vec![0; starts.len() * width];
        for (factor, column) in columns.iter().enumerate() {
            for (row, &label) in column.iter().enumerate() {
                labels[row * width + factor] = label;
            }
        }
        Labelled {
            starts,
            labels,
            factors: width,
        }
    }

    /// The labels of a window, one a factor. Panics when there is no such window.
    pub fn row(&self, window: usize) -> &[u8] {
        &self.labels[window * self.factors..(window + 1) * self.factors]
    }
}

/// The grid's windows of which a span covers enough: start s with
/// min(end, s + 200) - max(start, s) >= 101.
fn windows(span: Span) -> impl Iterator<Item = u32> {
    let first = (span.start + COVERED)
        .saturating_sub(WINDOW)
        .next_multiple_of(STEP);
    let last = span.end.saturating_sub(COVERED);
    let enough = span.length() >= COVERED;
    (first..=last)
        .step_by(STEP as usize)
        .take_while(move |_| enough)
}

fn column(starts: &[(u32, u32)], peaks: &Intervals) -> Vec<u8> {
    let mut column = vec![0; starts.len()];
    for &(chromosome, peak) in peaks {
        for start in windows(peak) {
            if let Ok(row) = starts.binary_search(&(chromosome, start)) {
                column[row] = 1;
            }
        }
    }
    column
}

/// The samples of multi-task training and validation, from one cell line.
pub struct MultiTask<'a> {
    settings: Settings<'a>,
    windows: Labelled,
    train: Vec<usize>,
    held: Vec<usize>,
    space: Space,
    closed: Regions,
    validation: Vec<Sample>,
}

impl<'a> MultiTask<'a> {
    /// `factors`: one [`Peaks`] for each factor, in the order of the outputs. Also gives counts of
    /// what was left out.
    ///
    /// Errors: no positive window for training or for validation, or none in which a factor is bound; fewer windows than
    /// negatives asked for (says how many there are); an odd or zero length.
    pub fn new(settings: Settings<'a>, factors: &[Peaks]) -> Result<(MultiTask<'a>, Notes)> {
        let (chromosomes, length) = (settings.chromosomes, settings.length);
        if length == 0 || !length.is_multiple_of(2) {
            return Err(Error::usage(format!(
                "input length {length}; expected an even number above 0"
            )));
        }
        let windows = Labelled::new(factors, settings.blacklist, chromosomes);
        let closed = settings.split.closed_to_training(length, chromosomes);
        let of_part = |part: Part| -> Vec<usize> {
            let inside = |(row, start): (usize, &(u32, u32))| {
                (settings.split.part(start.0, start.1 + WINDOW / 2) == part).then_some(row)
            };
            windows
                .starts
                .iter()
                .enumerate()
                .filter_map(inside)
                .collect()
        };
        let mut notes = Notes::new();
        let mut train = of_part(Part::Train);
        let before = train.len();
        train.retain(|&row| {
            let (chromosome, start) = windows.starts[row];
            shifts::draw(start + WINDOW / 2, REACH, chromosome, &closed, || 0).is_some()
        });
        if train.len() < before {
            notes.push(format!(
                "{} dropped: with any shift the input of a dropped window reaches into a validation or test region",
                counted(before - train.len(), "training window")
            ));
        }
        let held = of_part(Part::Validation);
        for (list, name) in [(&train, "training"), (&held, "validation")] {
            if list.is_empty() {
                return Err(Error::invalid(format!(
                    "no window under any peak for {name}"
                )));
            }
            if !list.iter().any(|&row| windows.row(row).contains(&1)) {
                return Err(Error::invalid(format!(
                    "no positive for {name}: no peak covers {COVERED} of the {WINDOW} bases of a window; only several factors' peaks together do"
                )));
            }
        }
        notes.extend(warn_of_unknown(
            train.iter().chain(&held).map(|&row| windows.starts[row]),
            settings.unknown,
            chromosomes,
        ));
        let all = factors
            .iter()
            .flat_map(|peaks| peaks.conservative.iter().copied());
        let excluded = Regions::merge(chromosomes.len(), all).grow(FLANK, chromosomes);
        let excluded = excluded.union(&settings.blacklist.grown);
        let excluded = settings
            .unknown
            .map_or(excluded.clone(), |unknown| excluded.union(unknown));
        let free = excluded.complement(chromosomes);
        let space = |part: Part, count: usize| {
            let middles = settings.split.middles(part, length, chromosomes);
            let space = Space::new(&free, &middles, chromosomes.len());
            let found = space.len();
            if found >= count as u64 {
                return Ok(space);
            }
            Err(Error::invalid(format!(
                "no space left for negatives: {count} asked for, {} found for {part}, outside peaks, blacklist and N",
                counted(found, "window")
            )))
        };
        let held_space = space(Part::Validation, held.len())?;
        let mut task = MultiTask {
            settings,
            space: space(Part::Train, train.len())?,
            windows,
            train,
            held,
            closed,
            validation: Vec::new(),
        };
        let open = Regions::none(chromosomes.len());
        task.validation = task.draw(&task.held, &held_space, &open, VALIDATION);
        Ok((task, notes))
    }

    /// What the samples are made of, besides peaks.
    pub fn settings(&self) -> &Settings<'a> {
        &self.settings
    }

    /// How many windows of training or of validation each factor binds; none of test.
    pub fn bound(&self, part: Part) -> Vec<usize> {
        let rows: &[usize] = match part {
            Part::Train => &self.train,
            Part::Validation => &self.held,
            Part::Test => &[],
        };
        let mut bound = vec![0; self.windows.factors];
        for &row in rows {
            for (bound, &label) in bound.iter_mut().zip(self.windows.row(row)) {
                *bound += usize::from(label);
            }
        }
        bound
    }

    /// All positive windows, of every part.
    pub fn windows(&self) -> &Labelled {
        &self.windows
    }

    /// The number of training positives.
    pub fn positives(&self) -> usize {
        self.train.len()
    }

    /// The samples of validation, in a fixed order and with fixed shifts.
    pub fn validation(&self) -> &[Sample] {
        &self.validation
    }

    /// The samples of training epoch `epoch`, in the order of training: every positive window and
    /// as many negatives, drawn anew, all shifted. The same for the same seed, whatever the threads.
    pub fn epoch(&self, epoch: u64) -> Epoch {
        Epoch {
            samples: self.draw(&self.train, &self.space, &self.closed, epoch),
            notes: Vec::new(),
        }
    }

    /// Puts a sample's labels, one per factor, into `out`.
    pub fn labels(&self, sample: &Sample, out: &mut [f64]) {
        match (sample.label as usize).checked_sub(1) {
            None => out.fill(0.0),
            Some(window) => {
                let labels = self.windows.row(window).iter().zip(out);
                labels.for_each(|(&label, out)| *out = f64::from(label));
            }
        }
    }

    fn draw(&self, rows: &[usize], space: &Space, closed: &Regions, epoch: u64) -> Vec<Sample> {
        let philox = Philox::new(self.settings.seed);
        let negatives = space.distinct(rows.len(), philox, stream(Draw::Negatives, epoch, 0));
        let positives = rows
            .iter()
            .map(|&row| (self.windows.starts[row], row as u32 + 1));
        let drawn: Vec<_> = positives
            .chain(negatives.into_iter().map(|start| (start, 0)))
            .collect();
        let shifts = stream(Draw::Shifts, epoch, 0);
        let samples =
            drawn
                .par_iter()
                .enumerate()
                .filter_map(|(i, &((chromosome, start), label))| {
                    let bits = shifts::bits(philox, shifts, i);
                    let middle = shifts::draw(start + WINDOW / 2, REACH, chromosome, closed, bits)?;
                    Some(Sample {
                        cell: 0,
                        chromosome,
                        middle,
                        label,
                        features: 0,
                    })
                });
        let samples: Vec<Sample> = samples.collect();
        let order = philox.permutation(stream(Draw::Order, epoch, 0), samples.len());
        order.into_iter().map(|i| samples[i]).collect()
    }
}
