//! What simple rules say of a window: figures that a model should beat.

use super::Spec;
use super::samples::Sample;
use super::samples::inputs::Inputs;
use crate::data::windows::WINDOW;
use rayon::prelude::*;

/// A rule and its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// As a column is called behind `auPRC_`: `GC`, or a track.
    pub name: String,
    /// In a sentence.
    pub what: String,
    /// By window.
    pub scores: Vec<f64>,
}

impl Rule {
    /// The rules of a network, without a score: the mean of each of its tracks over the window, and the share of G and C among the bases that
    /// the network reads.
    pub fn all(network: &Spec) -> Vec<Rule> {
        let track = |name: &String| Rule {
            name: name.clone(),
            what: format!("the mean of the track {name} over the window"),
            scores: Vec::new(),
        };
        let gc = Rule {
            name: "GC".to_string(),
            what: "the share of G and C".to_string(),
            scores: Vec::new(),
        };
        network.tracks.iter().map(track).chain([gc]).collect()
    }
}

/// Adds the scores of windows.
pub fn score(rules: &mut [Rule], network: &Spec, inputs: &Inputs, windows: &[Sample]) {
    let of_window = |window: &Sample| -> Vec<f64> {
        let cell = &inputs.cells[window.cell as usize];
        let mut values = vec![0.0; WINDOW as usize];
        let start = window.middle - i64::from(WINDOW) / 2;
        let mut scores: Vec<f64> = cell
            .tracks
            .iter()
            .map(|(track, factor)| {
                track.values(window.chromosome, start, *factor, &mut values);
                values.iter().map(|&x| f64::from(x)).sum::<f64>() / values.len() as f64
            })
            .collect();
        let mut codes = vec![0; network.length];
        let start = window.middle - (network.length / 2) as i64;
        inputs.genome.codes(window.chromosome, start, &mut codes);
        let count = |wanted: &[u8]| codes.iter().filter(|code| wanted.contains(code)).count();
        scores.push(count(&[1, 2]) as f64 / count(&[0, 1, 2, 3]).max(1) as f64);
        scores
    };
    let scores: Vec<Vec<f64>> = windows.par_iter().map(of_window).collect();
    for row in scores {
        for (rule, score) in rules.iter_mut().zip(row) {
            rule.scores.push(score);
        }
    }
}
