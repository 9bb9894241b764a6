//! From bases to pixels.

use std::ops::Range;

/// Pixels, of the picture and beside what is drawn.
pub(super) const WIDTH: f64 = 1100.0;
pub(super) const LEFT: f64 = 74.0;
pub(super) const RIGHT: f64 = WIDTH - 22.0;
const ACROSS: f64 = RIGHT - LEFT;
/// The widest base.
const COLUMN: f64 = 20.0;

/// Bases side by side.
pub(super) struct Scale {
    pub bases: Range<usize>,
    /// Pixels of a base.
    pub column: f64,
}

impl Scale {
    pub fn of(bases: Range<usize>) -> Scale {
        Scale {
            column: (ACROSS / bases.len().max(1) as f64).min(COLUMN),
            bases,
        }
    }

    /// Where a base of the scale begins, or the last one ends.
    pub fn x(&self, base: usize) -> f64 {
        LEFT + (base - self.bases.start) as f64 * self.column
    }

    pub fn right(&self) -> f64 {
        self.x(self.bases.end)
    }

    /// What of a stretch lies on the scale.
    pub fn clipped(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let clipped = start.max(self.bases.start)..end.min(self.bases.end);
        (!clipped.is_empty()).then_some(clipped)
    }

    /// The bases one by one, or in as many stretches as there are pixels.
    pub fn bins(&self) -> impl Iterator<Item = Range<usize>> {
        let (start, length) = (self.bases.start, self.bases.len());
        let count = length.min(ACROSS as usize);
        let at = move |bin: usize| start + bin * length / count;
        (0..count).map(move |bin| at(bin)..at(bin + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_base_is_in_one_bin() {
        for length in [0, 1, 10, 1003, 1004, 1005, 5000] {
            let scale = Scale::of(7..7 + length);
            let bins: Vec<_> = scale.bins().collect();
            assert_eq!(bins.len(), length.min(1004));
            assert!(bins.iter().all(|bin| !bin.is_empty()));
            assert!(bins.into_iter().flatten().eq(7..7 + length));
            assert!(scale.right() < RIGHT + 0.001);
        }
    }

    #[test]
    fn stretches_are_clipped() {
        let scale = Scale::of(10..20);
        assert_eq!(scale.clipped(0, 12), Some(10..12));
        assert_eq!(scale.clipped(15, usize::MAX), Some(15..20));
        for (start, end) in [(0, 10), (20, 30), (15, 15), (18, 12)] {
            assert_eq!(scale.clipped(start, end), None);
        }
        assert_eq!((scale.x(12), scale.right()), (LEFT + 40.0, LEFT + 200.0));
    }
}
