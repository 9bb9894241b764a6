//! One set of windows of one width from the peaks of several files.

use crate::data::regions::Regions;
use crate::dna::bases::N;
use crate::io::peaks::{Peak, PeakFile};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// What the windows lie around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Center {
    /// The summit, where a peak has one; else its middle.
    Summit,
    /// The middle, (start + end) / 2.
    Middle,
}

impl Center {
    /// The base around which a peak's window lies.
    pub fn of(self, peak: &Peak) -> u64 {
        let middle = peak.start.midpoint(peak.end);
        match self {
            Center::Summit => peak.summit.unwrap_or(middle),
            Center::Middle => middle,
        }
    }
}

/// A window, `start..start + width` on its chromosome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub chromosome: u32,
    pub start: u32,
    /// The file of its peak, and the peak's place in it.
    pub file: usize,
    pub peak: usize,
    /// The peak's score divided by the sum of its file's, so that files compete on equal terms.
    pub weight: f64,
}

/// Peaks that gave no window, by cause: each is counted once, by the first cause that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// On a chromosome that is not in use.
    pub chromosome: usize,
    /// The window would not lie on the chromosome altogether, or the peak has no base there.
    pub end: usize,
    /// Without a row in the table of signals.
    #[serde(default)]
    pub table: usize,
    pub blacklist: usize,
    /// Too many bases of the window are unknown (N).
    pub unknown: usize,
    /// A window of a larger weight overlaps.
    pub overlap: usize,
}

/// The first base of a window of `width` bases around `center` on a chromosome of `length` bases: `width / 2` bases before it.
/// `None` where it would not lie on the chromosome altogether.
pub fn window_start(center: u64, width: u32, length: u32) -> Option<u32> {
    let start = center.checked_sub(u64::from(width / 2))?;
    let end = start.checked_add(u64::from(width))?;
    (end <= u64::from(length)).then_some(start as u32)
}

/// What a peak's score counts for beside those of other files: the score divided by the sum of its file's scores.
pub fn weights(file: &PeakFile) -> impl Iterator<Item = f64> + '_ {
    let sum: f64 = file.peaks.iter().map(|peak| peak.score).sum();
    file.peaks.iter().map(move |peak| peak.score / sum)
}

/// Takes out the windows that touch `blacklist`.
pub fn without_blacklisted(windows: &mut Vec<Window>, width: u32, blacklist: &Regions) -> usize {
    let before = windows.len();
    windows.retain(|window| {
        let start = i64::from(window.start);
        !blacklist.touches(window.chromosome, start, start + i64::from(width))
    });
    before - windows.len()
}

/// Whether more than a share of these bases is unknown.
pub fn too_unknown(codes: &[u8], most: f64) -> bool {
    let unknown = codes.iter().filter(|&&code| code == N).count();
    unknown as f64 > most * codes.len() as f64
}

/// Iterative overlap removal: the window of the largest weight stays and those that overlap it go; then the largest of what is
/// left, and so on. Of equal weights the one that lies first on the genome stays, then that of the file that was named
/// first. Gives the windows that stay in the genome's order.
pub fn without_overlaps(mut windows: Vec<Window>, width: u32) -> Vec<Window> {
    let place = |w: &Window| (w.chromosome, w.start, w.file, w.peak);
    let heavy = |a: &Window, b: &Window| b.weight.partial_cmp(&a.weight).unwrap_or(Ordering::Equal);
    windows.sort_by(|a, b| heavy(a, b).then_with(|| place(a).cmp(&place(b))));
    let mut taken = BTreeSet::new();
    windows.retain(|window| {
        let (chromosome, start) = (window.chromosome, window.start);
        let first = start.saturating_sub(width - 1);
        let near = (chromosome, first)..(chromosome, start.saturating_add(width));
        let free = taken.range(near).next().is_none();
        free && taken.insert((chromosome, start))
    });
    windows.sort_by_key(place);
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dna::span::Span;
    use proptest::prelude::*;

    fn window(start: u32, weight: f64) -> Window {
        Window {
            chromosome: 0,
            start,
            file: 0,
            peak: 0,
            weight,
        }
    }

    fn starts(windows: &[Window]) -> Vec<u32> {
        windows.iter().map(|window| window.start).collect()
    }

    #[test]
    fn a_window_lies_around_its_center_and_on_its_chromosome() {
        assert_eq!(window_start(150, 300, 300), Some(0));
        assert_eq!(window_start(149, 300, 1000), None);
        assert_eq!(window_start(151, 300, 300), None);
        assert_eq!(window_start(10, 5, 100), Some(8));
        assert_eq!(window_start(u64::MAX, 5, 100), None);
    }

    #[test]
    fn the_best_window_stays_and_what_it_removes_removes_nothing() {
        // 20 goes for 10, so that 35, which overlaps 20 alone, stays.
        let windows = vec![window(10, 3.0), window(25, 2.0), window(40, 1.0)];
        assert_eq!(starts(&without_overlaps(windows, 20)), [10, 40]);
        // Windows that only touch do not overlap.
        let windows = vec![window(10, 1.0), window(30, 1.0), window(50, 2.0)];
        assert_eq!(starts(&without_overlaps(windows, 20)), [10, 30, 50]);
        let mut other = window(10, 1.0);
        other.chromosome = 1;
        let windows = vec![window(10, 1.0), other];
        assert_eq!(without_overlaps(windows, 20).len(), 2);
    }

    #[test]
    fn of_equal_weights_the_first_on_the_genome_stays() {
        let windows = vec![window(15, 1.0), window(10, 1.0), window(30, 1.0)];
        assert_eq!(starts(&without_overlaps(windows, 20)), [10, 30]);
    }

    #[test]
    fn blacklist_and_unknown_bases() {
        let blacklist = Regions::merge(1, [(0, Span::new(30, 31))]);
        let mut windows = vec![window(10, 1.0), window(11, 1.0), window(31, 1.0)];
        assert_eq!(without_blacklisted(&mut windows, 20, &blacklist), 1);
        assert_eq!(starts(&windows), [10, 31]);
        assert!(!too_unknown(&[0, 1, 2, N], 0.25));
        assert!(too_unknown(&[0, 1, N, N], 0.25));
    }

    proptest! {
        #[test]
        fn what_stays_does_not_overlap_and_what_goes_overlaps_something_better(
            found in proptest::collection::vec((0_u32..400, 0_u32..9), 1..60)
        ) {
            let windows: Vec<Window> = found.iter().map(|&(start, weight)| window(start, f64::from(weight))).collect();
            let kept = without_overlaps(windows.clone(), 25);
            for pair in kept.windows(2) {
                prop_assert!(pair[1].start - pair[0].start >= 25);
            }
            for gone in windows.iter().filter(|w| !kept.iter().any(|k| k.start == w.start)) {
                prop_assert!(kept.iter().any(|k| k.start.abs_diff(gone.start) < 25 && k.weight >= gone.weight));
            }
        }
    }
}
