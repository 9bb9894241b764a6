//! How sure a number is: resampling whole blocks of samples, since neighbors are not independent. A resample draws as many blocks as
//! there are, whole and with replacement; what it gives follows from how often each block was drawn.

use crate::engine::random::Philox;
use rayon::prelude::*;

/// Resamples of a difference.
pub const RESAMPLES: usize = 1000;

/// Resamples of fewer blocks say little of how much a figure varies: there is no interval.
pub const FEWEST_BLOCKS: usize = 5;

/// The share of the resamples that a difference's interval holds.
const LEVEL: f64 = 0.95;

/// A percentile interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// What holds `level` (such as 0.95) of the values that are numbers, quantiles linear between them; NaN where there is none.
    pub fn of(mut values: Vec<f64>, level: f64) -> Interval {
        values.retain(|value| !value.is_nan());
        values.sort_unstable_by(f64::total_cmp);
        Interval {
            low: quantile(&values, (1.0 - level) / 2.0),
            high: quantile(&values, (1.0 + level) / 2.0),
        }
    }
}

/// A difference with the middle 95 % of its resamples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Of all samples.
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Difference {
    /// None where the value is no number, or no resample's is.
    pub fn of(value: f64, resamples: Vec<f64>) -> Option<Difference> {
        let finite = resamples.into_iter().filter(|x| x.is_finite());
        let Interval { low, high } = Interval::of(finite.collect(), LEVEL);
        let known = value.is_finite() && !low.is_nan();
        known.then_some(Difference { value, low, high })
    }
}

/// What resamples of `blocks` blocks give, in their order; `of` is told how often each block counts. Drawn by (`seed`, resample): the same
/// whatever the number of threads.
pub fn resampled<S: Send>(
    blocks: usize,
    resamples: usize,
    seed: u64,
    of: impl Fn(&[u32]) -> S + Sync,
) -> Vec<S> {
    let random = Philox::new(seed);
    (0..resamples)
        .into_par_iter()
        .map_init(
            || vec![0_u32; blocks],
            |times, resample| {
                draw(random, resample as u64, times);
                of(times)
            },
        )
        .collect()
}

/// How often each of `times.len()` blocks comes among as many draws. Lemire's multiply-shift in place of a remainder:
/// the bias is below the number of blocks / 2^64.
fn draw(random: Philox, resample: u64, times: &mut [u32]) {
    times.fill(0);
    let count = times.len();
    let mut pick = |high: u32, low: u32| {
        let bits = u128::from(u64::from(high) << 32 | u64::from(low));
        times[((bits * count as u128) >> 64) as usize] += 1;
    };
    for pair in 0..count.div_ceil(2) {
        let words = random.at(resample, pair as u64);
        pick(words[0], words[1]);
        if 2 * pair + 1 < count {
            pick(words[2], words[3]);
        }
    }
}

/// The value below which a fraction `q` of sorted values lies, linear between them; NaN of none.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = q.clamp(0.0, 1.0) * last as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = sorted[(below + 1).min(last)];
    sorted[below] + part * (above - sorted[below])
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
    /// Adds another block's so many times.
    fn add(&mut self, other: &Sums, times: f64) {
        self.count += times * other.count;
        self.y += times * other.y;
        self.yy += times * other.yy;
        for (sums, more) in self.of.iter_mut().flatten().zip(other.of.iter().flatten()) {
            *sums += times * more;
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
/// None where a correlation is not defined, or there are fewer than [`FEWEST_BLOCKS`].
pub fn correlation_difference(
    a: &[f64],
    b: &[f64],
    signals: &[f64],
    blocks: &[usize],
    seed: u64,
) -> Option<Difference> {
    let count = blocks.iter().max().map_or(0, |most| most + 1);
    if count < FEWEST_BLOCKS {
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
        let one = Sums {
            count: 1.0,
            y,
            yy: y * y,
            of: two.map(|x| [x, x * x, x * y]),
        };
        sums[block].add(&one, 1.0);
    }
    let weighted = |times: &[u32]| {
        let mut all = Sums::default();
        let drawn = sums.iter().zip(times);
        drawn.for_each(|(block, &times)| all.add(block, f64::from(times)));
        all.difference()
    };
    let value = weighted(&vec![1; count]);
    Difference::of(value, resampled(count, RESAMPLES, seed, weighted))
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

    #[test]
    fn quantiles_are_linear_between_values() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 0.5), 4.0);
        assert_eq!(quantile(&values, 0.625), 6.0);
        assert_eq!(quantile(&values, 1.0), 16.0);
        assert_eq!(quantile(&[3.0], 0.975), 3.0);
    }

    #[test]
    fn draws_are_as_many_as_examples_and_even() {
        let mut sum = vec![0_u64; 101];
        for sample in 0..2000 {
            let mut times = vec![7; 101];
            draw(Philox::new(3), sample, &mut times);
            assert_eq!(times.iter().sum::<u32>(), 101);
            sum.iter_mut()
                .zip(&times)
                .for_each(|(s, &n)| *s += u64::from(n));
        }
        // Mean 2,000, standard deviation 45.
        assert!(sum.iter().all(|n| (1775..2225).contains(n)), "{sum:?}");
    }

    #[test]
    fn a_resample_draws_as_many_blocks_as_there_are() {
        let drawn = resampled(7, 50, 5, <[u32]>::to_vec);
        assert!(drawn.iter().all(|times| times.iter().sum::<u32>() == 7));
        assert!(drawn.iter().any(|times| times.contains(&0)));
        assert_ne!(drawn[0], drawn[1]);
        assert_eq!(drawn, resampled(7, 50, 5, <[u32]>::to_vec));
        assert_ne!(drawn, resampled(7, 50, 6, <[u32]>::to_vec));
    }
}
