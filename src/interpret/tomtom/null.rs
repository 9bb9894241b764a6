//! P-values: the best of all alignments with columns drawn at random.

use super::scores::{BINS, Scored};
use std::collections::BTreeSet;

/// P(best score >= s) for targets of each width.
pub struct Null {
    /// By width; empty where no target has it.
    tails: Vec<Tail>,
    /// Columns without a partner count this much each.
    zero: i32,
    columns: i32,
}

impl Null {
    #[inline(always)]
    pub fn of<const FMA: bool>(scored: &Scored, needed: &BTreeSet<usize>) -> Self {
        let columns = scored.shares.len();
        let most = columns * BINS + 1;
        // Of the spans that begin or end the query, shorter than it, by their length; and of the whole query.
        let mut ends: Vec<Tail> = (0..columns).map(|_| Tail::always(most)).collect();
        let mut whole = Tail::always(most);
        let widest = needed.last().copied().unwrap_or(0);
        let mut tails: Vec<Tail> = (0..=widest)
            .map(|width| match needed.contains(&width) {
                true => Tail::always(most),
                false => Tail::none(),
            })
            .collect();
        for first in 0..columns {
            let mut span = Span::empty();
            for last in first..columns {
                span = span.with::<FMA>(&scored.shares[last]);
                let length = last - first + 1;
                let tail = span.tail(scored.zero * (columns - length), most);
                if length == columns {
                    whole = tail;
                    continue;
                }
                if first == 0 || last + 1 == columns {
                    ends[length].or(&tail);
                }
                if let Some(inner) = tails.get_mut(length) {
                    inner.or(&tail);
                }
            }
        }
        // A target of width w meets the ends that are shorter than both, and each inner span of its width.
        let mut outer = Tail::always(most);
        for (width, tail) in tails.iter_mut().enumerate().skip(1) {
            if width <= columns && width > 1 {
                outer.or(&ends[width - 1]);
            }
            if width >= columns {
                // One more place for the whole query with each further position.
                outer.or(&whole);
            }
            tail.or(&outer);
        }
        Null {
            tails,
            zero: scored.zero as i32,
            columns: columns as i32,
        }
    }

    /// `score`: the sum over the columns that overlap.
    pub fn p_value(&self, width: usize, score: i32) -> f64 {
        let score = score + self.columns * self.zero;
        self.tails[width].at(score.max(0) as usize)
    }
}

/// The distribution of a sum of scores: from `low` on `length` numbers, behind [`MARGIN`] zeros and before as many and a chunk more.
struct Span {
    low: usize,
    length: usize,
    padded: Vec<f64>,
}

/// What a column can add.
const MARGIN: usize = BINS;

/// Sums that stay in registers: so many vectors of eight.
const VECTORS: usize = 4;
const CHUNK: usize = 8 * VECTORS;

impl Span {
    fn empty() -> Self {
        let mut padded = vec![0.0; 2 * MARGIN + CHUNK + 1];
        padded[MARGIN] = 1.0;
        Span {
            low: 0,
            length: 1,
            padded,
        }
    }

    /// With one column more: a convolution.
    #[inline(always)]
    fn with<const FMA: bool>(&self, shares: &[f64; BINS + 1]) -> Self {
        let first = shares.iter().position(|&p| p > 0.0).unwrap_or(0);
        let last = shares.iter().rposition(|&p| p > 0.0).unwrap_or(0);
        let shares = &shares[first..=last];
        let length = self.length + last - first;
        let mut padded = vec![0.0; 2 * MARGIN + length.next_multiple_of(CHUNK) + CHUNK];
        let out = padded[MARGIN..MARGIN + length].chunks_mut(CHUNK);
        for (out, start) in out.zip((MARGIN..).step_by(CHUNK)) {
            let mut sums = [[0.0; 8]; VECTORS];
            for (place, &share) in shares.iter().enumerate() {
                let earlier = &self.padded[start - place..start - place + CHUNK];
                let (earlier, _) = earlier.as_chunks::<8>();
                for (sums, earlier) in sums.iter_mut().zip(earlier) {
                    for (sum, p) in sums.iter_mut().zip(earlier) {
                        *sum = if FMA {
                            share.mul_add(*p, *sum)
                        } else {
                            share * p + *sum
                        };
                    }
                }
            }
            out.copy_from_slice(&sums.as_flattened()[..out.len()]);
        }
        Span {
            low: self.low + first,
            length,
            padded,
        }
    }

    /// P(sum + shift >= s), summed from the top, so that small ones keep their digits.
    #[inline(always)]
    fn tail(&self, shift: usize, most: usize) -> Tail {
        let low = self.low + shift;
        let mut values = self.padded[MARGIN..MARGIN + self.length].to_vec();
        let mut sum = 0.0;
        for value in values.iter_mut().rev() {
            sum += *value;
            *value = f64::min(sum, 1.0);
        }
        debug_assert!(low + values.len() <= most);
        Tail { low, values, most }
    }
}

/// P(x >= s): 1 up to `low`, `values` from there on, 0 behind them.
#[derive(Clone)]
struct Tail {
    low: usize,
    values: Vec<f64>,
    /// One more than the largest score of all.
    most: usize,
}

impl Tail {
    /// Of nothing: never as good as any score.
    fn always(most: usize) -> Self {
        Tail {
            low: 0,
            values: Vec::new(),
            most,
        }
    }

    /// Of a width that no target has.
    fn none() -> Self {
        Tail {
            low: 0,
            values: Vec::new(),
            most: 0,
        }
    }

    /// Of the larger of two independent sums: 1 - (1 - a)(1 - b) = a + b - a b.
    #[inline(always)]
    fn or(&mut self, other: &Tail) {
        if self.most == 0 || other.values.is_empty() {
            return;
        }
        if self.values.is_empty() {
            *self = other.clone();
            return;
        }
        // Up to the larger of the two lows one of them is certain.
        if other.low > self.low {
            let certain = (other.low - self.low).min(self.values.len());
            self.values.drain(..certain);
            self.low = other.low;
        }
        let skipped = self.low - other.low;
        let others = other.values.get(skipped..).unwrap_or(&[]);
        if self.values.len() < others.len() {
            self.values.resize(others.len(), 0.0);
        }
        for (a, b) in self.values.iter_mut().zip(others) {
            *a += b - *a * b;
        }
    }

    fn at(&self, score: usize) -> f64 {
        match score.checked_sub(self.low) {
            None => 1.0,
            Some(place) => self.values.get(place).copied().unwrap_or(0.0),
        }
    }
}
