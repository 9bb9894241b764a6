//! How sure the difference between two correlations is: resampling whole blocks, since neighbors are not independent.

use crate::engine::random::Philox;

/// Resamples.
pub(super) const TIMES: u64 = 1000;

/// The middle 95 % of a difference's resamples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Of all samples.
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Sums of a block, for two correlations with the same signals.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    y: f64,
    yy: f64,
    /// Of each of the two: x, xx, xy.
    of: [[f64; 3]; 2],
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.count += other.count;
        self.y += other.y;
        self.yy += other.yy;
        for (sums, more) in self.of.iter_mut().flatten().zip(other.of.iter().flatten()) {
            *sums += more;
        }
    }

    /// Pearson's correlation of one of the two.
    fn correlation(&self, which: usize) -> f64 {
        let [x, xx, xy] = self.of[which];
        let n = self.count;
        let (vx, vy) = (xx - x * x / n, self.yy - self.y * self.y / n);
        (xy - x * self.y / n) / (vx * vy).sqrt()
    }

    fn difference(&self) -> f64 {
        self.correlation(0) - self.correlation(1)
    }
}

/// Pearson's r of `a` with `signals` less that of `b`, with its 95 % interval by resampling blocks. `blocks`: the block of each sample.
/// None where a correlation is not defined, or there are fewer than two blocks.
pub fn correlation_difference(
    a: &[f64],
    b: &[f64],
    signals: &[f64],
    blocks: &[usize],
    seed: u64,
) -> Option<Difference> {
    let count = blocks.iter().max().map_or(0, |most| most + 1);
    if count < 2 {
        return None;
    }
    // Differences from the means keep the sums of squares exact.
    let centered = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|x| x - mean).collect()
    };
    let (a, b, signals) = (centered(a), centered(b), centered(signals));
    let mut sums = vec![Sums::default(); count];
    for (sample, &block) in blocks.iter().enumerate() {
        let (y, two) = (signals[sample], [a[sample], b[sample]]);
        sums[block].add(&Sums {
            count: 1.0,
            y,
            yy: y * y,
            of: two.map(|x| [x, x * x, x * y]),
        });
    }
    let mut whole = Sums::default();
    sums.iter().for_each(|block| whole.add(block));
    let value = whole.difference();
    let philox = Philox::new(seed);
    let found: Vec<f64> = (0..TIMES)
        .map(|time| {
            let mut drawn = Sums::default();
            for place in 0..count as u64 {
                let bits = philox.bits(time, place);
                let block = ((u128::from(bits) * count as u128) >> 64) as usize;
                drawn.add(&sums[block]);
            }
            drawn.difference()
        })
        .collect();
    interval(value, found)
}

/// A difference with the middle of its resamples; those that are not defined are left out. None where it is not defined itself.
pub(super) fn interval(value: f64, mut resampled: Vec<f64>) -> Option<Difference> {
    resampled.retain(|difference| difference.is_finite());
    if !value.is_finite() || resampled.is_empty() {
        return None;
    }
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| resampled[((resampled.len() - 1) as f64 * share).round() as usize];
    Some(Difference {
        value,
        low: at(0.025),
        high: at(0.975),
    })
}

/// The standard error of the mean of `values`, whose neighbors in a block are not independent: with S the sum and n the number of a
/// block, m the mean of all N, and B blocks, `sqrt(B / (B - 1) sum (S - m n)^2) / N` (the linearised variance of a ratio; Cochran 1977).
/// None with fewer than two blocks.
pub fn standard_error(values: &[f64], blocks: &[usize]) -> Option<f64> {
    let count = blocks.iter().max().map_or(0, |most| most + 1);
    if count < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let mut apart = vec![0.0; count];
    for (value, &block) in values.iter().zip(blocks) {
        apart[block] += value - mean;
    }
    let squares: f64 = apart.iter().map(|sum| sum * sum).sum();
    let blocks = count as f64;
    Some((blocks / (blocks - 1.0) * squares).sqrt() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::regression::pearson;

    #[test]
    fn blocks_of_one_give_the_usual_standard_error_and_copies_add_nothing() {
        let values = [1.0, 2.0, 4.0, 9.0];
        let alone = standard_error(&values, &[0, 1, 2, 3]).unwrap();
        // Standard deviation sqrt(38 / 3), of four.
        assert!((alone - (38.0f64 / 3.0).sqrt() / 2.0).abs() < 1e-12);
        let twice: Vec<f64> = values.iter().flat_map(|x| [*x, *x]).collect();
        let copies = standard_error(&twice, &[0, 0, 1, 1, 2, 2, 3, 3]).unwrap();
        assert!((copies - alone).abs() < 1e-12);
        assert_eq!(standard_error(&values, &[0; 4]), None);
    }

    #[test]
    fn the_difference_is_that_of_pearsons_and_lies_in_its_interval() {
        let mut state = 3u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f64 / f64::from(1 << 24) - 0.5
        };
        let signals: Vec<f64> = (0..600).map(|_| random()).collect();
        let mut noisy = |noise: f64| -> Vec<f64> {
            signals.iter().map(|y| 5.0 + y + noise * random()).collect()
        };
        let (good, bad) = (noisy(0.5), noisy(3.0));
        let blocks: Vec<usize> = (0..600).map(|sample| sample / 20).collect();
        let found = correlation_difference(&good, &bad, &signals, &blocks, 1).unwrap();
        let expected = pearson(&good, &signals) - pearson(&bad, &signals);
        assert!((found.value - expected).abs() < 1e-12);
        assert!(0.0 < found.low && found.low < found.value && found.value < found.high);
        let same = correlation_difference(&good, &good, &signals, &blocks, 1).unwrap();
        assert_eq!((same.value, same.low, same.high), (0.0, 0.0, 0.0));
        let flat = vec![1.0; 600];
        assert!(correlation_difference(&flat, &good, &signals, &blocks, 1).is_none());
        assert!(correlation_difference(&good, &bad, &signals, &[0; 600], 1).is_none());
    }
}
