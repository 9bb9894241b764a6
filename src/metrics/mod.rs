//! How well predictions agree with what was measured.

pub mod blocks;
pub mod classification;
pub mod curves;
pub mod false_discovery;
pub mod isotonic;
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
