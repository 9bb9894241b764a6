//! Ridge regression of several outputs on the same features, an intercept beside them.
//!
//! With centered features X (n x d) and targets Y (n x o) the weights are (X'X + s n I)^-1 X'Y, or X' (XX' + s n I)^-1 Y where there are
//! fewer samples than features; s is the strength.

use nalgebra::{DMatrix, DVector};

/// Features of samples: of each sample those that are not 0, by place.
pub struct Features {
    pub rows: Vec<Vec<(usize, f64)>>,
    pub width: usize,
}

/// What the normal equations need of training samples, whatever the strength.
pub struct Ridge {
    samples: usize,
    /// X'X, or XX' of fewer samples than features.
    products: DMatrix<f64>,
    /// X'Y, or Y.
    right: DMatrix<f64>,
    /// X of fewer samples than features.
    centered: Option<DMatrix<f64>>,
    feature_means: DVector<f64>,
    target_means: DVector<f64>,
}

/// Weights of a strength.
pub struct Fitted {
    /// Features x outputs.
    weights: DMatrix<f64>,
    feature_means: DVector<f64>,
    target_means: DVector<f64>,
}

impl Ridge {
    /// `targets`: samples x outputs. None without samples.
    pub fn new(features: &Features, targets: &[f64]) -> Option<Ridge> {
        let (samples, width) = (features.rows.len(), features.width);
        if samples == 0 || targets.is_empty() {
            return None;
        }
        let n = samples as f64;
        let mut y = DMatrix::from_row_slice(samples, targets.len() / samples, targets);
        let target_means = y.row_mean().transpose();
        for (mut column, mean) in y.column_iter_mut().zip(&target_means) {
            column.add_scalar_mut(-mean);
        }
        let mut feature_means = DVector::<f64>::zeros(width);
        for &(place, value) in features.rows.iter().flatten() {
            feature_means[place] += value / n;
        }
        if samples < width {
            let mut x = DMatrix::from_fn(samples, width, |_, place| -feature_means[place]);
            for (sample, row) in features.rows.iter().enumerate() {
                for &(place, value) in row {
                    x[(sample, place)] += value;
                }
            }
            return Some(Ridge {
                samples,
                products: &x * x.transpose(),
                right: y,
                centered: Some(x),
                feature_means,
                target_means,
            });
        }
        // The sums of the few features that are there, then less what the means give.
        let mut products = DMatrix::zeros(width, width);
        let mut right = DMatrix::zeros(width, y.ncols());
        for (sample, row) in features.rows.iter().enumerate() {
            for &(a, x) in row {
                for &(b, z) in row {
                    products[(b, a)] += x * z;
                }
                for output in 0..y.ncols() {
                    right[(a, output)] += x * y[(sample, output)];
                }
            }
        }
        products -= &feature_means * feature_means.transpose() * n;
        Some(Ridge {
            samples,
            products,
            right,
            centered: None,
            feature_means,
            target_means,
        })
    }

    /// None where the equations have no single solution: features that depend on each other, and a strength of 0.
    pub fn fit(&self, strength: f64) -> Option<Fitted> {
        let mut products = self.products.clone();
        let added = strength * self.samples as f64;
        for i in 0..products.nrows() {
            products[(i, i)] += added;
        }
        let solved = products.cholesky()?.solve(&self.right);
        Some(Fitted {
            weights: match &self.centered {
                Some(x) => x.transpose() * solved,
                None => solved,
            },
            feature_means: self.feature_means.clone(),
            target_means: self.target_means.clone(),
        })
    }
}

impl Fitted {
    /// An output's intercept and its weights of the features.
    pub fn of_output(&self, output: usize) -> (f64, Vec<f64>) {
        let weights: Vec<f64> = self.weights.column(output).iter().copied().collect();
        let products = weights.iter().zip(&self.feature_means).map(|(w, x)| w * x);
        (self.target_means[output] - products.sum::<f64>(), weights)
    }

    /// Samples x outputs.
    pub fn predict(&self, features: &Features) -> Vec<f64> {
        let start = &self.target_means - self.weights.transpose() * &self.feature_means;
        let of = |row: &Vec<(usize, f64)>| -> Vec<f64> {
            let output = |output: usize| {
                let products = row
                    .iter()
                    .map(|&(place, x)| x * self.weights[(place, output)]);
                start[output] + products.sum::<f64>()
            };
            (0..start.len()).map(output).collect()
        };
        features.rows.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(rows: &[&[f64]]) -> Features {
        let sparse = |row: &&[f64]| row.iter().copied().enumerate().collect();
        Features {
            rows: rows.iter().map(sparse).collect(),
            width: rows[0].len(),
        }
    }

    #[test]
    fn a_line_is_found_and_a_strength_shrinks_it() {
        let x = features(&[&[0.0], &[1.0], &[2.0], &[3.0]]);
        let ridge = Ridge::new(&x, &[1.0, 3.0, 5.0, 7.0]).unwrap();
        let found = ridge.fit(0.0).unwrap().predict(&features(&[&[10.0]]));
        assert!((found[0] - 21.0).abs() < 1e-12);
        let (start, weights) = ridge.fit(0.0).unwrap().of_output(0);
        assert!((start - 1.0).abs() < 1e-12 && (weights[0] - 2.0).abs() < 1e-12);
        // Centered x is -1.5, -0.5, 0.5, 1.5: 10 / (5 + 4 s).
        let found = ridge
            .fit(1.25)
            .unwrap()
            .predict(&features(&[&[1.5], &[2.5]]));
        assert!((found[0] - 4.0).abs() < 1e-12);
        assert!((found[1] - 5.0).abs() < 1e-12);
    }

    /// With more features than samples the other form gives the same.
    #[test]
    fn both_forms_agree() {
        let mut state = 7u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f64 / f64::from(1 << 24)
        };
        let (samples, width) = (5, 8);
        let mut row = || (0..width).map(|place| (place, random())).collect();
        let rows: Vec<Vec<(usize, f64)>> = (0..samples).map(|_| row()).collect();
        let targets: Vec<f64> = (0..2 * samples).map(|_| random()).collect();
        let wide = Features { rows, width };
        let few = Ridge::new(&wide, &targets).unwrap();
        // The same by the features' own equations: every sample ten times, which changes neither means nor weights.
        let many = Features {
            rows: vec![wide.rows.clone(); 10].concat(),
            width,
        };
        let many = Ridge::new(&many, &targets.repeat(10)).unwrap();
        assert_eq!((few.products.nrows(), many.products.nrows()), (5, 8));
        let (a, b) = (few.fit(0.3).unwrap(), many.fit(0.3).unwrap());
        for (a, b) in a.predict(&wide).iter().zip(b.predict(&wide)) {
            assert!((a - b).abs() < 1e-10);
        }
        assert!(Ridge::new(&features(&[&[]]), &[]).is_none());
    }
}
