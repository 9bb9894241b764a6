//! The second simple rule that a model should beat: what its tracks' means over a window and the share of G and C say together.
//!
//! A line on standardized features, fitted to the labels of training windows by least squares:
//! a + sum of w_f (x_f - mean_f) / deviation_f, where x is ln(1 + x) of a track's mean (of a negative one -ln(1 - x)), or the share of G and C.

use super::Spec;
use super::baselines::{Rule, score};
use super::samples::Sample;
use super::samples::inputs::Inputs;
use crate::metrics::ridge::{Features, Ridge};
use serde::{Deserialize, Serialize};

/// Keeps the equations solvable where tracks say the same, and moves nothing else.
const STRENGTH: f64 = 1e-6;

/// Where a feature lies in training, and how far it spreads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Spread {
    mean: f64,
    deviation: f64,
}

/// The fitted rule, by factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondRule {
    /// Of the tracks in their order, then of G and C.
    features: Vec<Spread>,
    /// By factor: a, then w.
    lines: Vec<(f64, Vec<f64>)>,
}

impl SecondRule {
    /// Fits it to training windows. `targets`: windows x factors. None where the model has no track (G and C alone are a rule already) or there
    /// is no window.
    pub fn fit(
        network: &Spec,
        inputs: &Inputs,
        windows: &[Sample],
        targets: &[f64],
    ) -> Option<SecondRule> {
        if network.tracks.is_empty() {
            return None;
        }
        let mut rules = Rule::all(network);
        score(&mut rules, network, inputs, windows);
        let columns: Vec<Vec<f64>> = rules
            .iter()
            .enumerate()
            .map(|(place, rule)| {
                let numbers = rule.scores.iter();
                numbers.map(|&x| feature(network, place, x)).collect()
            })
            .collect();
        let features: Vec<Spread> = columns.iter().map(|column| spread(column)).collect();
        let rows = (0..windows.len()).map(|row| {
            let standardized = features.iter().zip(&columns).enumerate();
            standardized
                .map(|(place, (spread, column))| (place, spread.of(column[row])))
                .collect()
        });
        let width = features.len();
        let table = Features {
            rows: rows.collect(),
            width,
        };
        let fitted = Ridge::new(&table, targets)?.fit(STRENGTH)?;
        let lines = (0..network.factors).map(|factor| fitted.of_output(factor));
        Some(SecondRule {
            lines: lines.collect(),
            features,
        })
    }

    /// The rule of a factor, with its scores of the windows that the first rules were given.
    ///
    /// Panics where `rules` are not those of the network that it was fitted for, or there is no such factor.
    pub fn rule(&self, network: &Spec, factor: usize, rules: &[Rule]) -> Rule {
        let (start, weights) = &self.lines[factor];
        let windows = rules[0].scores.len();
        let of_window = |window: usize| {
            let terms = rules.iter().zip(&self.features).zip(weights).enumerate();
            let terms = terms.map(|(place, ((rule, spread), weight))| {
                weight * spread.of(feature(network, place, rule.scores[window]))
            });
            start + terms.sum::<f64>()
        };
        Rule {
            what: "the tracks' means over the window with the share of G and C (a line)"
                .to_string(),
            name: Self::column(network),
            scores: (0..windows).map(of_window).collect(),
        }
    }

    /// As its column is called behind `auPRC_`: `DNase+GC`.
    pub fn column(network: &Spec) -> String {
        network.tracks.join("+") + "+GC"
    }

    /// # Errors
    /// It is of another network, or no numbers.
    pub fn check(&self, network: &Spec) -> Result<(), String> {
        let width = network.tracks.len() + 1;
        let sound = self.features.len() == width
            && self.lines.len() == network.factors
            && self.lines.iter().all(|(start, weights)| {
                weights.len() == width && weights.iter().chain([start]).all(|x| x.is_finite())
            })
            && self
                .features
                .iter()
                .all(|spread| spread.mean.is_finite() && spread.deviation > 0.0);
        match sound {
            true => Ok(()),
            false => Err("a rule of tracks and GC for another network".to_string()),
        }
    }
}

impl Spread {
    fn of(&self, x: f64) -> f64 {
        (x - self.mean) / self.deviation
    }
}

/// What the line is in, of the number of a rule by its place.
fn feature(network: &Spec, place: usize, x: f64) -> f64 {
    match place < network.tracks.len() {
        true => x.abs().ln_1p().copysign(x),
        false => x,
    }
}

fn spread(column: &[f64]) -> Spread {
    let n = column.len().max(1) as f64;
    let mean = column.iter().sum::<f64>() / n;
    let squares = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let deviation = (squares / n).sqrt();
    Spread {
        mean,
        // What is the same everywhere says nothing, by any measure.
        deviation: if deviation > 0.0 { deviation } else { 1.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::factornet::{Dropouts, Recurrent};

    fn network(tracks: &[&str]) -> Spec {
        Spec {
            length: 200,
            motif_width: 10,
            kernels: 4,
            recurrent: Recurrent::Flatten,
            dense: 8,
            tracks: tracks.iter().map(|name| name.to_string()).collect(),
            rc_order: (0..tracks.len()).collect(),
            meta: 0,
            factors: 1,
            dropout: Dropouts::NONE,
        }
    }

    #[test]
    fn a_line_is_what_its_numbers_say() {
        let network = network(&["DNase"]);
        let rule = SecondRule {
            features: vec![
                Spread {
                    mean: 1.0,
                    deviation: 2.0,
                },
                Spread {
                    mean: 0.5,
                    deviation: 0.25,
                },
            ],
            lines: vec![(0.1, vec![3.0, -1.0])],
        };
        assert_eq!(rule.check(&network), Ok(()));
        let mut first = Rule::all(&network);
        first[0].scores = vec![std::f64::consts::E - 1.0, 0.0];
        first[1].scores = vec![0.75, 0.5];
        let found = rule.rule(&network, 0, &first);
        assert_eq!(found.name, "DNase+GC");
        // ln(1 + x) is 1 and 0; GC one deviation above its mean, and at it.
        let expected = [0.1 - 1.0, 0.1 - 1.5];
        for (found, expected) in found.scores.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(spread(&[2.0, 2.0]).of(2.0), 0.0);
        assert_eq!(spread(&[1.0, 3.0]).of(3.0), 1.0);
    }
}
