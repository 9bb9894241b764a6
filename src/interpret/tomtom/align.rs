//! The best alignment with each target: sums of integer scores along diagonals.

use super::scores::{BINS, Scored};
use std::ops::AddAssign;

/// The scores of queries of one width with columns of 0 between the targets, as many as the query has less one: then each sum along
/// a diagonal is an alignment with one target, overhangs included.
#[derive(Default)]
pub struct Padded {
    /// Query columns x padded columns; longer than that where an earlier query was longer.
    rows: Vec<Vec<i16>>,
    /// Where each target begins, forward strands first; behind the last one where the next would.
    starts: Vec<usize>,
    /// The score of the alignment in which the query begins at each padded column.
    sums: Sums,
    /// Query columns.
    query: usize,
}

/// Two bytes hold the sums of all but the longest queries.
enum Sums {
    Narrow(Vec<i16>),
    Wide(Vec<i32>),
}

impl Default for Sums {
    fn default() -> Self {
        Sums::Narrow(Vec::new())
    }
}

/// The longest query whose sums two bytes hold.
const NARROW: usize = i16::MAX as usize / BINS;

/// Columns that are copied at once; more than a target has are overwritten by what follows.
const COPIED: usize = 16;

/// Sums that stay in registers over all rows.
const CHUNK: usize = 64;

/// An alignment of a query with a target.
pub struct Place {
    pub offset: isize,
    pub overlap: usize,
}

impl Padded {
    #[inline(always)]
    pub fn set(&mut self, scored: &Scored, widths: &[usize]) {
        self.query = scored.values.len();
        let pad = self.query - 1;
        self.starts.clear();
        let mut next = pad;
        for width in widths.iter().chain(widths) {
            self.starts.push(next);
            next += width + pad;
        }
        self.starts.push(next);
        // Room for the last copy and the last chunk to run over.
        let length = next + self.query + COPIED + CHUNK;
        if self.rows.len() < self.query {
            self.rows.resize_with(self.query, Vec::new);
        }
        for (row, values) in self.rows.iter_mut().zip(&scored.values) {
            if row.len() < length {
                row.resize(length, 0);
            }
            row[..pad].fill(0);
            let mut from = 0;
            for (&start, &width) in self.starts.iter().zip(widths.iter().chain(widths)) {
                copy(&mut row[start..], &values[from..], width);
                zero(&mut row[start + width..], pad);
                from += width;
            }
        }
        let rows = &self.rows[..self.query];
        if self.query > NARROW {
            let mut sums = Vec::new();
            add::<i32>(rows, next, &mut sums);
            self.sums = Sums::Wide(sums);
            return;
        }
        if let Sums::Wide(_) = self.sums {
            self.sums = Sums::default();
        }
        if let Sums::Narrow(sums) = &mut self.sums {
            add::<i16>(rows, next, sums);
        }
    }

    /// The best score of a target's alignments, on the forward or the reverse strand.
    #[inline(always)]
    pub fn most(&self, target: usize, width: usize, reverse: bool) -> i32 {
        let first = self.first(target, reverse);
        let end = first + width + self.query - 1;
        match &self.sums {
            Sums::Narrow(sums) => {
                let sums = sums[first..end].iter().copied();
                i32::from(sums.fold(i16::MIN, i16::max))
            }
            Sums::Wide(sums) => sums[first..end].iter().copied().fold(i32::MIN, i32::max),
        }
    }

    /// The alignment that has it; of several the one with the largest overlap, then the first.
    #[inline(always)]
    pub fn place(&self, target: usize, width: usize, reverse: bool, most: i32) -> Place {
        let first = self.first(target, reverse);
        let mut best = Place {
            offset: 0,
            overlap: 0,
        };
        for place in 0..width + self.query - 1 {
            let sum = match &self.sums {
                Sums::Narrow(sums) => i32::from(sums[first + place]),
                Sums::Wide(sums) => sums[first + place],
            };
            if sum != most {
                continue;
            }
            let offset = place as isize + 1 - self.query as isize;
            let end = (offset + self.query as isize).min(width as isize);
            let overlap = (end - offset.max(0)) as usize;
            if overlap > best.overlap {
                best = Place { offset, overlap };
            }
        }
        best
    }

    /// Where the query begins in the alignment in which its last column lies on the target's first.
    #[inline(always)]
    fn first(&self, target: usize, reverse: bool) -> usize {
        let targets = self.starts.len() / 2;
        self.starts[target + usize::from(reverse) * targets] + 1 - self.query
    }
}

#[inline(always)]
fn add<S: AddAssign + From<i16> + Copy + Default>(
    rows: &[Vec<i16>],
    length: usize,
    sums: &mut Vec<S>,
) {
    if sums.len() < length + CHUNK {
        sums.resize(length + CHUNK, S::default());
    }
    for (sums, start) in sums.chunks_exact_mut(CHUNK).zip((0..length).step_by(CHUNK)) {
        let mut held = [S::default(); CHUNK];
        for (shift, row) in rows.iter().enumerate() {
            let row = &row[start + shift..start + shift + CHUNK];
            for (sum, &x) in held.iter_mut().zip(row) {
                *sum += S::from(x);
            }
        }
        sums.copy_from_slice(&held);
    }
}

#[inline(always)]
fn copy(to: &mut [i16], from: &[i16], count: usize) {
    for start in (0..count).step_by(COPIED) {
        match (
            to[start..].first_chunk_mut::<COPIED>(),
            from[start..].first_chunk::<COPIED>(),
        ) {
            (Some(to), Some(from)) => *to = *from,
            // At the end of the targets.
            _ => to[start..count].copy_from_slice(&from[start..count]),
        }
    }
}

#[inline(always)]
fn zero(to: &mut [i16], count: usize) {
    for start in (0..count).step_by(COPIED) {
        match to[start..].first_chunk_mut::<COPIED>() {
            Some(to) => *to = [0; COPIED],
            None => to[start..count].fill(0),
        }
    }
}
