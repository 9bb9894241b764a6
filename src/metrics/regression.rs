//! Agreement of predictions with signals.

/// The pairs of predictions and signals whose signal is known, not NaN.
pub fn known(predictions: &[f64], signals: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let pairs = predictions.iter().zip(signals);
    pairs
        .filter(|(_, signal)| !signal.is_nan())
        .map(|(a, b)| (*a, *b))
        .unzip()
}

/// Mean squared error; NaN of nothing.
pub fn mse(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() {
        // 0 / 0 may be the NaN that is ordered before all numbers.
        return f64::NAN;
    }
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.len() as f64
}

/// Pearson's correlation; NaN where one side does not vary.
pub fn pearson(a: &[f64], b: &[f64]) -> f64 {
    // Rounding leaves numbers that are all the same a tiny spread.
    let constant = |values: &[f64]| values.iter().all(|value| *value == values[0]);
    if constant(a) || constant(b) {
        return f64::NAN;
    }
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    if aa <= 0.0 || bb <= 0.0 {
        f64::NAN
    } else {
        ab / (aa * bb).sqrt()
    }
}

/// Spearman's correlation: Pearson's of the ranks, ties at their mean rank; NaN where Pearson's is, or a number is.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    if a.iter().chain(b).any(|number| number.is_nan()) {
        return f64::NAN;
    }
    pearson(&ranks(a), &ranks(b))
}

/// Ranks from 1, from the lowest value on; ties at their mean rank, each NaN at one of its own.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..]
            .iter()
            .take_while(|&&i| values[i] == values[order[start]])
            .count()
            .max(1);
        let rank = start as f64 + (tied as f64 + 1.0) / 2.0;
        for &i in &order[start..start + tied] {
            ranks[i] = rank;
        }
        start += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn what_is_missing_is_in_no_measure() {
        let (a, b) = known(&[1.0, 2.0, 3.0], &[4.0, f64::NAN, 6.0]);
        assert_eq!((a, b), (vec![1.0, 3.0], vec![4.0, 6.0]));
        assert!(mse(&[], &[]).is_nan() && mse(&[], &[]).total_cmp(&1.0).is_gt());
        assert!(pearson(&[], &[]).is_nan() && spearman(&[], &[]).is_nan());
        // A rule may have no prediction for an output.
        assert!(spearman(&[f64::NAN, f64::NAN], &[1.0, 2.0]).is_nan());
        assert_eq!(ranks(&[f64::NAN, 1.0, f64::NAN]), [2.0, 1.0, 3.0]);
    }

    #[test]
    fn correlations_of_known_tables() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 9.0, 16.0]);
        assert!((spearman(&a, &b) - 1.0).abs() < 1e-15);
        assert!((pearson(&a, &b) - 0.984_374_038_697_697_1).abs() < 1e-12);
        assert!(pearson(&a, &[1.0; 4]).is_nan());
        assert_eq!(mse(&a, &b), (0.0 + 4.0 + 36.0 + 144.0) / 4.0);
    }
}
