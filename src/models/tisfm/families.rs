//! Motifs whose activities rise and fall together: families, and what each does to an output.

use super::activities::Activities;
use super::motif_ranks::FinalLayer;
use crate::numbers::descending;
use kodama::{Method, linkage};
use rayon::prelude::*;

/// Features, by their places in the last layer without pads, in its order.
pub type Family = Vec<usize>;

/// The correlation of each pair of features over sequences, as a square; of one that never changes with any other 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlations {
    pub features: usize,
    values: Vec<f64>,
}

/// Activities less their means, features x sequences.
struct Centered {
    sequences: usize,
    values: Vec<f64>,
}

impl Centered {
    fn of(layer: &FinalLayer, found: &Activities) -> Centered {
        let (table, means) = (&found.features, found.features.means());
        let sequences = table.rows();
        let values = layer.features.par_iter().flat_map_iter(|feature| {
            let (column, mean) = (feature.column, means[feature.column]);
            (0..sequences).map(move |row| table.row(row)[column] - mean)
        });
        Centered {
            values: values.collect(),
            sequences,
        }
    }

    fn row(&self, feature: usize) -> &[f64] {
        &self.values[feature * self.sequences..(feature + 1) * self.sequences]
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight sums, so that the compiler may use vectors.
    let (mut sums, mut rest) = ([0.0; 8], 0.0);
    let (chunks_a, chunks_b) = (a.chunks_exact(8), b.chunks_exact(8));
    for (x, y) in chunks_a.remainder().iter().zip(chunks_b.remainder()) {
        rest += x * y;
    }
    for (a, b) in chunks_a.zip(chunks_b) {
        for (sum, (x, y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + rest
}

impl Correlations {
    pub fn of(layer: &FinalLayer, found: &Activities) -> Correlations {
        let centered = Centered::of(layer, found);
        let features = layer.features.len();
        let norms: Vec<f64> = (0..features)
            .map(|i| dot(centered.row(i), centered.row(i)).sqrt())
            .collect();
        let values = (0..features).into_par_iter().flat_map_iter(|i| {
            let (centered, norms) = (&centered, &norms);
            (0..features).map(move |j| {
                let both = norms[i] * norms[j];
                match both > 0.0 {
                    true => dot(centered.row(i), centered.row(j)) / both,
                    false => 0.0,
                }
            })
        });
        Correlations {
            features,
            values: values.collect(),
        }
    }

    /// Of several models, of the same features: the mean.
    pub fn mean(each: Vec<Correlations>) -> Option<Correlations> {
        let count = each.len() as f64;
        let mut all = each.into_iter();
        let mut sum = all.next()?;
        for other in all {
            let cells = sum.values.iter_mut().zip(other.values);
            cells.for_each(|(sum, x)| *sum += x);
        }
        sum.values.iter_mut().for_each(|x| *x /= count);
        Some(sum)
    }

    /// Average linkage on 1 - r: groups are joined while the mean over all their pairs is `cut` or less. By their first features.
    pub fn families(&self, cut: f64) -> Vec<Family> {
        let count = self.features;
        let mut groups: Vec<Family> = (0..count).map(|i| vec![i]).collect();
        if count > 1 {
            let pairs = (0..count).flat_map(|i| (i + 1..count).map(move |j| i * count + j));
            // Never below 0, whatever rounding does.
            let distance = |at: usize| (1.0 - self.values[at]).max(0.0);
            let mut distances: Vec<f64> = pairs.map(distance).collect();
            // Steps come by rising distance; each one's group has the next number.
            for step in linkage(&mut distances, count, Method::Average).steps() {
                let joined = match step.dissimilarity <= cut {
                    true => {
                        let mut joined = std::mem::take(&mut groups[step.cluster1]);
                        joined.append(&mut groups[step.cluster2]);
                        joined.sort_unstable();
                        joined
                    }
                    false => Vec::new(),
                };
                groups.push(joined);
            }
        }
        groups.retain(|group| !group.is_empty());
        groups.sort_unstable();
        groups
    }
}

/// What families do to the outputs of one model, outputs x families: the standard deviation over sequences of the sum of weight times
/// activity. It is below 0 where that sum falls as the family's activity rises (the sum over its members of activity in standard
/// deviations), so that a family of one has the importance of its motif.
pub fn importances(layer: &FinalLayer, found: &Activities, families: &[Family]) -> Vec<Vec<f64>> {
    let centered = Centered::of(layer, found);
    let (rows, outputs) = (centered.sequences, found.predictions.columns);
    let together: Vec<Vec<f64>> = families
        .par_iter()
        .map(|family| {
            let mut activity = vec![0.0; rows];
            for &feature in family {
                let own = centered.row(feature);
                let norm = dot(own, own).sqrt();
                if norm > 0.0 {
                    let cells = activity.iter_mut().zip(own);
                    cells.for_each(|(sum, x)| *sum += x / norm);
                }
            }
            activity
        })
        .collect();
    let of_output = |output: usize| {
        let weights = layer.output(output);
        let of_family = |(family, together): (&Family, &Vec<f64>)| {
            let mut sum = vec![0.0; rows];
            for &feature in family.iter().filter(|&&feature| weights[feature] != 0.0) {
                let cells = sum.iter_mut().zip(centered.row(feature));
                cells.for_each(|(sum, x)| *sum += weights[feature] * x);
            }
            let deviation = (dot(&sum, &sum) / rows.max(1) as f64).sqrt();
            match dot(&sum, together) < 0.0 {
                true => -deviation,
                false => deviation,
            }
        };
        families.iter().zip(&together).map(of_family).collect()
    };
    (0..outputs).into_par_iter().map(of_output).collect()
}

/// The families of a model, or of the models of an ensemble.
#[derive(Clone, Debug, PartialEq)]
pub struct Families {
    pub groups: Vec<Family>,
    /// By family the member of the largest importance in any output: what it is called after.
    pub leaders: Vec<usize>,
    /// Outputs x families; of an ensemble the mean over its models.
    pub importances: Vec<Vec<f64>>,
    /// The same of each model.
    pub each: Vec<Vec<Vec<f64>>>,
}

impl Families {
    /// `models`: the last layers and what was found on each model's own sequences; at least one.
    pub fn of(models: &[(&FinalLayer, &Activities)], cut: f64) -> Families {
        let correlations = models
            .iter()
            .map(|(layer, found)| Correlations::of(layer, found));
        let correlations = Correlations::mean(correlations.collect());
        let groups = correlations.map_or(Vec::new(), |all| all.families(cut));
        let each = models
            .iter()
            .map(|(layer, found)| importances(layer, found, &groups));
        let each: Vec<Vec<Vec<f64>>> = each.collect();
        let count = each.len() as f64;
        let mut means = each.first().cloned().unwrap_or_default();
        for (output, means) in means.iter_mut().enumerate() {
            for (family, mean) in means.iter_mut().enumerate() {
                *mean = each.iter().map(|one| one[output][family]).sum::<f64>() / count;
            }
        }
        Families {
            leaders: leaders(models, &groups),
            groups,
            importances: means,
            each,
        }
    }
}

/// Of each family the member whose importance is largest in any output, on average over the models.
fn leaders(models: &[(&FinalLayer, &Activities)], groups: &[Family]) -> Vec<usize> {
    let alone: Vec<Family> = (0..models.first().map_or(0, |(layer, _)| layer.features.len()))
        .map(|feature| vec![feature])
        .collect();
    let mut largest = vec![0.0_f64; alone.len()];
    let mut sums: Vec<Vec<f64>> = Vec::new();
    for (layer, found) in models {
        let own = importances(layer, found, &alone);
        sums.resize(own.len(), vec![0.0; alone.len()]);
        for (sums, own) in sums.iter_mut().zip(own) {
            sums.iter_mut().zip(own).for_each(|(sum, x)| *sum += x);
        }
    }
    for sums in &sums {
        let cells = largest.iter_mut().zip(sums);
        cells.for_each(|(largest, sum)| *largest = largest.max(sum.abs()));
    }
    let first = |group: &Family| {
        let best = |best: usize, &i: &usize| if largest[i] > largest[best] { i } else { best };
        group.iter().fold(group[0], best)
    };
    groups.iter().map(first).collect()
}

/// A family in one output.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedFamily {
    /// Its place in the list of families.
    pub family: usize,
    pub importance: f64,
    /// From 1, by descending importance.
    pub rank: usize,
}

/// An output's families by descending importance, equal ones in their order.
pub fn ranked(importances: &[f64]) -> Vec<RankedFamily> {
    let mut order: Vec<usize> = (0..importances.len()).collect();
    order.sort_by(|&i, &j| descending(importances[i], importances[j]));
    let places = order.into_iter().zip(1..);
    places
        .map(|(family, rank)| RankedFamily {
            family,
            importance: importances[family],
            rank,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::tisfm::activities::Table;
    use crate::models::tisfm::motif_ranks::Feature;

    /// Four sequences; features 0 and 1 rise together, 2 against them, 3 never changes; a pad stands between.
    fn example() -> (FinalLayer, Activities) {
        let feature = |(motif, column)| Feature {
            motif,
            block: None,
            column,
        };
        let layer = FinalLayer {
            features: [(0, 0), (1, 1), (2, 3), (3, 4)].map(feature).to_vec(),
            weights: vec![1.0, 2.0, 0.5, 7.0, -1.0, 0.0, 1.0, 0.0],
            pads: vec![0.0, 0.0],
        };
        let features: Vec<f64> = [0.0_f64, 1.0, 2.0, 3.0]
            .iter()
            .flat_map(|x| [*x, 2.0 * x + 1.0, 9.0, (x - 1.5).powi(2), 4.0])
            .collect();
        let of = |row: &[f64]| {
            let real = [row[0], row[1], row[3], row[4]];
            let sum = |weights: &[f64]| weights.iter().zip(&real).map(|(w, x)| w * x).sum::<f64>();
            [sum(layer.output(0)), sum(layer.output(1))]
        };
        let predictions = features.chunks(5).flat_map(of).collect();
        let found = Activities {
            features: Table {
                columns: 5,
                values: features,
            },
            predictions: Table {
                columns: 2,
                values: predictions,
            },
            gates: Vec::new(),
        };
        (layer, found)
    }

    #[test]
    fn what_rises_together_is_a_family() {
        let (layer, found) = example();
        let correlations = Correlations::of(&layer, &found);
        let r = |i: usize, j: usize| correlations.values[i * 4 + j];
        assert!((r(0, 1) - 1.0).abs() < 1e-12 && r(0, 2).abs() < 1e-12);
        assert_eq!((r(3, 3), r(0, 3)), (0.0, 0.0));
        assert_eq!(correlations.families(0.5), [vec![0, 1], vec![2], vec![3]]);
        assert_eq!(correlations.families(1.0).len(), 1);
        let twice = Correlations::mean(vec![correlations.clone(), correlations.clone()]);
        assert_eq!(twice, Some(correlations));
        assert_eq!(Correlations::mean(Vec::new()), None);
    }

    #[test]
    fn a_familys_importance_is_that_of_the_sum() {
        let (layer, found) = example();
        let families = [vec![0, 1], vec![2], vec![3]];
        let found = importances(&layer, &found, &families);
        // x + 2 (2 x + 1) has five times the deviation of 0, 1, 2, 3.
        let deviation = 1.25_f64.sqrt();
        assert!((found[0][0] - 5.0 * deviation).abs() < 1e-12);
        // Squares 2.25, 0.25, 0.25, 2.25 have a deviation of 1.
        assert!((found[0][1] - 0.5).abs() < 1e-12);
        assert_eq!(found[0][2], 0.0);
        // -x falls as x and 2 x + 1 rise.
        assert!((found[1][0] + deviation).abs() < 1e-12);
        let order: Vec<usize> = ranked(&found[1]).iter().map(|f| f.family).collect();
        assert_eq!(order, [1, 2, 0]);
    }
}
