//! Models compared on the same samples: figures of each, and differences with intervals by resampling blocks of neighbors.

use super::blocks::{Difference, TIMES, interval};
use super::{deviation, mean};
use crate::engine::random::Philox;
use rayon::prelude::*;

/// The figures of one model in one output: of an ensemble, of each of its models.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub members: Vec<f64>,
    /// Their mean in each resample. The resamples are the same for all models and outputs.
    pub resampled: Vec<f64>,
}

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// None: the mean over all outputs.
    pub output: Option<String>,
    pub model: String,
    pub members: usize,
    pub mean: f64,
    /// Over the models of an ensemble.
    pub sd: Option<f64>,
    /// Less the first model's; None for that one.
    pub difference: Option<Difference>,
}

/// Models compared in one measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// `r`, `auPRC`.
    pub measure: &'static str,
    /// By output, then by model; the mean over the outputs last, where there are several.
    pub lines: Vec<Line>,
}

impl Comparison {
    /// `figures`: by model, by output.
    pub fn new(
        measure: &'static str,
        models: &[String],
        outputs: &[String],
        figures: &[Vec<Figures>],
    ) -> Comparison {
        let mut lines = Vec::new();
        for (place, output) in outputs.iter().enumerate() {
            let of: Vec<&Figures> = figures.iter().map(|of_model| &of_model[place]).collect();
            add(&mut lines, Some(output), models, &of);
        }
        if outputs.len() > 1 {
            let together: Vec<Figures> = figures.iter().map(|of| over_outputs(of)).collect();
            add(&mut lines, None, models, &together.iter().collect::<Vec<_>>());
        }
        Comparison { measure, lines }
    }
}

fn over_outputs(figures: &[Figures]) -> Figures {
    let means = |of: fn(&Figures) -> &Vec<f64>| -> Vec<f64> {
        let count = figures.first().map_or(0, |f| of(f).len());
        let at = |i: usize| mean(figures.iter().map(|f| of(f)[i])).unwrap_or(f64::NAN);
        (0..count).map(at).collect()
    };
    Figures {
        members: means(|f| &f.members),
        resampled: means(|f| &f.resampled),
    }
}

fn add(lines: &mut Vec<Line>, output: Option<&String>, models: &[String], figures: &[&Figures]) {
    let value = |figures: &Figures| mean(figures.members.iter().copied()).unwrap_or(f64::NAN);
    for (place, (model, own)) in models.iter().zip(figures).enumerate() {
        let first = figures[0];
        let difference = (place > 0).then(|| {
            let pairs = own.resampled.iter().zip(&first.resampled);
            interval(value(own) - value(first), pairs.map(|(a, b)| a - b).collect())
        });
        lines.push(Line {
            output: output.cloned(),
            model: model.clone(),
            members: own.members.len(),
            mean: value(own),
            sd: deviation(&own.members),
            difference: difference.flatten(),
        });
    }
}

/// What is drawn in each resample: blocks, and members where those of all models are pairs of the same seed and fold.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    pub blocks: usize,
    /// Members of each model, where they are pairs.
    pub pairs: Option<usize>,
    pub seed: u64,
}

impl Draws {
    /// How often each block is drawn in a resample.
    pub fn blocks_of(&self, time: u64) -> Vec<f64> {
        let mut drawn = vec![0.0; self.blocks];
        for place in 0..self.blocks as u64 {
            drawn[self.draw(time, place, self.blocks)] += 1.0;
        }
        drawn
    }

    /// How often each of so many members is drawn in a resample; each once where they are no pairs.
    pub fn members_of(&self, time: u64, members: usize) -> Vec<f64> {
        match self.pairs {
            Some(pairs) if pairs == members => {
                let mut drawn = vec![0.0; members];
                for place in 0..members as u64 {
                    // Behind the draws of blocks.
                    let place = self.blocks as u64 + place;
                    drawn[self.draw(time, place, members)] += 1.0;
                }
                drawn
            }
            _ => vec![1.0; members],
        }
    }

    fn draw(&self, time: u64, place: u64, among: usize) -> usize {
        let bits = Philox::new(self.seed).bits(time, place);
        ((u128::from(bits) * among as u128) >> 64) as usize
    }
}

/// Predictions of one member in one output.
#[derive(Clone, Debug)]
pub struct Predicted {
    pub predictions: Vec<f64>,
    pub signals: Vec<f64>,
    /// The block of each sample, below [`Draws::blocks`].
    pub blocks: Vec<usize>,
}

impl Predicted {
    /// By block: count, x, xx, y, yy, xy, of differences from the means, which keep sums of squares exact.
    fn sums(&self, blocks: usize) -> Vec<[f64; 6]> {
        let center = |values: &[f64]| mean(values.iter().copied()).unwrap_or(0.0);
        let (mx, my) = (center(&self.predictions), center(&self.signals));
        let mut sums = vec![[0.0; 6]; blocks];
        let samples = self.predictions.iter().zip(&self.signals).zip(&self.blocks);
        for ((x, y), &block) in samples {
            let (x, y) = (x - mx, y - my);
            let more = [1.0, x, x * x, y, y * y, x * y];
            sums[block].iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        sums
    }
}

fn correlation([n, x, xx, y, yy, xy]: [f64; 6]) -> f64 {
    let (vx, vy) = (xx - x * x / n, yy - y * y / n);
    (xy - x * y / n) / (vx * vy).sqrt()
}

fn weighted(sums: &[[f64; 6]], times: &[f64]) -> [f64; 6] {
    let mut all = [0.0; 6];
    for (sums, times) in sums.iter().zip(times).filter(|(_, times)| **times > 0.0) {
        all.iter_mut().zip(sums).for_each(|(all, sum)| *all += times * sum);
    }
    all
}

/// Pearson's r of each member, and the mean over the members in each resample; NaN where it is not defined.
pub fn correlations(members: &[Predicted], draws: &Draws) -> Figures {
    let sums: Vec<Vec<[f64; 6]>> = members.iter().map(|m| m.sums(draws.blocks)).collect();
    let once = vec![1.0; draws.blocks];
    let resampled = (0..TIMES).into_par_iter().map(|time| {
        let (blocks, drawn) = (draws.blocks_of(time), draws.members_of(time, members.len()));
        let drawn = sums.iter().zip(&drawn).filter(|(_, times)| **times > 0.0);
        let (mut sum, mut count) = (0.0, 0.0);
        for (sums, times) in drawn {
            sum += times * correlation(weighted(sums, &blocks));
            count += times;
        }
        sum / count
    });
    Figures {
        members: sums.iter().map(|sums| correlation(weighted(sums, &once))).collect(),
        resampled: resampled.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::regression::pearson;

    fn noisy(noise: f64, seed: u64) -> Predicted {
        let philox = Philox::new(seed);
        let signals: Vec<f64> = (0..300).map(|i| Philox::new(1).normal(9, i)).collect();
        let predictions = (0..300u64).map(|i| 3.0 + signals[i as usize] + noise * philox.normal(7, i));
        Predicted {
            predictions: predictions.collect(),
            blocks: (0..300).map(|i| i / 10).collect(),
            signals,
        }
    }

    const DRAWS: Draws = Draws {
        blocks: 30,
        pairs: Some(2),
        seed: 0,
    };

    #[test]
    fn a_better_model_is_above_the_first_and_a_model_itself_is_not() {
        let good = [noisy(0.5, 2), noisy(0.5, 3)];
        let bad = [noisy(3.0, 4), noisy(3.0, 5)];
        let of = |members: &[Predicted]| correlations(members, &DRAWS);
        let expected = pearson(&good[0].predictions, &good[0].signals);
        assert!((of(&good).members[0] - expected).abs() < 1e-12);
        let names = ["bad", "good", "bad again"].map(String::from);
        let outputs = ["a", "b"].map(String::from);
        let figures = [&bad, &good, &bad].map(|m| vec![of(m), of(m)]);
        let found = Comparison::new("r", &names, &outputs, &figures);
        assert_eq!(found.lines.len(), 9);
        let of_first: Vec<Option<Difference>> = found.lines[..3].iter().map(|l| l.difference).collect();
        assert!(of_first[0].is_none());
        let (good, same) = (of_first[1].unwrap(), of_first[2].unwrap());
        assert!(0.0 < good.low && good.low < good.value && good.value < good.high, "{good:?}");
        assert_eq!((same.value, same.low, same.high), (0.0, 0.0, 0.0));
        let last = found.lines.last().unwrap();
        assert_eq!((last.output.as_deref(), last.members), (None, 2));
        assert!(last.sd.is_some_and(|sd| sd > 0.0));
    }

    #[test]
    fn pairs_are_drawn_and_others_are_all_taken() {
        let drawn: Vec<Vec<f64>> = (0..50).map(|time| DRAWS.members_of(time, 2)).collect();
        assert!(drawn.contains(&vec![2.0, 0.0]) && drawn.contains(&vec![1.0, 1.0]));
        assert_eq!(DRAWS.members_of(0, 3), [1.0; 3], "no pairs");
        assert_eq!(DRAWS.blocks_of(5).iter().sum::<f64>(), 30.0);
    }
}
