//! `--method motifs`: each prediction as a sum over motifs and their windows. Of an ensemble, the mean over its models.

use crate::Result;
use crate::attribution::edits::{Change, Edited};
use crate::attribution::named_hits::HITS;
use crate::attribution::output::{Output, bases_of};
use crate::attribution::subjects::{Stretch, Subject, Subjects};
use crate::attribution::work::{Block, Hits, Work};
use crate::dna::bases::N;
use crate::engine::Device;
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::models::tisfm::parts::{Computed, MotifParts, Window};
use crate::models::tisfm::saved::SavedModel;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use rayon::prelude::*;
use std::fmt::Write;
use std::sync::Arc;

/// A feature of the last layer in tables.
struct Feature {
    /// The factor's name and the block, `pad` for a channel without a motif.
    name: String,
    /// The motif's identifier and the block.
    id: String,
}

pub struct ByMotifs<'a, T: Number> {
    models: Vec<MotifParts<T>>,
    features: Vec<Feature>,
    device: &'a Device,
    precision: Precision,
    batch_size: usize,
    /// From this share of a sequence's summed absolute shares on a window is listed.
    least: f64,
    outputs: Vec<usize>,
}

impl<'a, T: Number> ByMotifs<'a, T> {
    /// `models`: with their background; `first`: the first of them as it was saved.
    ///
    /// # Errors
    /// Weights that are not the architecture's.
    pub fn new(
        models: Vec<MotifParts<T>>,
        first: &SavedModel,
        device: &'a Device,
        (precision, batch_size): (Precision, usize),
        least: f64,
        outputs: Vec<usize>,
    ) -> Result<Self> {
        let layer = FinalLayer::of(first)?;
        let count = models.first().map_or(0, MotifParts::features);
        let pad = |at| Feature {
            name: format!("pad {}", at + 1),
            id: format!("pad {}", at + 1),
        };
        let mut features: Vec<Feature> = (0..count).map(pad).collect();
        for (place, feature) in layer.features.iter().enumerate() {
            features[feature.column] = Feature {
                name: layer.shown(place, first),
                id: layer.identified(place, first),
            };
        }
        Ok(ByMotifs {
            models,
            features,
            device,
            precision,
            batch_size,
            least,
            outputs,
        })
    }

    fn shares_file(output: &Output) -> String {
        format!("shares.{}.tsv", output.file)
    }

    /// By model, what it computes of the sequences.
    fn compute(&self, subjects: &[Arc<Subject>]) -> Result<Vec<Vec<Computed>>> {
        let sequences: Vec<Edited> = subjects
            .iter()
            .map(|subject| Edited {
                subject: Arc::clone(subject),
                change: Change::Nothing,
            })
            .collect();
        let (device, precision, size) = (self.device, self.precision, self.batch_size);
        let models = self.models.iter();
        models
            .map(|model| model.compute(device, precision, &sequences, size))
            .collect()
    }

    fn mean(&self, of: impl Fn(&MotifParts<T>, usize) -> Vec<f64>) -> Vec<f64> {
        let share = 1.0 / self.models.len() as f64;
        let mut sums: Vec<f64> = Vec::new();
        for (place, model) in self.models.iter().enumerate() {
            let own = of(model, place);
            sums.resize(own.len(), 0.0);
            sums.iter_mut()
                .zip(own)
                .for_each(|(sum, x)| *sum += share * x);
        }
        sums
    }

    /// What there is to say of one sequence; `computed`: by model.
    fn explained(&self, codes: &[u8], computed: &[&Computed]) -> Explained {
        let shares: Vec<Vec<f64>> = self
            .outputs
            .iter()
            .map(|&o| self.mean(|model, place| model.shares(computed[place], o)))
            .collect();
        let gates: Vec<Vec<f64>> = self
            .outputs
            .iter()
            .map(|&o| self.mean(|model, place| model.gates(computed[place], o)))
            .collect();
        let least: Vec<f64> = shares
            .iter()
            .map(|shares| self.least * shares.iter().map(|x| x.abs()).sum::<f64>())
            .collect();
        let share = 1.0 / self.models.len() as f64;
        let models = self.models.iter().zip(computed);
        let unweighted: Vec<Vec<f64>> = models
            .map(|(model, computed)| model.unweighted(computed))
            .collect();
        // The models have the same windows.
        let windows: Vec<Option<Window>> = self.models[0].windows().collect();
        let of_output = |(&output, least): (&usize, f64)| {
            // What begins and ends at each base.
            let mut steps = vec![0.0; codes.len() + 1];
            let mut hits = Vec::new();
            for (place, window) in windows.iter().enumerate() {
                let Some(window) = window else {
                    continue;
                };
                let parts = self.models.iter().zip(&unweighted);
                let parts = parts.map(|(m, own)| m.weight(output, window.feature) * own[place]);
                let part = share * parts.sum::<f64>();
                if part == 0.0 {
                    continue;
                }
                let bases = (window.end - window.start) as f64;
                steps[window.start] += part / bases;
                steps[window.end] -= part / bases;
                if part.abs() >= least {
                    let activities = computed.iter().map(|own| own.activities[window.at]);
                    hits.push(Hit {
                        window: *window,
                        part,
                        activity: share * activities.sum::<f64>(),
                    });
                }
            }
            hits.sort_by_key(|hit| {
                let window = &hit.window;
                (window.start, window.feature, !window.forward)
            });
            (hits, summed(steps))
        };
        let (hits, bases) = self.outputs.iter().zip(least).map(of_output).unzip();
        Explained {
            shares,
            gates,
            hits,
            bases,
        }
    }

    fn digits(&self, x: f64) -> String {
        match self.precision {
            Precision::F64 => format!("{x}"),
            _ => format!("{}", x as f32),
        }
    }
}

struct Explained {
    /// By output: features.
    shares: Vec<Vec<f64>>,
    gates: Vec<Vec<f64>>,
    /// By output: the windows that are listed.
    hits: Vec<Vec<Hit>>,
    /// By output: what lies on each base, each part spread evenly over its window.
    bases: Vec<Vec<f64>>,
}

/// A window that is listed.
struct Hit {
    window: Window,
    part: f64,
    activity: f64,
}

fn summed(steps: Vec<f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let sums = steps.iter().map(|step| {
        sum += step;
        sum
    });
    let mut sums: Vec<f64> = sums.collect();
    sums.pop();
    sums
}

impl<T: Number> Work for ByMotifs<'_, T> {
    fn most(&self) -> usize {
        16
    }

    fn tables(&self, outputs: &[Output]) -> Vec<(String, String)> {
        let hits = "chr\tstart\tend\tmotif_name\thit_coefficient\thit_importance\tstrand\tpeak_name\tid\tgate\tshare\toutput\n";
        let mut tables = vec![(HITS.to_string(), hits.to_string())];
        let names: Vec<&str> = self.features.iter().map(|f| f.id.as_str()).collect();
        let header = format!("name\tprediction\tbackground\t{}\n", names.join("\t"));
        let own = outputs
            .iter()
            .map(|output| (Self::shares_file(output), header.clone()));
        tables.extend(own);
        tables
    }

    fn hits(&mut self) -> Option<&mut dyn Hits> {
        Some(self)
    }

    fn block(
        &mut self,
        subjects: &[Arc<Subject>],
        first: usize,
        all: &dyn Subjects,
        outputs: &[Output],
    ) -> Result<Block> {
        let computed = self.compute(subjects)?;
        let explained: Vec<Explained> = subjects
            .par_iter()
            .enumerate()
            .map(|(row, subject)| {
                let own: Vec<&Computed> = computed.iter().map(|model| &model[row]).collect();
                self.explained(&subject.codes, &own)
            })
            .collect();
        let mut block = Block::default();
        let mut hits = String::new();
        let mut shares = vec![String::new(); outputs.len()];
        let mut bases = vec![Vec::new(); outputs.len()];
        for (row, subject) in subjects.iter().enumerate() {
            let (found, name) = (&explained[row], all.name(first + row));
            let place = all.place(first + row);
            let (chromosome, start) = match &place {
                Some(place) => (place.chromosome.as_str(), place.start),
                None => (name.as_str(), 0),
            };
            for (number, output) in outputs.iter().enumerate() {
                let prediction =
                    self.mean(|_, model| vec![computed[model][row].predictions[output.place]])[0];
                let background =
                    self.mean(|model, _| vec![model.means().predictions[output.place]])[0];
                block.scores.push(prediction);
                let text = &mut shares[number];
                // Into a String: cannot fail.
                let _ = write!(
                    text,
                    "{name}\t{}\t{}",
                    self.digits(prediction),
                    self.digits(background)
                );
                for share in &found.shares[number] {
                    let _ = write!(text, "\t{}", self.digits(*share));
                }
                text.push('\n');
                for hit in &found.hits[number] {
                    let window = &hit.window;
                    let feature = &self.features[window.feature];
                    let _ = writeln!(
                        hits,
                        "{chromosome}\t{}\t{}\t{}\t{}\t{}\t{}\t{name}\t{}\t{}\t{}\t{}",
                        start + window.start as u64,
                        start + window.end as u64,
                        feature.name,
                        self.digits(hit.activity),
                        self.digits(hit.part),
                        if window.forward { '+' } else { '-' },
                        feature.id,
                        self.digits(found.gates[number][window.feature]),
                        self.digits(found.shares[number][window.feature]),
                        output.name,
                    );
                }
                let length = subject.codes.len();
                let mut own = vec![0.0; 4 * length];
                for (l, &code) in subject.codes.iter().enumerate() {
                    if code < N {
                        own[usize::from(code) * length + l] = found.bases[number][l] as f32;
                    }
                }
                bases[number].extend(own);
            }
        }
        block.lines.push((HITS.to_string(), hits));
        for ((output, shares), bases) in outputs.iter().zip(shares).zip(bases) {
            block.lines.push((Self::shares_file(output), shares));
            block.numbers.push((bases_of(output), bases));
        }
        Ok(block)
    }
}

impl<T: Number> Hits for ByMotifs<'_, T> {
    fn of(&mut self, subject: &Arc<Subject>) -> Result<Vec<Vec<Stretch>>> {
        let computed = self.compute(std::slice::from_ref(subject))?;
        let own: Vec<&Computed> = computed.iter().map(|model| &model[0]).collect();
        let found = self.explained(&subject.codes, &own);
        let stretches = found.hits.iter().map(|hits| {
            let named = hits.iter().map(|hit| Stretch {
                start: hit.window.start,
                end: hit.window.end,
                name: self.features[hit.window.feature].name.clone(),
                strand: if hit.window.forward { '+' } else { '-' },
                importance: hit.part,
            });
            named.collect()
        });
        Ok(stretches.collect())
    }
}
