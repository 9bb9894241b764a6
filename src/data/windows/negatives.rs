//! Windows where nothing is bound, drawn uniformly over the space that is left.

use std::collections::{BTreeSet, HashSet};

use super::WINDOW;
use crate::data::regions::Regions;
use crate::dna::span::Span;
use crate::engine::random::Philox;

/// A window's chromosome and first base.
pub type Start = (u32, u32);

/// Where windows may begin.
#[derive(Clone, Debug)]
pub struct Space {
    starts: Vec<(u32, Span)>,
    /// Starts before each span, then all.
    before: Vec<u64>,
}

/// Windows that were drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    pub starts: Vec<Start>,
    /// There was no room for all of them side by side.
    pub overlapping: bool,
}

impl Space {
    /// Windows that lie in `free` altogether and have their middle in `middles`.
    pub fn new(free: &Regions, middles: &Regions, chromosomes: usize) -> Space {
        let half = WINDOW / 2;
        let whole = free.iter().filter(|(_, span)| span.length() >= WINDOW);
        let whole =
            whole.map(|(number, span)| (number, Span::new(span.start, span.end - WINDOW + 1)));
        let around = middles.iter().filter(|(_, span)| span.end > half);
        let around = around.map(|(number, span)| {
            (
                number,
                Span::new(span.start.saturating_sub(half), span.end - half),
            )
        });
        let starts =
            Regions::merge(chromosomes, whole).intersection(&Regions::merge(chromosomes, around));
        let starts: Vec<(u32, Span)> = starts.iter().collect();
        let mut before = vec![0];
        for (number, (_, span)) in starts.iter().enumerate() {
            before.push(before[number] + u64::from(span.length()));
        }
        Space { starts, before }
    }

    /// The number of windows, overlapping ones included.
    pub fn len(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn at(&self, place: u64) -> Start {
        let span = self.before.partition_point(|&before| before <= place) - 1;
        let (chromosome, starts) = self.starts[span];
        (
            chromosome,
            starts.start + (place - self.before[span]) as u32,
        )
    }

    fn uniform(&self, bits: u64) -> Start {
        // Lemire's multiply-shift: the bias is below len / 2^64.
        self.at(((u128::from(bits) * u128::from(self.len())) >> 64) as u64)
    }

    /// Draws `count` windows, none over another while there is room for that, else distinct ones.
    /// `None` when there are fewer than `count` windows.
    pub fn draw(&self, count: usize, philox: Philox, stream: u64) -> Option<Windows> {
        if self.len() < count as u64 {
            return None;
        }
        if let Some(starts) = self.apart(count, philox, stream) {
            return Some(Windows {
                starts,
                overlapping: false,
            });
        }
        // Drawn one by one they leave gaps; packed side by side more fit.
        let packed = self.packed();
        let (starts, overlapping) = if packed.len() >= count {
            let order = philox.permutation(stream, packed.len());
            (
                order.into_iter().take(count).map(|i| packed[i]).collect(),
                false,
            )
        } else {
            (self.distinct(count, philox, stream), true)
        };
        Some(Windows {
            starts,
            overlapping,
        })
    }

    /// Draws windows one by one, those again that overlap an earlier one; gives up when that takes
    /// too long.
    fn apart(&self, count: usize, philox: Philox, stream: u64) -> Option<Vec<Start>> {
        const TRIES: usize = 50;
        let (mut taken, mut starts) = (BTreeSet::<Start>::new(), Vec::with_capacity(count));
        for index in 0..TRIES.saturating_mul(count) {
            if starts.len() == count {
                break;
            }
            let (chromosome, start) = self.uniform(philox.bits(stream, index as u64));
            let near = (chromosome, start.saturating_sub(WINDOW - 1))
                ..(chromosome, start.saturating_add(WINDOW));
            if taken.range(near).next().is_none() {
                taken.insert((chromosome, start));
                starts.push((chromosome, start));
            }
        }
        (starts.len() == count).then_some(starts)
    }

    /// As many windows as fit side by side: each as far to the left as it can.
    fn packed(&self) -> Vec<Start> {
        let (mut packed, mut next) = (Vec::new(), (0, 0));
        for &(chromosome, span) in &self.starts {
            let free = if next.0 == chromosome { next.1 } else { 0 };
            let starts = (span.start.max(free)..span.end).step_by(WINDOW as usize);
            for start in starts {
                packed.push((chromosome, start));
                next = (chromosome, start.saturating_add(WINDOW));
            }
        }
        packed
    }

    /// Distinct windows, overlapping or not.
    pub fn distinct(&self, count: usize, philox: Philox, stream: u64) -> Vec<Start> {
        // With few to choose from, drawing again would take long.
        if self.len() < 4 * count as u64 {
            let order = philox.permutation(stream, self.len() as usize);
            return order
                .into_iter()
                .take(count)
                .map(|i| self.at(i as u64))
                .collect();
        }
        let mut taken = HashSet::with_capacity(count);
        let drawn = (0_u64..).map(|index| self.uniform(philox.bits(stream, index)));
        drawn
            .filter(|start| taken.insert(*start))
            .take(count)
            .collect()
    }
}
