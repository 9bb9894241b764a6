//! Which threshold of a score holds a false discovery rate, FP / (TP + FP) of the examples at or above it, and finds the most.

use super::curves::{Curve, Point};
use serde::{Deserialize, Serialize};

/// The thresholds that are the best for some rate, from the lowest on: each has a lower rate than all below it, and finds fewer positives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Threshold, true and false positives at or above it.
    points: Vec<(f64, u64, u64)>,
}

impl Thresholds {
    pub fn of(curve: &Curve) -> Thresholds {
        let mut points: Vec<(f64, u64, u64)> = Vec::new();
        let from_below = curve.points.iter().rev();
        for point in from_below.filter(|point| point.true_positives > 0) {
            let new = (point.threshold, point.true_positives, point.false_positives);
            if points.last().is_some_and(|&last| !lower_rate(new, last)) {
                continue;
            }
            // As many are found with fewer false ones: the one below is of no use.
            points.pop_if(|last| last.1 == new.1);
            points.push(new);
        }
        Thresholds { points }
    }

    /// The threshold that finds the most with a rate of `rate` or less, of equal ones the highest; None where none holds it.
    pub fn at(&self, rate: f64) -> Option<Point> {
        let held =
            |&&(_, found, wrong): &&(f64, u64, u64)| wrong as f64 <= rate * (found + wrong) as f64;
        self.points.iter().find(held).map(point)
    }

    /// The lowest rate of the thresholds at or below a score, as far as so many examples can tell: where none at or above is false, one
    /// of them might have been. None where the score is below all.
    pub fn rate_at(&self, score: f64) -> Option<f64> {
        let reached = self.points.iter().take_while(|point| point.0 <= score);
        let rates = reached.map(|&(_, found, wrong)| wrong.max(1) as f64 / (found + wrong) as f64);
        rates.reduce(f64::min)
    }

    /// # Errors
    /// How what was read contradicts itself.
    pub fn check(&self) -> Result<(), String> {
        let ascending = self
            .points
            .windows(2)
            .all(|two| two[0].0 < two[1].0 && lower_rate(two[1], two[0]) && two[1].1 < two[0].1);
        let numbers = self.points.iter().all(|p| p.1 > 0);
        let probabilities = |p: &(f64, u64, u64)| (0.0..=1.0).contains(&p.0);
        match ascending && numbers {
            true if !self.points.iter().all(probabilities) => {
                Err("thresholds that are no probabilities, 0 to 1".to_string())
            }
            true => Ok(()),
            false => Err("thresholds whose false discovery rates do not fall".to_string()),
        }
    }
}

fn point(&(threshold, true_positives, false_positives): &(f64, u64, u64)) -> Point {
    Point {
        threshold,
        true_positives,
        false_positives,
    }
}

/// The first has a lower rate of false ones: FP / (TP + FP) falls as FP / TP does.
fn lower_rate(a: (f64, u64, u64), b: (f64, u64, u64)) -> bool {
    let times = |x: u64, y: u64| u128::from(x) * u128::from(y);
    times(a.2, b.1) < times(b.2, a.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn thresholds(scores: &[f64], labels: &[bool]) -> Thresholds {
        Thresholds::of(&Curve::new(scores, labels))
    }

    #[test]
    fn thresholds_hold_the_rate_and_find_the_most() {
        let scores = [0.9, 0.8, 0.8, 0.7, 0.6, 0.5];
        let labels = [true, true, false, true, false, false];
        let found = thresholds(&scores, &labels);
        // One in four is false at 0.7; at 0.6 no more is found.
        assert_eq!(found.points, [(0.7, 3, 1), (0.9, 1, 0)]);
        let at = |rate| found.at(rate).map(|point| point.threshold);
        assert_eq!(at(0.1), Some(0.9));
        assert_eq!(at(0.2499), Some(0.9));
        assert_eq!(at(0.25), Some(0.7));
        assert_eq!(at(0.5), Some(0.7));
        assert_eq!(found.rate_at(0.69), None);
        assert_eq!(found.rate_at(0.8), Some(0.25));
        // One example alone, right as it is, cannot tell of a lower one.
        assert_eq!(found.rate_at(0.95), Some(0.25));
        let sure = thresholds(&[0.9, 0.8, 0.7, 0.6], &[true; 4]);
        assert_eq!(sure.rate_at(0.95), Some(0.25));
        assert_eq!(thresholds(&[0.5, 0.4], &[false, true]).at(0.1), None);
        assert_eq!(thresholds(&[], &[]).at(0.5), None);
        assert!(found.check().is_ok());
        for points in [
            vec![(0.9, 1, 0), (0.7, 3, 1)],
            vec![(0.5, 3, 1), (0.7, 2, 1)],
            vec![(0.5, 0, 1)],
            vec![(f64::NAN, 1, 0)],
        ] {
            assert!(Thresholds { points }.check().is_err());
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_answers_as_the_whole_curve_does(
            examples in prop::collection::vec((0_u8..12, any::<bool>()), 1..60),
            percent in 1_u64..100,
        ) {
            let scores: Vec<f64> = examples.iter().map(|&(s, _)| f64::from(s) / 12.0).collect();
            let labels: Vec<bool> = examples.iter().map(|&(_, l)| l).collect();
            let curve = Curve::new(&scores, &labels);
            let held = |point: &&Point| {
                let called = point.true_positives + point.false_positives;
                point.true_positives > 0 && point.false_positives * 100 <= percent * called
            };
            // The last of equals is the highest threshold here.
            let best = curve.points.iter().rev().filter(held).max_by_key(|p| p.true_positives);
            let found = Thresholds::of(&curve);
            prop_assert_eq!(found.at(percent as f64 / 100.0), best.copied());
            prop_assert!(found.check().is_ok());
        }
    }
}
