//! Scores along the genome: each base the mean of the intervals over it.

use crate::io::bigwig::{Run, name_order};
use crate::io::chrom_sizes::Chromosomes;
use std::io;

/// Intervals with their scores: 12 bytes each, and 4 for each factor.
pub struct Signal {
    factors: usize,
    places: Vec<(u32, u32, u32)>,
    scores: Vec<f32>,
}

impl Signal {
    pub fn new(factors: usize) -> Self {
        Signal {
            factors,
            places: Vec::new(),
            scores: Vec::new(),
        }
    }

    /// Adds an interval (chromosome, first base, one past the last).
    pub fn add(&mut self, place: (u32, u32, u32), scores: &[f64]) {
        self.places.push(place);
        self.scores.extend(scores.iter().map(|&s| s as f32));
    }

    /// The runs of one factor, chromosomes by name; bases that no interval covers are in none.
    pub fn runs(
        &mut self,
        factor: usize,
        chromosomes: &Chromosomes,
    ) -> impl Iterator<Item = io::Result<Run>> {
        let mut runs = Vec::new();
        for number in name_order(chromosomes) {
            let own = (0..self.places.len()).filter(|&i| self.places[i].0 == number);
            let mut edges: Vec<(u32, i32, f64)> = own
                .flat_map(|i| {
                    let ((_, start, end), score) = (
                        self.places[i],
                        f64::from(self.scores[i * self.factors + factor]),
                    );
                    [(start, 1, score), (end, -1, -score)]
                })
                .collect();
            edges.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
            sweep(number, &edges, &mut runs);
        }
        runs.into_iter().map(Ok)
    }
}

/// Turns sorted edges (base, intervals that begin, their scores; negative: that end) into runs.
fn sweep(chromosome: u32, edges: &[(u32, i32, f64)], runs: &mut Vec<Run>) {
    let (mut open, mut sum) = (0, 0.0);
    let mut at = 0;
    while at < edges.len() {
        let start = edges[at].0;
        while at < edges.len() && edges[at].0 == start {
            open += edges[at].1;
            sum += edges[at].2;
            at += 1;
        }
        if open == 0 {
            // What rounding has left is not carried on.
            sum = 0.0;
            continue;
        }
        let Some(&(end, ..)) = edges.get(at) else {
            return;
        };
        let value = (sum / f64::from(open)) as f32;
        match runs.last_mut() {
            Some(last) if (last.chromosome, last.end, last.value) == (chromosome, start, value) => {
                last.end = end;
            }
            _ => runs.push(Run {
                chromosome,
                start,
                end,
                value,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_base_is_the_mean_of_the_intervals_over_it() {
        let list = [("b", 1000), ("a", 1000)].map(|(name, length)| (name.to_string(), length));
        let chromosomes = Chromosomes::new("c.sizes", list.to_vec()).unwrap();
        let mut signal = Signal::new(2);
        signal.add((0, 50, 250), &[0.5, 1.0]);
        signal.add((0, 0, 200), &[0.25, 1.0]);
        signal.add((1, 10, 20), &[0.125, 0.0]);
        let runs = |factor| -> Vec<_> {
            let mut signal = Signal {
                factors: 2,
                places: signal.places.clone(),
                scores: signal.scores.clone(),
            };
            let runs = signal.runs(factor, &chromosomes);
            runs.map(|r| r.unwrap())
                .map(|r| (r.chromosome, r.start, r.end, r.value))
                .collect()
        };
        assert_eq!(
            runs(0),
            [
                (1, 10, 20, 0.125),
                (0, 0, 50, 0.25),
                (0, 50, 200, 0.375),
                (0, 200, 250, 0.5)
            ]
        );
        assert_eq!(runs(1), [(1, 10, 20, 0.0), (0, 0, 250, 1.0)]);
    }
}
