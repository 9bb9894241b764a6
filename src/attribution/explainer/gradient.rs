//! Gradients of the score, and integrated gradients.

use super::{Attributions, Explainer, rows_of};
use crate::Result;
use crate::attribution::gradients::{Point, Slope};
use crate::attribution::integrated::{between, gauss_legendre, point, zero};
use crate::attribution::method::{Baseline, Method, SHUFFLES};
use crate::attribution::network::Explain;
use crate::attribution::subjects::Subject;
use crate::data::dinucleotide_shuffle::dinucleotide_shuffle;
use crate::dna::bases::N;
use crate::engine::Philox;
use crate::train::folder::weights::Number;
use std::sync::Arc;

impl<T: Number, M: Explain> Explainer<'_, T, M> {
    pub(super) fn gradient(&mut self, subjects: &[Arc<Subject>]) -> Result<Attributions> {
        let points: Vec<Point> = subjects.iter().map(|s| point(&s.codes, s)).collect();
        let points: Vec<&Point> = points.iter().collect();
        let slopes = self.slopes(&points)?;
        let scores = self.scores_at(&points)?;
        let width = self.outputs.len();
        let projected = self.settings.method == Method::InputXGradient;
        let mut found = self.room(subjects, scores);
        for (row, subject) in subjects.iter().enumerate() {
            for place in 0..width {
                let slope = &slopes[row * width + place];
                let length = subject.codes.len();
                let out = &mut found.bases[place][row * 4 * length..(row + 1) * 4 * length];
                for (l, &code) in subject.codes.iter().enumerate() {
                    if code >= N {
                        continue;
                    }
                    let own = |base: usize| slope.bases[base * length + l];
                    let mean = (0..4).map(own).sum::<f64>() / 4.0;
                    for base in 0..4 {
                        if !projected || base == usize::from(code) {
                            out[base * length + l] = (own(base) - mean) as f32;
                        }
                    }
                }
                let times = |(slope, value): (&f64, &f32)| match projected {
                    true => slope * f64::from(*value),
                    false => *slope,
                };
                let values = subject.dense.first().into_iter().flatten();
                let tracks = slope.tracks.iter().zip(values);
                found.tracks[place].extend(tracks.map(|pair| times(pair) as f32));
            }
        }
        Ok(found)
    }

    /// At base b `m[b] - sum_c x'[c] m[c]`, m the gradient's mean on the way from the baseline x': what b would contribute, and at the
    /// base that is there `sum_c (x - x')[c] m[c]`, so that these, and `(t - t') m` of the tracks, sum to the difference of the
    /// scores.
    pub(super) fn integrated(
        &mut self,
        subjects: &[Arc<Subject>],
        first: usize,
    ) -> Result<Attributions> {
        let rule = gauss_legendre(self.settings.steps);
        let width = self.outputs.len();
        let has_tracks = !self.tracks().is_empty();
        let mut found = self.room(subjects, Vec::new());
        let random = Philox::new(self.settings.seed);
        for (row, subject) in subjects.iter().enumerate() {
            let here = point(&subject.codes, subject);
            let baselines: Vec<Point> = match self.settings.baseline {
                Baseline::Zero => vec![zero(subject, has_tracks)],
                Baseline::Shuffled => (0..SHUFFLES)
                    .map(|i| {
                        let stream = ((first + row) * SHUFFLES + i) as u64;
                        point(&shuffled(&subject.codes, random, stream), subject)
                    })
                    .collect(),
            };
            let length = subject.codes.len();
            let mut sums = vec![vec![0.0; 4 * length]; width];
            let mut tracks = vec![Vec::<f64>::new(); width];
            let mut below = vec![0.0; width];
            let share = 1.0 / baselines.len() as f64;
            for baseline in &baselines {
                let mut means = vec![Slope::default(); width];
                let at_once = (self.settings.batch_size / width).max(1);
                for rule in rule.chunks(at_once) {
                    let way = rule.iter().map(|(at, _)| between(baseline, &here, *at));
                    let points: Vec<Point> = way.collect();
                    let points: Vec<&Point> = points.iter().collect();
                    let slopes = self.slopes(&points)?;
                    for (slopes, (_, weight)) in slopes.chunks(width).zip(rule) {
                        for (mean, slope) in means.iter_mut().zip(slopes) {
                            mean.add(slope, *weight);
                        }
                    }
                }
                for (place, score) in self.scores_at(&[baseline])?.into_iter().enumerate() {
                    below[place] += share * score;
                }
                for (place, mean) in means.iter().enumerate() {
                    for l in 0..length {
                        let own = |base: usize| mean.bases[base * length + l];
                        let start = (0..4).map(|c| baseline.bases[c * length + l] * own(c));
                        let start: f64 = start.sum();
                        for base in 0..4 {
                            sums[place][base * length + l] += share * (own(base) - start);
                        }
                    }
                    let tracks = &mut tracks[place];
                    tracks.resize(mean.tracks.len(), 0.0);
                    for (i, sum) in tracks.iter_mut().enumerate() {
                        let moved = here.dense[0][i] - baseline.dense[0][i];
                        *sum += share * moved * mean.tracks[i];
                    }
                }
            }
            found.scores.extend(self.scores_at(&[&here])?);
            found.baselines.extend(below);
            for place in 0..width {
                let out = &mut found.bases[place][row * 4 * length..(row + 1) * 4 * length];
                for (l, &code) in subject.codes.iter().enumerate() {
                    for base in (0..4).filter(|_| code < N) {
                        out[base * length + l] = sums[place][base * length + l] as f32;
                    }
                }
                found.tracks[place].extend(tracks[place].iter().map(|&x| x as f32));
            }
        }
        Ok(found)
    }

    /// Scores at points, points x outputs.
    fn scores_at(&mut self, points: &[&Point]) -> Result<Vec<f64>> {
        let raws = self.raws_at(points)?;
        Ok(self.of_raws(&raws, points.len()))
    }

    /// By model: points x raw values.
    fn raws_at(&mut self, points: &[&Point]) -> Result<Vec<Vec<f64>>> {
        let gradients = self.members.iter_mut().filter_map(|m| m.gradients.as_mut());
        gradients.map(|own| own.raws(points)).collect()
    }

    /// The scores' gradients at points, points x outputs.
    fn slopes(&mut self, points: &[&Point]) -> Result<Vec<Slope>> {
        let width = self.outputs.len();
        let raws = match self.score.bends() {
            true => self.raws_at(points)?,
            // The slopes are the same everywhere.
            false => {
                let sizes = self.members.iter().map(|member| member.model.raws());
                sizes.map(|raws| vec![0.0; points.len() * raws]).collect()
            }
        };
        let mut sums = vec![Slope::default(); points.len() * width];
        let score = self.score;
        for (place, member) in self.members.iter_mut().enumerate() {
            let Some(gradients) = &mut member.gradients else {
                continue;
            };
            let mut weights = Vec::with_capacity(sums.len());
            for row in 0..points.len() {
                let own = rows_of(&raws, row, points.len());
                let slopes = self.outputs.iter().map(|&o| score.slopes(&own, place, o));
                weights.extend(slopes);
            }
            let rows: Vec<(&Point, &[f64])> = weights
                .iter()
                .enumerate()
                .map(|(i, weights)| (points[i / width], &weights[..]))
                .collect();
            for (sum, slope) in sums.iter_mut().zip(gradients.slopes(&rows)?) {
                sum.add(&slope, 1.0);
            }
        }
        Ok(sums)
    }
}

/// Each stretch between Ns shuffled by itself, so that an N stays where it is: there is nothing to explain at it.
fn shuffled(codes: &[u8], random: Philox, stream: u64) -> Vec<u8> {
    const STRETCHES: u64 = 1 << 20;
    let mut out = Vec::with_capacity(codes.len());
    let stretches = codes.chunk_by(|a, b| (*a < N) == (*b < N));
    for (number, stretch) in (0..).zip(stretches) {
        match stretch.first() {
            Some(&code) if code < N => {
                let stream = stream * STRETCHES + number;
                out.extend(dinucleotide_shuffle(stretch, random, stream));
            }
            _ => out.extend(stretch),
        }
    }
    out
}
