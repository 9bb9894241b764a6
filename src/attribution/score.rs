//! From what networks compute to the number that is explained.

/// How the raw values of one or several models become a score for each output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// The mean over the models of their raw value, one per output.
    Mean,
    /// `ln(p / (1 - p))`, p the mean over models and strands of `sigmoid(raw)`; raw values (strands, outputs).
    LogitOfMean { strands: usize },
}

impl Score {
    /// Outputs of a network of so many raw values.
    pub fn outputs(self, raws: usize) -> usize {
        match self {
            Score::Mean => raws,
            Score::LogitOfMean { strands } => raws / strands,
        }
    }

    /// Whether [`Score::slopes`] depend on the raw values.
    pub fn bends(self) -> bool {
        self != Score::Mean
    }

    /// The score of an output; `raws`: by model its raw values.
    pub fn of(self, raws: &[&[f64]], output: usize) -> f64 {
        match self {
            Score::Mean => raws.iter().map(|raws| raws[output]).sum::<f64>() / raws.len() as f64,
            Score::LogitOfMean { .. } => {
                let [yes, no] = self.shares(raws, output);
                yes.ln() - no.ln()
            }
        }
    }

    /// The derivative of an output's score by the raw values of the model at `place` among `raws`.
    pub fn slopes(self, raws: &[&[f64]], place: usize, output: usize) -> Vec<f64> {
        let own = raws[place];
        let mut slopes = vec![0.0; own.len()];
        match self {
            Score::Mean => slopes[output] = 1.0 / raws.len() as f64,
            Score::LogitOfMean { strands } => {
                let [yes, no] = self.shares(raws, output);
                let count = (raws.len() * strands) as f64;
                for raw in self.places(own.len(), output) {
                    let both = sigmoid(own[raw]) * sigmoid(-own[raw]);
                    slopes[raw] = both / count * (1.0 / yes + 1.0 / no);
                }
            }
        }
        slopes
    }

    /// p and 1 - p, each as a sum: neither is lost where the other is nearly 1.
    fn shares(self, raws: &[&[f64]], output: usize) -> [f64; 2] {
        let mut sums = [0.0; 2];
        let mut count = 0.0;
        for raws in raws {
            for raw in self.places(raws.len(), output) {
                sums[0] += sigmoid(raws[raw]);
                sums[1] += sigmoid(-raws[raw]);
                count += 1.0;
            }
        }
        sums.map(|sum| sum / count)
    }

    fn places(self, raws: usize, output: usize) -> impl Iterator<Item = usize> {
        (output..raws).step_by(self.outputs(raws).max(1))
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_the_scores_differences() {
        let raws = [vec![0.5, -2.0, 1.5, 3.0], vec![-1.0, 0.25, 4.0, -6.0]];
        for score in [Score::Mean, Score::LogitOfMean { strands: 2 }] {
            for output in 0..score.outputs(4) {
                for model in 0..2 {
                    let of = |by: f64, raw: usize| {
                        let mut moved = raws.clone();
                        moved[model][raw] += by;
                        let moved: Vec<&[f64]> = moved.iter().map(Vec::as_slice).collect();
                        score.of(&moved, output)
                    };
                    let raws: Vec<&[f64]> = raws.iter().map(Vec::as_slice).collect();
                    let slopes = score.slopes(&raws, model, output);
                    for (raw, slope) in slopes.iter().enumerate() {
                        let found = (of(1e-5, raw) - of(-1e-5, raw)) / 2e-5;
                        assert!((found - slope).abs() < 1e-9, "{score:?} {found} {slope}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_logit_keeps_its_digits_where_a_probability_is_nearly_one() {
        let score = Score::LogitOfMean { strands: 1 };
        for logit in [-60.0, 45.0] {
            assert!((score.of(&[&[logit]], 0) - logit).abs() < 1e-9);
        }
        let mean = Score::LogitOfMean { strands: 2 }.of(&[&[2.0, -1.0]], 0);
        let p = (sigmoid(2.0) + sigmoid(-1.0)) / 2.0;
        assert!((mean - (p / (1.0 - p)).ln()).abs() < 1e-12);
    }
}
