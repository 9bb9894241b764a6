//! Benjamini and Hochberg's q-values (Journal of the Royal Statistical Society B 57:289, 1995).

/// The q-values of p-values, in their order: for each the least share of chance among all up to some rank at or behind its own, p times
/// the number of tests divided by the rank. `tests` may be more than there are p-values: the others count as 1.
pub fn q_values(p: &[f64], tests: u64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut q = vec![1.0; p.len()];
    let mut least = 1.0f64;
    for (rank, &i) in order.iter().enumerate().rev() {
        least = least.min(p[i] * tests as f64 / (rank + 1) as f64);
        q[i] = least;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_values_grow_with_p_and_are_never_below_it() {
        let third = 0.04 * 4.0 / 3.0;
        assert_eq!(
            q_values(&[0.04, 0.01, 0.5, 0.03], 4),
            [third, 0.04, 0.5, third]
        );
        assert_eq!(q_values(&[0.9, 1.0], 2), [1.0, 1.0]);
        assert!(q_values(&[], 0).is_empty());
    }

    #[test]
    fn tests_whose_p_is_not_known_count_too() {
        assert_eq!(q_values(&[1e-4, 1e-5], 1000), [0.05, 0.01]);
        assert_eq!(q_values(&[1e-4], 1_000_000), [1.0]);
    }
}
