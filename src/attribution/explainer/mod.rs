//! Attributions of sequences, by any of the methods that need no more than the network.

mod gradient;
mod mutagenesis;

use super::edits::{Edited, Raws};
use super::gradients::Gradients;
use super::method::{Baseline, Method};
use super::network::{Explain, Follow};
use super::score::Score;
use super::subjects::Subject;
use crate::Result;
use crate::engine::{Device, Layout};
use crate::io::hash::sha256;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use std::sync::Arc;

/// What runs.
#[derive(Clone, Debug)]
pub struct Settings {
    pub method: Method,
    /// Points on the way of integrated gradients.
    pub steps: usize,
    pub baseline: Baseline,
    /// Of the shuffles.
    pub seed: u64,
    /// Sequences that a network gets at a time.
    pub batch_size: usize,
    pub precision: Precision,
}

impl Settings {
    /// Integrated gradients with 50 points from zeros.
    pub fn new(method: Method, batch_size: usize, precision: Precision) -> Self {
        Settings {
            method,
            steps: 50,
            baseline: Baseline::Zero,
            seed: 1,
            batch_size,
            precision,
        }
    }

    /// For [`Explainer::scores`] alone: of all methods this one prepares neither gradients nor mutants.
    pub fn of_scores(batch_size: usize, precision: Precision) -> Self {
        Self::new(Method::Motifs, batch_size, precision)
    }
}

/// Attributions of some sequences, one output after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributions {
    /// Sequences x outputs.
    pub scores: Vec<f64>,
    /// Sequences x outputs: the mean score of the baselines. Empty but of integrated gradients.
    pub baselines: Vec<f64>,
    /// By output: sequences x 4 x L.
    pub bases: Vec<Vec<f32>>,
    /// By output: sequences x n x L; no number without tracks, nor of saturation mutagenesis.
    pub tracks: Vec<Vec<f32>>,
}

/// A network with the layout and the numbers of its parameters.
pub type Loaded<'a, T, M> = (&'a M, Layout, Vec<T>);

/// One model, or all of an ensemble.
pub struct Explainer<'a, T: Number, M: Explain> {
    members: Vec<Member<'a, T, M>>,
    /// The outputs that are explained.
    outputs: Vec<usize>,
    score: Score,
    settings: Settings,
}

struct Member<'a, T: Number, M: Explain> {
    model: &'a M,
    raws: Raws<T>,
    /// Of the methods that need it.
    gradients: Option<Gradients<T>>,
    follow: Option<Box<dyn Follow<T>>>,
}

impl<'a, T: Number, M: Explain> Explainer<'a, T, M> {
    /// `models`: at least one.
    ///
    /// # Errors
    /// A model that cannot be built, does not fit into memory or cannot run on the device.
    pub fn new(
        device: &Device,
        settings: Settings,
        models: Vec<Loaded<'a, T, M>>,
        outputs: Vec<usize>,
    ) -> Result<Self> {
        let score = models.first().map_or(Score::Mean, |(m, _, _)| m.score());
        let (size, precision) = (settings.batch_size, settings.precision);
        let wants_gradients = !matches!(settings.method, Method::Ism | Method::Motifs);
        let on_cpu = matches!(device, Device::Cpu { .. });
        let member = |(model, layout, params): Loaded<'a, T, M>| {
            let make = || Gradients::new(device, precision, model, &layout, &params, size);
            let follows = on_cpu && settings.method == Method::Ism;
            let follow = match follows {
                true => model.follow(&layout, &params),
                false => None,
            };
            Ok(Member {
                gradients: wants_gradients.then(make).transpose()?,
                follow,
                raws: Raws::new(device, precision, model, params, size, size)?,
                model,
            })
        };
        Ok(Explainer {
            members: models.into_iter().map(member).collect::<Result<_>>()?,
            outputs,
            score,
            settings,
        })
    }

    pub fn score(&self) -> Score {
        self.score
    }

    pub fn tracks(&self) -> &[String] {
        match (self.settings.method, self.members.first()) {
            (Method::Ism | Method::Motifs, _) | (_, None) => &[],
            (_, Some(first)) => first.model.tracks(),
        }
    }

    /// Sequences per block: few where each takes many passes, so that a run that is stopped loses little, and no more than take some tens
    /// of megabytes.
    pub fn most(&self) -> usize {
        const NUMBERS: usize = 1 << 22;
        const FEW: usize = 4;
        const MANY: usize = 64;
        let each = self.members.iter().map(|member| {
            let row = member.model.row().length * 4;
            row * match self.settings.method {
                Method::Ism => member.model.raws(),
                _ => 2 * self.outputs.len(),
            }
        });
        let followed = self.members.iter().all(|member| member.follow.is_some());
        let most = match self.settings.method {
            Method::Integrated => FEW,
            Method::Ism if !followed => FEW,
            _ => MANY,
        };
        (NUMBERS / each.sum::<usize>().max(1)).clamp(1, most)
    }

    /// Scores of sequences, sequences x outputs.
    ///
    /// # Errors
    /// The device fails; [`crate::Error::Interrupted`].
    pub fn scores(&mut self, sequences: &[Edited]) -> Result<Vec<f64>> {
        let each = self.members.iter_mut();
        let raws: Vec<Vec<f64>> = each
            .map(|member| in_batches(&mut member.raws, sequences, self.settings.batch_size))
            .collect::<Result<_>>()?;
        Ok(self.of_raws(&raws, sequences.len()))
    }

    /// `raws`: by model, rows x raw values.
    fn of_raws(&self, raws: &[Vec<f64>], rows: usize) -> Vec<f64> {
        let mut scores = Vec::with_capacity(rows * self.outputs.len());
        for row in 0..rows {
            let own = rows_of(raws, row, rows);
            scores.extend(self.outputs.iter().map(|&o| self.score.of(&own, o)));
        }
        scores
    }

    /// `first`: the number of the first of these sequences among all, by which shuffles differ.
    ///
    /// # Errors
    /// The device fails; [`crate::Error::Interrupted`].
    pub fn explain(&mut self, subjects: &[Arc<Subject>], first: usize) -> Result<Attributions> {
        match self.settings.method {
            Method::Ism => self.ism(subjects),
            Method::Integrated => self.integrated(subjects, first),
            Method::Gradient | Method::InputXGradient | Method::Motifs => self.gradient(subjects),
        }
    }

    fn room(&self, subjects: &[Arc<Subject>], scores: Vec<f64>) -> Attributions {
        let width = self.outputs.len();
        let length = subjects.first().map_or(0, |subject| subject.codes.len());
        Attributions {
            scores,
            baselines: Vec::new(),
            bases: vec![vec![0.0; subjects.len() * 4 * length]; width],
            tracks: vec![Vec::new(); width],
        }
    }
}

/// What models are, so that a run is not resumed with others.
pub fn fingerprint<T: Number, M: Explain>(models: &[Loaded<'_, T, M>]) -> String {
    let of = |(model, _, params): &Loaded<'_, T, M>| {
        let bytes: Vec<u8> = params.iter().flat_map(|x| x.f64().to_le_bytes()).collect();
        let (kind, network) = (model.kind().name, model.description());
        format!("{kind} {network} {}", sha256(&bytes))
    };
    models.iter().map(of).collect::<Vec<_>>().join("\n")
}

/// By model the raw values of a row, of `rows` rows.
fn rows_of(raws: &[Vec<f64>], row: usize, rows: usize) -> Vec<&[f64]> {
    let of = |raws: &'_ Vec<f64>| raws.len() / rows.max(1);
    raws.iter()
        .map(|raws| &raws[row * of(raws)..(row + 1) * of(raws)])
        .collect()
}

fn in_batches<T: Number>(
    raws: &mut Raws<T>,
    sequences: &[Edited],
    batch_size: usize,
) -> Result<Vec<f64>> {
    let mut out = Vec::new();
    for sequences in sequences.chunks(batch_size) {
        out.extend(raws.of(sequences)?);
    }
    Ok(out)
}
