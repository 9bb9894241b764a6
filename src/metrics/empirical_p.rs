//! What share of other numbers is as far out as a number: empirical p-values and quantiles.

/// Numbers in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Sorted(Vec<f32>);

impl Sorted {
    /// NaN does not count.
    pub fn new(mut numbers: Vec<f32>) -> Sorted {
        numbers.retain(|number| !number.is_nan());
        numbers.sort_unstable_by(f32::total_cmp);
        Sorted(numbers)
    }

    /// So few of these that a file holds them, evenly chosen by rank, the smallest and the largest among them: enough for quantiles to
    /// a thousandth.
    pub fn thinned(self) -> Vec<f32> {
        const KEPT: usize = 1_001;
        let Sorted(numbers) = self;
        match numbers.len() <= KEPT {
            true => numbers,
            false => (0..KEPT)
                .map(|i| numbers[i * (numbers.len() - 1) / (KEPT - 1)])
                .collect(),
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The two-sided p-value of a number where these are what chance gives: `min(1, 2 (rank + 1) / (n + 1))`, the rank being the
    /// count of those that are as far out on the number's own side, which is the one where they are fewer. (Phipson and
    /// Smyth, "Permutation p-values should never be zero", 2010, on the ones that are added.) `None` where there are
    /// no numbers, or of NaN.
    ///
    /// The number is rounded as these were, so that it is equal to itself.
    pub fn p_value(&self, number: f64) -> Option<f64> {
        let number = number as f32;
        if self.0.is_empty() || number.is_nan() {
            return None;
        }
        let below = self.0.partition_point(|&other| other <= number);
        let above = self.0.len() - self.0.partition_point(|&other| other < number);
        let rank = below.min(above);
        Some((2.0 * (rank + 1) as f64 / (self.0.len() + 1) as f64).min(1.0))
    }

    /// The share of these that are lower than a number, 1 / n at least. `None` where there are none, or of NaN.
    pub fn quantile(&self, number: f64) -> Option<f64> {
        let number = number as f32;
        if self.0.is_empty() || number.is_nan() {
            return None;
        }
        let lower = self.0.partition_point(|&other| other < number);
        Some(lower.max(1) as f64 / self.0.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_survive_thinning() {
        let all = Sorted::new((0..20_000).map(|i| (i as f32).sqrt()).collect());
        let few = Sorted::new(all.clone().thinned());
        assert_eq!(few.len(), 1_001);
        for x in [0.5, 20.0, 77.7, 141.0] {
            let (a, b) = (all.quantile(x).unwrap(), few.quantile(x).unwrap());
            assert!((a - b).abs() < 2e-3, "{x}: {a} {b}");
        }
        assert_eq!(Sorted::new(vec![2.0, 1.0]).thinned(), [1.0, 2.0]);
    }

    #[test]
    fn the_smaller_tail_counts_twice() {
        let null = Sorted::new(vec![
            3.0,
            -1.0,
            f32::NAN,
            0.0,
            1.0,
            -2.0,
            2.0,
            1.0,
            0.5,
            -0.5,
        ]);
        assert_eq!(null.len(), 9);
        for (number, expected) in [
            (4.0, 0.2),
            (-9.0, 0.2),
            (3.0, 0.4),
            (2.5, 0.4),
            (1.0, 1.0),
            (-1.0, 0.6),
            (0.4, 1.0),
        ] {
            assert_eq!(null.p_value(number), Some(expected), "{number}");
        }
        assert_eq!(null.p_value(f64::NAN), None);
        assert_eq!(Sorted::new(vec![]).p_value(1.0), None);
        // Rounding makes no number differ from itself.
        let tenth = Sorted::new(vec![0.1, 0.1, 0.1]);
        assert_eq!(tenth.p_value(0.1), Some(1.0));
    }

    #[test]
    fn a_quantile_is_the_share_below_and_never_0() {
        let others = Sorted::new(vec![4.0, 1.0, 2.0, 2.0]);
        let found = [0.0, 1.0, 1.5, 2.0, 3.0, 9.0].map(|x| others.quantile(x).unwrap());
        assert_eq!(found, [0.25, 0.25, 0.25, 0.25, 0.75, 1.0]);
        assert_eq!(Sorted::new(vec![]).quantile(1.0), None);
        assert_eq!(others.quantile(f64::NAN), None);
    }

    proptest! {
        #[test]
        fn p_is_what_counting_gives(numbers in prop::collection::vec(-9_i8..9, 1..60), number in -10_i8..10) {
            let null = Sorted::new(numbers.iter().map(|&x| f32::from(x)).collect());
            let below = numbers.iter().filter(|&&x| x <= number).count();
            let above = numbers.iter().filter(|&&x| x >= number).count();
            let expected = 2.0 * (below.min(above) + 1) as f64 / (numbers.len() + 1) as f64;
            prop_assert_eq!(null.p_value(f64::from(number)), Some(expected.min(1.0)));
            // The other side is the same.
            let turned = Sorted::new(numbers.iter().map(|&x| -f32::from(x)).collect());
            prop_assert_eq!(turned.p_value(-f64::from(number)), null.p_value(f64::from(number)));
        }
    }
}
