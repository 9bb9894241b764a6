//! Thresholds of a score: what is found at each, and how often the score is right.

/// All examples at or above a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub threshold: f64,
    pub true_positives: u64,
    pub false_positives: u64,
}

impl Point {
    pub fn precision(&self) -> f64 {
        let called = self.true_positives + self.false_positives;
        self.true_positives as f64 / called as f64
    }
}

/// Every threshold of examples, from the highest score on.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// One for each score that occurs.
    pub points: Vec<Point>,
    pub positives: u64,
    pub negatives: u64,
}

impl Curve {
    /// Scores are numbers; `labels` are true for positives.
    pub fn new(scores: &[f64], labels: &[bool]) -> Curve {
        let mut examples: Vec<(f64, bool)> =
            scores.iter().copied().zip(labels.iter().copied()).collect();
        examples.sort_unstable_by(|a, b| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)));
        let (mut true_positives, mut false_positives) = (0, 0);
        let points = examples
            .chunk_by(|a, b| a.0 == b.0)
            .map(|tied| {
                let positives = tied.iter().filter(|(_, positive)| *positive).count() as u64;
                true_positives += positives;
                false_positives += tied.len() as u64 - positives;
                Point {
                    threshold: tied[0].0,
                    true_positives,
                    false_positives,
                }
            })
            .collect();
        Curve {
            points,
            positives: true_positives,
            negatives: false_positives,
        }
    }

    pub fn recall(&self, point: &Point) -> f64 {
        point.true_positives as f64 / self.positives as f64
    }

    pub fn false_positive_rate(&self, point: &Point) -> f64 {
        point.false_positives as f64 / self.negatives as f64
    }

    /// Some 2 x `most` of the points at most: evenly by rank, and evenly by recall, since few of the examples are positive
    /// and what they tell lies among the first ranks; and the last point of each score of `keep`.
    pub fn thinned(&self, most: usize, keep: &[f64]) -> Vec<Point> {
        let every = self.points.len().div_ceil(most).max(1);
        let step = self.positives.div_ceil(most as u64).max(1);
        let (mut thinned, mut next) = (Vec::new(), 0);
        for (place, point) in self.points.iter().enumerate() {
            let last = place + 1 == self.points.len();
            let rises = point.true_positives >= next && point.true_positives > 0;
            if rises {
                next = point.true_positives + step;
            }
            if place % every == 0 || rises || last || keep.contains(&point.threshold) {
                thinned.push(*point);
            }
        }
        thinned
    }
}

/// Examples whose probabilities are in one tenth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tenth {
    /// Sum of the probabilities.
    pub predicted: f64,
    pub positives: u64,
    pub examples: u64,
}

/// How often examples of a probability are positive: by tenths, [0, 0.1), [0.1, 0.2) and so on, 1 in the last.
pub fn reliability(probabilities: &[f64], labels: &[bool]) -> [Tenth; 10] {
    let mut tenths = [Tenth::default(); 10];
    for (&p, &positive) in probabilities.iter().zip(labels) {
        let tenth = &mut tenths[((p * 10.0) as usize).min(9)];
        tenth.predicted += p;
        tenth.positives += u64::from(positive);
        tenth.examples += 1;
    }
    tenths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_score_is_a_threshold() {
        let scores = [0.9, 0.8, 0.8, 0.7, 0.6, 0.5];
        let labels = [true, true, false, true, false, false];
        let curve = Curve::new(&scores, &labels);
        let at: Vec<(f64, u64, u64)> = curve
            .points
            .iter()
            .map(|p| (p.threshold, p.true_positives, p.false_positives))
            .collect();
        assert_eq!(
            at,
            [
                (0.9, 1, 0),
                (0.8, 2, 1),
                (0.7, 3, 1),
                (0.6, 3, 2),
                (0.5, 3, 3)
            ]
        );
        assert_eq!((curve.positives, curve.negatives), (3, 3));
        assert_eq!(curve.recall(&curve.points[1]), 2.0 / 3.0);
        assert_eq!(curve.false_positive_rate(&curve.points[3]), 2.0 / 3.0);
        assert_eq!(curve.points[2].precision(), 0.75);
        let places = |most, keep: &[f64]| -> Vec<f64> {
            let thinned = curve.thinned(most, keep);
            thinned.iter().map(|point| point.threshold).collect()
        };
        // Every fifth rank, and every third positive.
        assert_eq!(places(1, &[]), [0.9, 0.5]);
        assert_eq!(places(1, &[0.6]), [0.9, 0.6, 0.5]);
        // Every third rank, every second positive.
        assert_eq!(places(2, &[]), [0.9, 0.7, 0.6, 0.5]);
        assert_eq!(places(100, &[]).len(), 5);
    }

    #[test]
    fn probabilities_fall_into_tenths() {
        let found = reliability(&[0.0, 0.05, 0.95, 1.0], &[false, true, true, true]);
        assert_eq!((found[0].examples, found[0].positives), (2, 1));
        assert_eq!((found[9].examples, found[9].positives), (2, 2));
        assert_eq!(found[9].predicted, 1.95);
        assert_eq!(found[1..9], [Tenth::default(); 8]);
    }
}
