//! One factor: its peaks against windows where it may not be bound.

use rayon::prelude::*;

use super::{Draw, Epoch, Sample, VALIDATION, stream, warn_of_unknown};
use crate::data::Notes;
use crate::data::regions::Regions;
use crate::data::split::regions::{Part, Split};
use crate::data::windows::annotations::{Annotations, GencodeSpan};
use crate::data::windows::blacklist::Blacklist;
use crate::data::windows::negatives::{Space, Start};
use crate::data::windows::peaks::{Intervals, Peaks};
use crate::data::windows::{WINDOW, shifts};
use crate::dna::span::Span;
use crate::engine::memory::{self, Bytes};
use crate::engine::random::Philox;
use crate::io::chrom_sizes::Chromosomes;
use crate::numbers::counted;
use crate::{Error, Result};

/// Bases around relaxed peaks where no negative lies.
const FLANK: u32 = 200;
/// Bases of the peak that stay in a shifted window, less one at the end of the range.
const KEPT: u32 = 76;

/// What a negative takes while an epoch is drawn: its place in a set and in two lists, a sample twice, its turn.
const NEGATIVE_BYTES: usize = 96;

/// What samples are made of, besides peaks.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    pub chromosomes: &'a Chromosomes,
    pub blacklist: &'a Blacklist,
    /// N in the genome; `None` leaves it to the blacklist.
    pub unknown: Option<&'a Regions>,
    pub split: &'a Split,
    /// L, the bases of an input: even, at least 2.
    pub length: u32,
    /// Negatives for each positive.
    pub negatives: u32,
    pub annotations: Option<&'a Annotations>,
    pub span: GencodeSpan,
    /// By how many bases a training window is moved at most; `None`: as far as [`Positive::reach`] goes.
    pub max_shift: Option<u32>,
    pub seed: u64,
}

/// A peak that is a positive sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positive {
    pub cell: u32,
    pub chromosome: u32,
    pub peak: Span,
    pub features: u8,
}

impl Positive {
    /// The window's first base.
    pub fn start(&self) -> u32 {
        self.peak.middle().saturating_sub(WINDOW / 2)
    }

    /// By how much the window is moved at most.
    pub fn reach(&self) -> u32 {
        // peak end - (middle - 100) - 76, which is never below 0.
        self.peak.end - self.peak.middle() + WINDOW / 2 - KEPT
    }
}

/// Where a cell line's negatives come from.
struct Negatives {
    part: Part,
    cell: u32,
    count: usize,
    space: Space,
}

/// The samples of single-task training and validation.
pub struct SingleTask<'a> {
    settings: Settings<'a>,
    positives: Vec<Positive>,
    negatives: Vec<Negatives>,
    closed: Regions,
    validation: Vec<Sample>,
}

/// The conservative peaks that do not touch the blacklist, in their order.
pub fn kept(peaks: &Peaks, blacklist: &Blacklist) -> Intervals {
    let touches = |(chromosome, span): &(u32, Span)| {
        blacklist
            .grown
            .touches(*chromosome, i64::from(span.start), i64::from(span.end))
    };
    let conservative = peaks.conservative.iter().copied();
    conservative.filter(|interval| !touches(interval)).collect()
}

/// Where no negative may lie: relaxed peaks and 200 bases on each side, the grown blacklist, N.
pub fn excluded(relaxed: &Regions, settings: &Settings) -> Regions {
    let grown = relaxed.grow(FLANK, settings.chromosomes);
    let excluded = grown.union(&settings.blacklist.grown);
    settings
        .unknown
        .map_or(excluded.clone(), |unknown| excluded.union(unknown))
}

impl<'a> SingleTask<'a> {
    /// Makes the samplers of several cell lines, one [`Peaks`] each. Validation takes `validation`,
    /// whose cell lines are numbered after those of `train`, else `train` itself. Also gives
    /// counts of what was left out.
    ///
    /// Errors: no positive for training or for validation, fewer windows than negatives asked for
    /// (says how many there are), an odd or zero `length`.
    pub fn new(
        settings: Settings<'a>,
        train: &[Peaks],
        validation: Option<&[Peaks]>,
    ) -> Result<(SingleTask<'a>, Notes)> {
        if settings.length == 0 || !settings.length.is_multiple_of(2) {
            let length = settings.length;
            return Err(Error::usage(format!(
                "input length {length}; expected an even number above 0"
            )));
        }
        let mut notes = Notes::new();
        let train_cells: Vec<(u32, &Peaks)> = (0..).zip(train).collect();
        let validation_cells = match validation {
            Some(peaks) => (train.len() as u32..).zip(peaks).collect(),
            None => train_cells.clone(),
        };
        let closed = settings
            .split
            .closed_to_training(settings.length, settings.chromosomes);
        let mut positives = settings.positives(&train_cells, Part::Train);
        let before = positives.len();
        positives.retain(|positive| {
            let (middle, reach) = (positive.peak.middle(), settings.reach(positive));
            shifts::draw(middle, reach, positive.chromosome, &closed, || 0).is_some()
        });
        if positives.len() < before {
            notes.push(format!(
                "{} dropped: with any shift the input around a dropped peak reaches into a validation or test region",
                counted(before - positives.len(), "training peak")
            ));
        }
        let read = |cells: &[(u32, &Peaks)]| -> usize {
            cells
                .iter()
                .map(|(_, peaks)| peaks.conservative.len())
                .sum()
        };
        if positives.is_empty() {
            return Err(Error::invalid(format!(
                "no positive for training: of {}, none is outside validation and test regions, off the blacklist and the {} at each chromosome's ends",
                counted(read(&train_cells), "peak"),
                counted(settings.length, "base")
            )));
        }
        let negatives = settings.spaces(&train_cells, &positives, Part::Train)?;
        let held = settings.positives(&validation_cells, Part::Validation);
        if held.is_empty() {
            return Err(Error::invalid(format!(
                "no positive for validation: of {}, none is in the validation regions, off the blacklist and the {} at each chromosome's ends",
                counted(read(&validation_cells), "peak"),
                counted(settings.length, "base")
            )));
        }
        let windows = positives.iter().chain(&held);
        notes.extend(warn_of_unknown(
            windows.map(|positive| (positive.chromosome, positive.start())),
            settings.unknown,
            settings.chromosomes,
        ));
        let held_negatives = settings.spaces(&validation_cells, &held, Part::Validation)?;
        let still = held
            .iter()
            .map(|positive| settings.positive(positive, i64::from(positive.peak.middle())));
        let (drawn, warnings) = settings.draw(&held_negatives, VALIDATION)?;
        notes.extend(warnings);
        let samples = still.chain(drawn).collect();
        let task = SingleTask {
            settings,
            positives,
            negatives,
            closed,
            validation: settings.ordered(samples, VALIDATION),
        };
        Ok((task, notes))
    }

    /// Training positives: cell by cell, by chromosome and start; a repeated peak is there again.
    pub fn positives(&self) -> &[Positive] {
        &self.positives
    }

    /// No epoch has more samples.
    pub fn most(&self) -> usize {
        let negatives: usize = self.negatives.iter().map(|negatives| negatives.count).sum();
        self.positives.len() + negatives
    }

    /// The samples of validation, in a fixed order: unshifted positives and fixed negatives.
    pub fn validation(&self) -> &[Sample] {
        &self.validation
    }

    /// The samples of training epoch `epoch`, in the order of training: every positive with a shift
    /// of its own, and negatives drawn anew. The same for the same seed, whatever the threads.
    ///
    /// Errors: none that [`Self::new`] has not given already.
    pub fn epoch(&self, epoch: u64) -> Result<Epoch> {
        let philox = Philox::new(self.settings.seed);
        let stream = stream(Draw::Shifts, epoch, 0);
        let shifted = self
            .positives
            .par_iter()
            .enumerate()
            .filter_map(|(i, positive)| {
                let bits = shifts::bits(philox, stream, i);
                let (middle, reach) = (positive.peak.middle(), self.settings.reach(positive));
                let middle = shifts::draw(middle, reach, positive.chromosome, &self.closed, bits)?;
                Some(self.settings.positive(positive, middle))
            });
        let mut samples: Vec<Sample> = shifted.collect();
        let (drawn, notes) = self.settings.draw(&self.negatives, epoch)?;
        samples.extend(drawn);
        let samples = self.settings.ordered(samples, epoch);
        Ok(Epoch { samples, notes })
    }
}

impl Settings<'_> {
    fn positives(&self, cells: &[(u32, &Peaks)], part: Part) -> Vec<Positive> {
        let of_cell = |(cell, peaks): &(u32, &Peaks)| {
            let kept = kept(peaks, self.blacklist).into_iter();
            let inside = kept
                .filter(|(chromosome, peak)| self.split.part(*chromosome, peak.middle()) == part);
            let positive = |(chromosome, peak): (u32, Span)| {
                let mut positive = Positive {
                    cell: *cell,
                    chromosome,
                    peak,
                    features: 0,
                };
                let span = match self.span {
                    GencodeSpan::Window => Span::new(positive.start(), positive.start() + WINDOW),
                    GencodeSpan::Peak => peak,
                };
                positive.features = self.features(chromosome, span);
                positive
            };
            inside.map(positive).collect::<Vec<_>>()
        };
        cells.par_iter().map(of_cell).collect::<Vec<_>>().concat()
    }

    fn reach(&self, positive: &Positive) -> u32 {
        let reach = positive.reach();
        self.max_shift.map_or(reach, |most| most.min(reach))
    }

    fn features(&self, chromosome: u32, span: Span) -> u8 {
        let (start, end) = (i64::from(span.start), i64::from(span.end));
        self.annotations.map_or(0, |annotations| {
            annotations.features(chromosome, start, end)
        })
    }

    fn positive(&self, positive: &Positive, middle: i64) -> Sample {
        Sample {
            cell: positive.cell,
            chromosome: positive.chromosome,
            middle,
            label: 1,
            features: positive.features,
        }
    }

    fn spaces(
        &self,
        cells: &[(u32, &Peaks)],
        positives: &[Positive],
        part: Part,
    ) -> Result<Vec<Negatives>> {
        let middles = self.split.middles(part, self.length, self.chromosomes);
        let of_cell = |(cell, peaks): &(u32, &Peaks)| {
            let own = positives
                .iter()
                .filter(|positive| positive.cell == *cell)
                .count();
            let free = excluded(&peaks.relaxed, self).complement(self.chromosomes);
            Negatives {
                part,
                cell: *cell,
                count: own * self.negatives as usize,
                space: Space::new(&free, &middles, self.chromosomes.len()),
            }
        };
        let spaces: Vec<Negatives> = cells.par_iter().map(of_cell).collect();
        match spaces
            .iter()
            .find(|negatives| negatives.space.len() < negatives.count as u64)
        {
            None => {
                let all: usize = spaces.iter().map(|negatives| negatives.count).sum();
                let taken = Bytes::of::<[u8; NEGATIVE_BYTES]>(&[all]);
                memory::check(format!("-n {}", self.negatives), taken)?;
                Ok(spaces)
            }
            Some(short) => Err(no_space(short)),
        }
    }

    /// Each cell line's negatives and a warning where they overlap.
    fn draw(&self, spaces: &[Negatives], epoch: u64) -> Result<(Vec<Sample>, Notes)> {
        let philox = Philox::new(self.seed);
        let of_cell = |negatives: &Negatives| {
            let stream = stream(Draw::Negatives, epoch, negatives.cell as usize);
            let windows = negatives.space.draw(negatives.count, philox, stream);
            let windows = windows.ok_or_else(|| no_space(negatives))?;
            let samples = windows.starts.into_iter();
            let samples = samples.map(|start| self.negative(negatives.cell, start));
            Ok((
                samples.collect::<Vec<_>>(),
                windows.overlapping.then_some(negatives.count),
            ))
        };
        let drawn: Vec<_> = spaces.par_iter().map(of_cell).collect::<Result<_>>()?;
        let crowded: Vec<usize> = drawn.iter().filter_map(|(_, crowded)| *crowded).collect();
        let notes = crowded.first().map(|count| {
            format!(
                "warning: no room for {} side by side: some overlap",
                counted(*count, "negative")
            )
        });
        let samples = drawn.into_iter().flat_map(|(samples, _)| samples).collect();
        Ok((samples, notes.into_iter().collect()))
    }

    fn negative(&self, cell: u32, (chromosome, start): Start) -> Sample {
        Sample {
            cell,
            chromosome,
            middle: i64::from(start + WINDOW / 2),
            label: 0,
            features: self.features(chromosome, Span::new(start, start + WINDOW)),
        }
    }

    fn ordered(&self, samples: Vec<Sample>, epoch: u64) -> Vec<Sample> {
        let order =
            Philox::new(self.seed).permutation(stream(Draw::Order, epoch, 0), samples.len());
        order.into_iter().map(|i| samples[i]).collect()
    }
}

fn no_space(negatives: &Negatives) -> Error {
    Error::invalid(format!(
        "no space left for negatives: {} asked for, {} found for {} in cell line {}, outside relaxed peaks, blacklist and N",
        negatives.count,
        counted(negatives.space.len(), "window"),
        negatives.part,
        negatives.cell + 1
    ))
}
