//! The best alignment with each target: sums of integer scores along diagonals.

use super::Match;
use super::scores::Scored;

/// The scores of queries of one width with columns of 0 between the targets, as many as the query has less one: then each sum along
/// a diagonal is an alignment with one target, overhangs included.
#[derive(Default)]
pub struct Padded {
    /// Query columns x padded columns.
    rows: Vec<Vec<i16>>,
    /// Where each target begins, forward strands first; behind the last one where the next would.
    starts: Vec<usize>,
    /// The score of the alignment in which the query begins at each padded column.
    sums: Vec<i32>,
}

/// Columns that are copied at once; more than a target has are overwritten by what follows.
const COPIED: usize = 16;

impl Padded {
    #[inline(always)]
    pub fn set(&mut self, scored: &Scored, widths: &[usize]) {
        let pad = scored.values.len() - 1;
        self.starts.clear();
        let mut next = pad;
        for width in widths.iter().chain(widths) {
            self.starts.push(next);
            next += width + pad;
        }
        self.starts.push(next);
        self.rows.resize_with(scored.values.len(), Vec::new);
        for (row, values) in self.rows.iter_mut().zip(&scored.values) {
            // Room for the last copy to run over.
            row.resize(next + COPIED, 0);
            row[..pad].fill(0);
            let mut from = 0;
            for (&start, &width) in self.starts.iter().zip(widths.iter().chain(widths)) {
                copy(&mut row[start..], &values[from..], width);
                zero(&mut row[start + width..], pad);
                from += width;
            }
        }
        self.add(next);
    }

    #[inline(always)]
    fn add(&mut self, length: usize) {
        /// Sums that stay in registers over all rows.
        const CHUNK: usize = 64;
        self.sums.resize(length, 0);
        for (sums, start) in self.sums.chunks_mut(CHUNK).zip((0..).step_by(CHUNK)) {
            let mut held = [0i32; CHUNK];
            for (shift, row) in self.rows.iter().enumerate() {
                let row = row.get(start + shift..).unwrap_or(&[]);
                match row.first_chunk::<CHUNK>() {
                    Some(row) => {
                        for (sum, &x) in held.iter_mut().zip(row) {
                            *sum += i32::from(x);
                        }
                    }
                    None => {
                        for (sum, &x) in held.iter_mut().zip(row) {
                            *sum += i32::from(x);
                        }
                    }
                }
            }
            sums.copy_from_slice(&held[..sums.len()]);
        }
    }

    /// The best alignment with a target; of equal scores the one with the largest overlap, then the first.
    #[inline(always)]
    pub fn best(&self, target: usize, width: usize, reverse: bool) -> Match {
        let query = self.rows.len();
        let targets = self.starts.len() / 2;
        let start = self.starts[target + usize::from(reverse) * targets];
        let first = start + 1 - query;
        let places = &self.sums[first..start + width];
        let most = places.iter().copied().fold(i32::MIN, i32::max);
        let mut best = Match {
            target,
            p_value: 1.0,
            offset: 0,
            overlap: 0,
            reverse,
            score: most,
        };
        for (place, &sum) in places.iter().enumerate() {
            if sum != most {
                continue;
            }
            let offset = place as isize + 1 - query as isize;
            let end = (offset + query as isize).min(width as isize);
            let overlap = (end - offset.max(0)) as usize;
            if overlap > best.overlap {
                best.offset = offset;
                best.overlap = overlap;
            }
        }
        best
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
