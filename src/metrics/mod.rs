//! How well predictions agree with what was measured.

pub mod blocks;
pub mod classification;
pub mod comparison;
pub mod curves;
pub mod empirical_p;
pub mod false_discovery;
pub mod isotonic;
pub mod quantiles;
pub mod regression;
pub mod ridge;

/// None of no numbers.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    (count > 0.0).then(|| sum / count)
}

/// The standard deviation of a sample (n - 1); None of fewer than two numbers.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values.iter().copied()).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_a_mean_and_no_deviation() {
        assert_eq!(
            (mean([3.0].into_iter()), deviation(&[3.0])),
            (Some(3.0), None)
        );
        assert_eq!(
            (mean([].into_iter()), deviation(&[1.0, 3.0])),
            (None, Some(2.0f64.sqrt()))
        );
    }
}
