//! By how much a window is moved each time it is drawn.

use crate::data::regions::Regions;
use crate::engine::random::Philox;

/// Moves a window's middle by up to `reach` bases either way, both ends included, uniformly over
/// the middles that are not in `closed`. `None` when none is left.
pub fn draw(
    middle: u32,
    reach: u32,
    chromosome: u32,
    closed: &Regions,
    random: impl FnOnce() -> u64,
) -> Option<i64> {
    let (first, last) = (
        i64::from(middle) - i64::from(reach),
        i64::from(middle) + i64::from(reach),
    );
    let count = 2 * u64::from(reach) + 1 - u64::from(closed.covered(chromosome, first, last + 1));
    if count == 0 {
        return None;
    }
    // Lemire's multiply-shift: the bias is below count / 2^64.
    let mut at = first + ((u128::from(random()) * u128::from(count)) >> 64) as i64;
    for span in closed.within(chromosome, first, last + 1) {
        if i64::from(span.start) > at {
            break;
        }
        at += i64::from(span.length());
    }
    Some(at)
}

/// The random number of a window in a stream.
pub fn bits(philox: Philox, stream: u64, window: usize) -> impl FnOnce() -> u64 {
    move || philox.bits(stream, window as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dna::span::Span;
    use proptest::prelude::*;

    #[test]
    fn both_ends_can_be_drawn() {
        let open = Regions::none(1);
        assert_eq!(draw(500, 169, 0, &open, || 0), Some(331));
        assert_eq!(draw(500, 169, 0, &open, || u64::MAX), Some(669));
        assert_eq!(draw(5, 10, 0, &open, || 0), Some(-5));
    }

    #[test]
    fn a_window_without_an_open_middle_has_no_shift() {
        let closed = Regions::merge(1, [(0, Span::new(10, 31))]);
        assert_eq!(draw(20, 10, 0, &closed, || 0), None);
        assert_eq!(draw(20, 11, 0, &closed, || 0), Some(9));
        assert_eq!(draw(20, 11, 0, &closed, || u64::MAX), Some(31));
    }

    proptest! {
        #[test]
        fn every_open_middle_is_drawn_equally_often(
            reach in 0_u32..30,
            closed in prop::collection::vec((0_u32..120, 1_u32..20), 0..6),
        ) {
            let spans = closed.iter().map(|&(start, length)| (0, Span::new(start, start + length)));
            let closed = Regions::merge(1, spans);
            let open: Vec<i64> = (60 - i64::from(reach)..=60 + i64::from(reach))
                .filter(|&at| !closed.contains(0, at))
                .collect();
            let count = open.len() as u128;
            let drawn: Vec<i64> = (0..count)
                .filter_map(|i| draw(60, reach, 0, &closed, || ((i << 64) / count + 1) as u64))
                .collect();
            prop_assert_eq!(drawn, open);
        }
    }
}
