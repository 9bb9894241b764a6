//! Centered isotonic regression (Oron and Flournoy, Statistics in Biopharmaceutical Research 9, 2017): scores become the share of
//! positives among examples that score so, and keep their order.
//!
//! Pool adjacent violators: examples with the same score are one block; as long as a block's share of positives is not above that of the block
//! below it, the two become one. A block's center is the mean of its scores, and shares between two centers lie on the line between them, so that
//! the examples of a block keep their order. Beyond the outermost centers the line of the outermost two goes on, less steep where it would leave
//! [0, 1] before a score does. Half a positive is added at the lowest score and half a negative at the highest: a share of finitely many
//! examples is neither 0 nor 1, and only scores of 0 and 1 can become these.

use serde::{Deserialize, Serialize};

/// A line through the blocks' centers. Scores are in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Isotonic {
    /// Of the blocks, ascending: the mean of the scores, the share of positives; none is the same twice.
    centers: Vec<[f64; 2]>,
}

/// Examples that are taken together.
#[derive(Clone, Copy)]
struct Block {
    scores: f64,
    positives: f64,
    /// Those whose scores are summed up.
    examples: f64,
    /// And with the halves that are added.
    weight: f64,
}

impl Block {
    fn share(&self) -> f64 {
        self.positives / self.weight
    }
}

impl Isotonic {
    /// None where there is no positive, or nothing else. `scores` are numbers in [0, 1].
    pub fn fit(scores: &[f64], labels: &[bool]) -> Option<Isotonic> {
        let positives = labels.iter().filter(|&&positive| positive).count();
        if positives == 0 || positives == labels.len() {
            return None;
        }
        let mut examples: Vec<(f64, bool)> =
            scores.iter().copied().zip(labels.iter().copied()).collect();
        examples.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let tied = examples.chunk_by(|a, b| a.0 == b.0);
        let mut blocks: Vec<Block> = tied
            .map(|tied| {
                let n = tied.len() as f64;
                Block {
                    scores: n * tied[0].0,
                    positives: tied.iter().filter(|(_, positive)| *positive).count() as f64,
                    examples: n,
                    weight: n,
                }
            })
            .collect();
        blocks.first_mut()?.positives += 0.5;
        blocks.first_mut()?.weight += 0.5;
        blocks.last_mut()?.weight += 0.5;
        let mut pooled: Vec<Block> = Vec::new();
        for mut block in blocks {
            while let Some(below) = pooled.pop_if(|below| below.share() >= block.share()) {
                block.scores += below.scores;
                block.positives += below.positives;
                block.examples += below.examples;
                block.weight += below.weight;
            }
            pooled.push(block);
        }
        let mut centers: Vec<[f64; 2]> = Vec::new();
        for block in &pooled {
            let center = [(block.scores / block.examples).min(1.0), block.share()];
            // Means of scores that differ in their last digit may be rounded to the same.
            if centers.last().is_none_or(|below| below[0] < center[0]) {
                centers.push(center);
            }
        }
        Some(Isotonic { centers })
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        self.centers.len()
    }

    /// # Errors
    /// How what was read contradicts itself.
    pub fn check(&self) -> Result<(), String> {
        let inside = |x: f64| (0.0..=1.0).contains(&x);
        let ascending = self.centers.windows(2).all(|two| {
            let [[x, y], [next_x, next_y]] = [two[0], two[1]];
            x < next_x && y < next_y
        });
        let all_inside = self.centers.iter().flatten().all(|&x| inside(x));
        match !self.centers.is_empty() && ascending && all_inside {
            true => Ok(()),
            false => Err("centers of a calibration that do not ascend in [0, 1]".to_string()),
        }
    }

    /// What a score stands for.
    pub fn apply(&self, score: f64) -> f64 {
        let above = self.centers.partition_point(|center| center[0] < score);
        let slope = |low: [f64; 2], high: [f64; 2]| (high[1] - low[1]) / (high[0] - low[0]);
        let found = match (above.checked_sub(1), self.centers.get(above)) {
            (Some(below), Some(&high)) => {
                let low = self.centers[below];
                low[1] + slope(low, high) * (score - low[0])
            }
            (None, Some(&first)) => {
                let on = self.centers.get(1).map_or(0.0, |&next| slope(first, next));
                let most = first[1] / first[0];
                // At a center of 0 there is nothing below it.
                let slope = if most.is_finite() { on.min(most) } else { 0.0 };
                first[1] - slope * (first[0] - score)
            }
            (Some(below), None) => {
                let last = self.centers[below];
                let before = below.checked_sub(1).map(|place| self.centers[place]);
                let on = before.map_or(0.0, |before| slope(before, last));
                let most = (1.0 - last[1]) / (1.0 - last[0]);
                let slope = if most.is_finite() { on.min(most) } else { 0.0 };
                last[1] + slope * (score - last[0])
            }
            (None, None) => score,
        };
        found.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled_and_the_order_stays() {
        let scores = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8];
        let labels = [false, true, false, false, true, true];
        let found = Isotonic::fit(&scores, &labels).unwrap();
        // Shares 1/3, 1, 0, 0, 1, 2/3 with the halves: the first four become one, 1.5 of 4.5, and the last two, 2 of 2.5.
        let expected = [[0.25, 1.5 / 4.5], [0.7, 2.0 / 2.5]];
        for (found, expected) in found
            .centers
            .iter()
            .flatten()
            .zip(expected.iter().flatten())
        {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(found.blocks(), 2);
        assert!((found.apply(0.25) - 1.0 / 3.0).abs() < 1e-12);
        // Halfway between the centers.
        let half = (1.0 / 3.0 + 0.8) / 2.0;
        assert!((found.apply(0.475) - half).abs() < 1e-12);
        // Beyond them, not as steep as the line between them: it would leave [0, 1].
        assert!((found.apply(0.85) - 0.9).abs() < 1e-12);
        assert_eq!(found.apply(1.0), 1.0);
        let slope = (0.8 - 1.0 / 3.0) / 0.45;
        assert!((found.apply(0.0) - (1.0 / 3.0 - 0.25 * slope)).abs() < 1e-12);
        let line = (0..=1000).map(|i| found.apply(f64::from(i) / 1000.0));
        let line: Vec<f64> = line.collect();
        assert!(line.windows(2).all(|two| two[0] < two[1]));
        assert!(found.check().is_ok());
    }

    #[test]
    fn shares_are_those_of_the_examples_and_never_0_or_1() {
        let n = 2000;
        let scores: Vec<f64> = (0..n).map(|i| f64::from(i) / f64::from(n)).collect();
        // One in ten of the upper half.
        let labels: Vec<bool> = (0..n).map(|i| i >= n / 2 && i % 10 == 0).collect();
        let found = Isotonic::fit(&scores, &labels).unwrap();
        let upper: f64 = scores[1000..].iter().map(|&x| found.apply(x)).sum();
        assert!((upper - 100.0).abs() < 2.0, "{upper}");
        let low = found.apply(0.01);
        assert!(0.0 < low && low < 1e-3, "{low}");
        assert_eq!(found.apply(0.0), 0.0);
        assert!(found.apply(1.0) < 0.2);
    }

    #[test]
    fn nothing_is_fitted_to_one_class_and_damage_is_seen() {
        assert!(Isotonic::fit(&[0.1, 0.2], &[false, false]).is_none());
        assert!(Isotonic::fit(&[0.1, 0.2], &[true, true]).is_none());
        assert!(Isotonic::fit(&[], &[]).is_none());
        let constant = Isotonic::fit(&[0.5, 0.5], &[true, false]).unwrap();
        assert_eq!(constant.apply(0.2), constant.apply(0.9));
        for centers in [
            vec![],
            vec![[0.5, 0.5], [0.4, 0.6]],
            vec![[0.4, 0.6], [0.5, 0.6]],
            vec![[0.4, 1.5]],
            vec![[f64::NAN, 0.5]],
        ] {
            assert!(Isotonic { centers }.check().is_err());
        }
    }
}
