//! Integrated gradients (Sundararajan et al. 2017): the gradient's mean on the straight way from a baseline to the input.

use super::gradients::Point;
use super::subjects::Subject;
use crate::dna::bases::N;

/// Places and weights of Gauss-Legendre's rule on 0 to 1: exact for polynomials of degree `2 count - 1`. Newton's method on the
/// Legendre polynomial, from the usual cosine guess (Abramowitz and Stegun 22.16.6).
pub fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let n = count as f64;
    let rule = (0..count).map(|i| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..100 {
            let (value, derivative) = legendre(count, x);
            slope = derivative;
            let step = value / derivative;
            x -= step;
            if step.abs() < 1e-15 {
                slope = legendre(count, x).1;
                break;
            }
        }
        ((1.0 - x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
    });
    rule.collect()
}

/// The Legendre polynomial of a degree of at least 1, and its derivative.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=degree {
        let k = k as f64;
        (before, value) = (
            value,
            ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k,
        );
    }
    (value, degree as f64 * (x * value - before) / (x * x - 1.0))
}

/// The one-hot sequence (4, L) and the dense inputs.
pub fn point(codes: &[u8], subject: &Subject) -> Point {
    let bases = (0..4).flat_map(|base| codes.iter().map(move |&code| f64::from(code == base)));
    let numbers = |values: &Vec<f32>| values.iter().map(|&x| f64::from(x)).collect();
    Point {
        bases: bases.collect(),
        dense: subject.dense.iter().map(numbers).collect(),
    }
}

/// No base, and tracks of 0 where the network has some; what else there is stays.
pub fn zero(subject: &Subject, has_tracks: bool) -> Point {
    let mut point = point(&vec![N; subject.codes.len()], subject);
    if has_tracks && let Some(tracks) = point.dense.first_mut() {
        tracks.fill(0.0);
    }
    point
}

/// The point at this share of the way.
pub fn between(from: &Point, to: &Point, share: f64) -> Point {
    let mix = |from: &Vec<f64>, to: &Vec<f64>| -> Vec<f64> {
        let pairs = from.iter().zip(to);
        pairs.map(|(a, b)| a + share * (b - a)).collect()
    };
    Point {
        bases: mix(&from.bases, &to.bases),
        dense: from
            .dense
            .iter()
            .zip(&to.dense)
            .map(|(a, b)| mix(a, b))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_exact_for_polynomials_of_its_degree() {
        for count in [1, 2, 5, 50, 201] {
            let rule = gauss_legendre(count);
            assert_eq!(rule.len(), count);
            assert!(rule.iter().all(|(x, w)| *x > 0.0 && *x < 1.0 && *w > 0.0));
            for degree in 0..(2 * count as i32).min(20) {
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(degree)).sum();
                let exact = 1.0 / f64::from(degree + 1);
                assert!((sum - exact).abs() < 1e-13, "{count} {degree} {sum}");
            }
        }
        // One degree more is not.
        let cubic: f64 = gauss_legendre(1).iter().map(|(x, w)| w * x * x).sum();
        assert_eq!(cubic, 0.25);
    }
}
