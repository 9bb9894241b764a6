//! Integer scores of the query's columns against all columns of the targets. In f32: of a hundred thousand scores less than one falls
//! into another of the hundred bins than in f64.

use super::Distance;

/// Values of an integer score: 0 to this.
pub const BINS: usize = 100;
/// Bins in which a median is looked for: it is the mean of the scores in the bin that holds it, within a thousandth of their range.
const MEDIAN_BINS: usize = 1000;

/// The targets' columns, base by base; for Pearson's correlation less their mean and of length 1.
pub struct Columns {
    bases: [Vec<f32>; 4],
}

impl Columns {
    pub fn new(columns: impl Iterator<Item = [f64; 4]>, distance: Distance) -> Self {
        let mut bases: [Vec<f32>; 4] = Default::default();
        for column in columns {
            for (base, value) in bases.iter_mut().zip(prepared(column, distance)) {
                base.push(value as f32);
            }
        }
        Columns { bases }
    }

    pub fn len(&self) -> usize {
        self.bases[0].len()
    }
}

/// A column as its distance takes it.
fn prepared(column: [f64; 4], distance: Distance) -> [f64; 4] {
    match distance {
        Distance::Euclidean => column,
        Distance::Pearson => {
            let mean = column.iter().sum::<f64>() / 4.0;
            let centered = column.map(|p| p - mean);
            let length = centered.iter().map(|x| x * x).sum::<f64>().sqrt();
            // Rounding of a uniform column is no direction.
            match length < 1e-9 {
                true => [0.0; 4],
                false => centered.map(|x| x / length),
            }
        }
    }
}

/// Scores of one query. What it holds is used again for the next one: rows of a hundred thousand bytes that are allocated anew
/// cost more than what is computed in them.
#[derive(Default)]
pub struct Scored {
    /// Query columns x target columns, less `zero`.
    pub values: Vec<Vec<i16>>,
    /// Share of the target columns with each score, query columns x (BINS + 1).
    pub shares: Vec<[f64; BINS + 1]>,
    /// The integer that stands for the median of every column.
    pub zero: usize,
    scores: Vec<Vec<f32>>,
    medians: Vec<f32>,
    bins: Vec<i16>,
}

impl Scored {
    #[inline(always)]
    pub fn set(&mut self, query: &[[f64; 4]], targets: &Columns, distance: Distance) {
        let count = targets.len();
        if self.scores.len() < query.len() {
            self.scores.resize_with(query.len(), Vec::new);
        }
        self.values.resize_with(query.len(), Vec::new);
        self.medians.clear();
        self.shares.clear();
        self.bins.resize(count, 0);
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for (&column, row) in query.iter().zip(&mut self.scores) {
            row.resize(count, 0.0);
            let column = prepared(column, distance).map(|x| x as f32);
            let (least, most) = match distance {
                Distance::Euclidean => euclidean(column, targets, row),
                Distance::Pearson => correlation(column, targets, row),
            };
            let median = median(row, least, most, &mut self.bins);
            low = low.min(least - median);
            high = high.max(most - median);
            self.medians.push(median);
        }
        // A least score that is the median but for rounding is the median.
        let low = (low + 1e-5).floor();
        // All scores of all columns may be equal: then there is nothing to stretch over the bins.
        let scale = (BINS as f32 / (high - low).max(1.0)).floor();
        self.zero = (-low * scale) as usize;
        let share = 1.0 / count as f64;
        for ((row, median), values) in self.scores.iter().zip(&self.medians).zip(&mut self.values) {
            values.resize(count, 0);
            let shift = median + low;
            for (value, score) in values.iter_mut().zip(row) {
                *value = floor((score - shift) * scale + 0.5);
            }
            let counts = counted::<{ (BINS + 1).next_power_of_two() }, 8>(values);
            for value in values.iter_mut() {
                *value -= self.zero as i16;
            }
            self.shares
                .push(std::array::from_fn(|i| f64::from(counts[i]) * share));
        }
    }
}

/// Fills `row` with scores and returns the least and the largest.
#[inline(always)]
fn euclidean(column: [f32; 4], targets: &Columns, row: &mut [f32]) -> (f32, f32) {
    each(targets, row, |target| {
        let mut sum = 0.0;
        for (a, b) in column.iter().zip(target) {
            sum += (a - b) * (a - b);
        }
        -sum.sqrt()
    })
}

#[inline(always)]
fn correlation(column: [f32; 4], targets: &Columns, row: &mut [f32]) -> (f32, f32) {
    each(targets, row, |target| {
        let mut sum = 0.0;
        for (a, b) in column.iter().zip(target) {
            sum += a * b;
        }
        sum
    })
}

/// Chunks of a fixed size, each lane with its own extremes, so that the loop becomes vector instructions.
#[inline(always)]
fn each(targets: &Columns, row: &mut [f32], score: impl Fn([f32; 4]) -> f32) -> (f32, f32) {
    const CHUNK: usize = 16;
    let [a, c, g, t] = &targets.bases;
    let (mut least, mut most) = ([f32::INFINITY; CHUNK], [f32::NEG_INFINITY; CHUNK]);
    let whole = row.len() / CHUNK * CHUNK;
    let (head, tail) = row.split_at_mut(whole);
    for (chunk, start) in head.chunks_exact_mut(CHUNK).zip((0..).step_by(CHUNK)) {
        let a = &a[start..start + CHUNK];
        let c = &c[start..start + CHUNK];
        let g = &g[start..start + CHUNK];
        let t = &t[start..start + CHUNK];
        for i in 0..CHUNK {
            let x = score([a[i], c[i], g[i], t[i]]);
            chunk[i] = x;
            least[i] = if x < least[i] { x } else { least[i] };
            most[i] = if x > most[i] { x } else { most[i] };
        }
    }
    for (x, i) in tail.iter_mut().zip(whole..) {
        *x = score([a[i], c[i], g[i], t[i]]);
        least[0] = least[0].min(*x);
        most[0] = most[0].max(*x);
    }
    let least = least.into_iter().fold(f32::INFINITY, f32::min);
    (least, most.into_iter().fold(f32::NEG_INFINITY, f32::max))
}

/// Of a number from 0 to 1000. By the bits of a sum whose last place is 1: a plain cast also looks for numbers beyond its range,
/// which keeps the loop from becoming vector instructions.
#[inline(always)]
fn floor(x: f32) -> i16 {
    /// 1.5 * 2^23.
    const LAST_PLACE_IS_1: f32 = 12_582_912.0;
    (x.floor() + LAST_PLACE_IS_1).to_bits() as i16
}

/// The mean of the scores in the bin in which half of them are reached.
#[inline(always)]
fn median(row: &[f32], least: f32, most: f32, bins: &mut [i16]) -> f32 {
    if least == most {
        return least;
    }
    let scale = (MEDIAN_BINS - 1) as f32 / (most - least);
    for (bin, x) in bins.iter_mut().zip(row) {
        *bin = floor((x - least) * scale);
    }
    let counts = counted::<{ MEDIAN_BINS.next_power_of_two() }, 4>(bins);
    let mut seen = 0u64;
    let half = row.len() as f64 / 2.0;
    let reached = counts.iter().position(|&count| {
        seen += u64::from(count);
        seen as f64 >= half
    });
    let middle = reached.unwrap_or(0);
    let mut sum = [0.0f32; 16];
    for (rows, bins) in row.chunks(16).zip(bins.chunks(16)) {
        for ((sum, x), bin) in sum.iter_mut().zip(rows).zip(bins) {
            *sum += if *bin == middle as i16 { *x } else { 0.0 };
        }
    }
    (sum.into_iter().map(f64::from).sum::<f64>() / f64::from(counts[middle])) as f32
}

/// How often each of 0 to N - 1 is there; N is a power of two. So many tables that equal neighbors do not wait for each other.
#[inline(always)]
fn counted<const N: usize, const TABLES: usize>(values: &[i16]) -> [u32; N] {
    const { assert!(N.is_power_of_two()) };
    let mut tables = [[0u32; N]; TABLES];
    let (chunks, rest) = values.as_chunks::<TABLES>();
    for chunk in chunks {
        for (table, &value) in tables.iter_mut().zip(chunk) {
            // All values are below N; said so, there is nothing to check.
            table[value as usize & (N - 1)] += 1;
        }
    }
    for &value in rest {
        tables[0][value as usize & (N - 1)] += 1;
    }
    let mut sums = [0; N];
    for table in &tables {
        for (sum, count) in sums.iter_mut().zip(table) {
            *sum += count;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_scores_within_a_thousandth() {
        let row: Vec<f32> = (0..1001).map(|i| (i * i) as f32).collect();
        let found = median(&row, 0.0, 1_000_000.0, &mut vec![0; row.len()]);
        assert!((found - 250_000.0).abs() < 1_000.0, "{found}");
        assert_eq!(median(&[2.0; 5], 2.0, 2.0, &mut [0; 5]), 2.0);
    }

    #[test]
    fn all_are_counted_in_any_number() {
        for n in 0..19 {
            let values: Vec<i16> = (0..n).map(|i| i % 3).collect();
            let counts = counted::<4, 8>(&values);
            assert_eq!(counts.iter().sum::<u32>(), n as u32);
            assert_eq!(counts[2], (n as u32) / 3);
        }
    }

    #[test]
    fn pearson_ignores_scale_and_uniform_columns() {
        let column = [0.7, 0.1, 0.1, 0.1];
        let targets = Columns::new(
            [
                column,
                [0.4, 0.2, 0.2, 0.2],
                [0.25; 4],
                [0.1, 0.3, 0.3, 0.3],
            ]
            .into_iter(),
            Distance::Pearson,
        );
        let mut row = vec![0.0; 4];
        let column = prepared(column, Distance::Pearson).map(|x| x as f32);
        correlation(column, &targets, &mut row);
        for (found, expected) in row.iter().zip([1.0, 1.0, 0.0, -1.0]) {
            assert!((found - expected).abs() < 1e-6, "{row:?}");
        }
    }
}
