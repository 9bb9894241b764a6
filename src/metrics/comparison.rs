//! Models compared on the same samples: figures of each, and differences with intervals by resampling blocks of neighbors.

use super::blocks::{Difference, FEWEST_BLOCKS, RESAMPLES, resampled};
use super::{deviation, mean};
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
            add(
                &mut lines,
                None,
                models,
                &together.iter().collect::<Vec<_>>(),
            );
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
            Difference::of(
                value(own) - value(first),
                pairs.map(|(a, b)| a - b).collect(),
            )
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

/// What is drawn in each resample: blocks, and members where those of all models are pairs of the same seed and fold. The same for all
/// models and outputs.
#[derive(Clone, Debug)]
pub struct Draws {
    /// By resample: how many times each block is drawn. Empty with fewer than [`FEWEST_BLOCKS`].
    blocks: Vec<Vec<u32>>,
    /// By resample, how many times each member is drawn; empty where they are not pairs.
    members: Vec<Vec<u32>>,
    /// Of blocks.
    pub count: usize,
}

impl Draws {
    /// `pairs`: the members of each model, where they are pairs.
    pub fn new(blocks: usize, pairs: Option<usize>, seed: u64) -> Draws {
        let draw = |among, seed| resampled(among, RESAMPLES, seed, <[u32]>::to_vec);
        Draws {
            blocks: match blocks {
                ..FEWEST_BLOCKS => Vec::new(),
                blocks => draw(blocks, seed),
            },
            // Another stream than that of the blocks.
            members: pairs.map_or(Vec::new(), |pairs| draw(pairs, seed ^ (1 << 63))),
            count: blocks,
        }
    }

    /// Whether members are drawn as pairs.
    pub fn paired(&self) -> bool {
        !self.members.is_empty()
    }

    /// The mean of a figure over `members` members in each resample; `figure`: of a member, told how often each block counts.
    pub fn resample(
        &self,
        members: usize,
        figure: impl Fn(usize, &[u32]) -> f64 + Sync,
    ) -> Vec<f64> {
        let once = vec![1; members];
        let resamples = self.blocks.par_iter().enumerate();
        resamples
            .map(|(resample, blocks)| {
                let drawn = self.members.get(resample).unwrap_or(&once);
                let (mut sum, mut count) = (0.0, 0.0);
                for (member, &times) in drawn.iter().enumerate().filter(|(_, times)| **times > 0) {
                    sum += f64::from(times) * figure(member, blocks);
                    count += f64::from(times);
                }
                sum / count
            })
            .collect()
    }
}

/// Predictions of one member in one output.
#[derive(Clone, Debug, Default)]
pub struct Predicted {
    pub predictions: Vec<f64>,
    pub signals: Vec<f64>,
    /// The block of each sample, below [`Draws::count`].
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
            sums[block]
                .iter_mut()
                .zip(more)
                .for_each(|(sum, more)| *sum += more);
        }
        sums
    }
}

fn correlation([n, x, xx, y, yy, xy]: [f64; 6]) -> f64 {
    let (vx, vy) = (xx - x * x / n, yy - y * y / n);
    (xy - x * y / n) / (vx * vy).sqrt()
}

fn weighted(sums: &[[f64; 6]], times: &[u32]) -> [f64; 6] {
    let mut all = [0.0; 6];
    for (sums, &times) in sums.iter().zip(times).filter(|(_, times)| **times > 0) {
        let times = f64::from(times);
        all.iter_mut()
            .zip(sums)
            .for_each(|(all, sum)| *all += times * sum);
    }
    all
}

/// Pearson's r of each member, and the mean over the members in each resample; NaN where it is not defined.
pub fn correlations(members: &[Predicted], draws: &Draws) -> Figures {
    let sums: Vec<Vec<[f64; 6]>> = members.iter().map(|m| m.sums(draws.count)).collect();
    let once = vec![1; draws.count];
    let of = |member: usize, times: &[u32]| correlation(weighted(&sums[member], times));
    Figures {
        members: (0..members.len()).map(|member| of(member, &once)).collect(),
        resampled: draws.resample(members.len(), of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Philox;
    use crate::metrics::regression::pearson;

    fn noisy(noise: f64, seed: u64) -> Predicted {
        let philox = Philox::new(seed);
        let signals: Vec<f64> = (0..300).map(|i| Philox::new(1).normal(9, i)).collect();
        let predictions =
            (0..300u64).map(|i| 3.0 + signals[i as usize] + noise * philox.normal(7, i));
        Predicted {
            predictions: predictions.collect(),
            blocks: (0..300).map(|i| i / 10).collect(),
            signals,
        }
    }

    fn draws() -> Draws {
        Draws::new(30, Some(2), 0)
    }

    #[test]
    fn a_better_model_is_above_the_first_and_a_model_itself_is_not() {
        let good = [noisy(0.5, 2), noisy(0.5, 3)];
        let bad = [noisy(3.0, 4), noisy(3.0, 5)];
        let of = |members: &[Predicted]| correlations(members, &draws());
        let expected = pearson(&good[0].predictions, &good[0].signals);
        assert!((of(&good).members[0] - expected).abs() < 1e-12);
        let names = ["bad", "good", "bad again"].map(String::from);
        let outputs = ["a", "b"].map(String::from);
        let figures = [&bad, &good, &bad].map(|m| vec![of(m), of(m)]);
        let found = Comparison::new("r", &names, &outputs, &figures);
        assert_eq!(found.lines.len(), 9);
        let of_first: Vec<Option<Difference>> =
            found.lines[..3].iter().map(|l| l.difference).collect();
        assert!(of_first[0].is_none());
        let (good, same) = (of_first[1].unwrap(), of_first[2].unwrap());
        assert!(
            0.0 < good.low && good.low < good.value && good.value < good.high,
            "{good:?}"
        );
        assert_eq!((same.value, same.low, same.high), (0.0, 0.0, 0.0));
        let last = found.lines.last().unwrap();
        assert_eq!((last.output.as_deref(), last.members), (None, 2));
        assert!(last.sd.is_some_and(|sd| sd > 0.0));
    }

    #[test]
    fn pairs_are_drawn_and_others_are_all_taken() {
        let counted = |draws: &Draws, members| draws.resample(members, |member, _| member as f64);
        let pairs = counted(&draws(), 2);
        assert!([0.0, 0.5, 1.0].iter().all(|mean| pairs.contains(mean)));
        let all = Draws::new(30, None, 0);
        assert!(!all.paired() && counted(&all, 3).iter().all(|&mean| mean == 1.0));
        assert!(Draws::new(1, None, 0).resample(1, |_, _| 0.0).is_empty());
    }
}
