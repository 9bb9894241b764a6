//! Published FactorNet models on the original program's numbers, on real data: probabilities, and what `visualize` writes for a small genome.

use std::path::Path;

use cisgrad::engine::Device;
use cisgrad::interpret::kernel_motifs::KernelSites;
use cisgrad::io::state_dict::{StateDict, read};
use cisgrad::models::factornet::Spec;
use cisgrad::models::factornet::keras;
use cisgrad::models::factornet::kernel_sites::collect;
use cisgrad::models::factornet::saved::FactorNet;
use cisgrad::train::batch::{Row, Source};
use cisgrad::train::folder::config::Precision;
use cisgrad::train::folder::weights::Number;
use cisgrad::train::predictor::Predictor;
use serde_json::Value;

use crate::common::real_data::{published_numbers, real_data};

/// Of a probability, in f64. The reference sums in another order; Theano's own sigmoid, 1 above 19, is 2e-9 off.
const TOLERANCE_F64: f64 = 1e-12;
const TOLERANCE_F32: f64 = 1e-5;

/// A case of the manifest with its tensors and the model it is about.
struct Case {
    name: String,
    tensors: StateDict,
    model: FactorNet,
}

impl Case {
    /// None where the test is skipped.
    fn all(kind: &str) -> Option<Vec<Case>> {
        let models = real_data()?.join("models_factornet");
        let golden = published_numbers()?.join("factornet");
        let text = std::fs::read_to_string(golden.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let cases = manifest["cases"].as_array().unwrap().iter();
        let cases = cases.filter(|case| case["kind"] == kind).map(|case| {
            let word = |key: &str| case[key].as_str().unwrap();
            let model = models.join(word("model"));
            Case {
                name: word("name").to_string(),
                tensors: read(golden.join(word("file"))).unwrap(),
                model: keras::open(&model).unwrap(),
            }
        });
        Some(cases.collect())
    }

    fn spec(&self) -> &Spec {
        &self.model.config.model.network
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let tensor = self.tensors.get(name);
        let tensor = tensor.unwrap_or_else(|| panic!("{}: no tensor {name}", self.name));
        tensor.values.to_f64()
    }

    /// The inputs of samples, as they lie `length` bases from each of `starts` on in `codes` and `tracks` (bases, n).
    fn inputs(&self, starts: &[i64], codes: &[u8], tracks: &[f64], meta: &[f64]) -> Vec<Input> {
        let (length, n, values) = (
            self.spec().length,
            self.spec().tracks.len(),
            self.spec().meta,
        );
        let place = |start: i64, t: usize| {
            usize::try_from(start + t as i64)
                .ok()
                .filter(|&at| at < codes.len())
        };
        let input = |(row, &start): (usize, &i64)| Input {
            codes: (0..length)
                .map(|t| place(start, t).map_or(4, |at| codes[at]))
                .collect(),
            tracks: (0..n)
                .flat_map(|i| (0..length).map(move |t| (i, t)))
                .map(|(i, t)| place(start, t).map_or(0.0, |at| tracks[at * n + i]))
                .map(|value| if value.is_nan() { 0.0 } else { value as f32 })
                .collect(),
            meta: (0..values).map(|i| meta[row * values + i] as f32).collect(),
        };
        starts.iter().enumerate().map(input).collect()
    }

    /// The probabilities against `act/prob`: the largest difference.
    fn off<T: Number>(&self, inputs: &[Input]) -> f64 {
        let cpu = Device::Cpu { threads: 1 };
        let params = self.model.parameters::<T>().unwrap();
        let predictor = Predictor::new(
            &cpu,
            Precision::F32,
            self.spec(),
            params,
            &Given,
            7,
            inputs.len(),
        );
        let found = predictor.unwrap().predict(inputs, |_| ()).unwrap();
        let expected = self.numbers("act/prob");
        assert_eq!(found.len(), expected.len(), "{}", self.name);
        let pairs = found.iter().zip(&expected);
        pairs.map(|(a, b)| (a.f64() - b).abs()).fold(0.0, f64::max)
    }

    fn codes(&self, name: &str) -> &[u8] {
        self.tensors.get(name).unwrap().values.as_slice().unwrap()
    }

    fn check(&self, inputs: &[Input]) {
        let (double, single) = (self.off::<f64>(inputs), self.off::<f32>(inputs));
        println!("{}: {double:e} in f64, {single:e} in f32", self.name);
        assert!(double < TOLERANCE_F64, "{}: {double:e} in f64", self.name);
        assert!(single < TOLERANCE_F32, "{}: {single:e} in f32", self.name);
    }
}

struct Input {
    codes: Vec<u8>,
    tracks: Vec<f32>,
    meta: Vec<f32>,
}

/// Inputs that are there already.
struct Given;

impl Source for Given {
    type Sample = Input;

    fn fill(&self, input: &Input, row: &mut Row<'_>) {
        row.codes.copy_from_slice(&input.codes);
        let values = [&input.tracks, &input.meta];
        let values = values.into_iter().filter(|values| !values.is_empty());
        for (to, from) in row.dense.iter_mut().zip(values) {
            to.copy_from_slice(from);
        }
    }
}

#[test]
fn published_models_give_their_probabilities() {
    let Some(cases) = Case::all("published") else {
        return;
    };
    assert_eq!(cases.len(), 5);
    for case in cases {
        let length = case.spec().length;
        let codes = case.codes("in/seq");
        let starts: Vec<i64> = (0..codes.len() / length)
            .map(|row| (row * length) as i64)
            .collect();
        let meta = match case.spec().meta {
            0 => Vec::new(),
            _ => case.numbers("in/meta"),
        };
        case.check(&case.inputs(&starts, codes, &case.numbers("in/bw"), &meta));
    }
}

/// Sites and rows of a motif as the original wrote them.
struct Written {
    kernel: usize,
    sites: u64,
    rows: Vec<[f64; 4]>,
}

fn written(path: &Path) -> Vec<Written> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut motifs = Vec::<Written>::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("MOTIF M") {
            motifs.push(Written {
                kernel: name.split(' ').next().unwrap().parse().unwrap(),
                sites: 0,
                rows: Vec::new(),
            });
        } else if let Some((_, rest)) = line.split_once("nsites= ") {
            motifs.last_mut().unwrap().sites = rest.split(' ').next().unwrap().parse().unwrap();
        } else if let Some(motif) = motifs.last_mut() {
            let row: Vec<f64> = line
                .split_whitespace()
                .filter_map(|x| x.parse().ok())
                .collect();
            if let Ok(row) = <[f64; 4]>::try_from(row) {
                motif.rows.push(row);
            }
        }
    }
    motifs
}

fn check_layer(
    folder: &Path,
    number: &str,
    sites: &KernelSites,
    counts: &[f64],
    tracks: &[String],
) {
    let motifs = written(&folder.join(format!("motifs{number}.txt")));
    let (mut rows, mut unseen) = (0, 0);
    assert_eq!(motifs.len(), sites.motifs().len());
    for (kernel, &count) in counts.iter().enumerate() {
        assert_eq!(sites.sites(kernel) as f64, count, "sites of M{kernel}");
    }
    for motif in motifs {
        assert_eq!(sites.sites(motif.kernel), motif.sites, "M{}", motif.kernel);
        let found = sites.probabilities(motif.kernel);
        assert_eq!(found.len(), motif.rows.len());
        for (found, expected) in found.iter().zip(&motif.rows) {
            if expected.iter().any(|p| p.is_nan()) {
                assert_eq!(*found, [0.25; 4]);
                unseen += 1;
                continue;
            }
            rows += 1;
            for (a, b) in found.iter().zip(expected) {
                assert!(
                    (a - b).abs() < 1e-6,
                    "M{}: {found:?} {expected:?}",
                    motif.kernel
                );
            }
        }
    }
    assert!(rows > 700, "{rows} rows with a base");
    println!("motifs{number}: {rows} rows, {unseen} without a base");
    for (index, track) in tracks.iter().enumerate() {
        let file = std::fs::read(folder.join(format!("{track}_meansignal{number}.npy"))).unwrap();
        let header = usize::from(u16::from_le_bytes([file[8], file[9]]));
        let expected = file[10 + header..].chunks_exact(8);
        let expected: Vec<f64> = expected
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect();
        let found = sites.mean_signal(index);
        assert_eq!(found.len(), expected.len());
        for (at, (a, b)) in found.iter().zip(&expected).enumerate() {
            let same = (a - b).abs() <= 1e-6 * b.abs().max(1.0) || (a.is_nan() && b.is_nan());
            assert!(same, "{track}{number} at {at}: {a} {b}");
        }
    }
}

/// A small genome whose windows lie at its ends: there is no blacklist.
#[test]
fn a_small_genome_has_the_originals_probabilities_motifs_and_mean_signals() {
    let Some(golden) = published_numbers() else {
        return;
    };
    let Some(cases) = Case::all("genome") else {
        return;
    };
    let case = &cases[0];
    let windows = case.numbers("windows/start_stop");
    let half = case.spec().length as i64 / 2;
    let starts = windows
        .chunks(2)
        .map(|w| (w[0] as i64 + w[1] as i64) / 2 - half);
    let inputs = case.inputs(
        &starts.collect::<Vec<_>>(),
        case.codes("genome/seq"),
        &case.numbers("genome/bw"),
        &case.numbers("windows/meta"),
    );
    assert_eq!(inputs.len(), 60);
    case.check(&inputs);
    let params = case.model.parameters::<f64>().unwrap();
    let (cpu, f64s) = (Device::Cpu { threads: 1 }, Precision::F64);
    let sites = collect(
        &cpu,
        f64s,
        case.spec(),
        &params,
        &inputs,
        13,
        &Given,
        |_| {},
    )
    .unwrap();
    let folder = golden.join("factornet").join(&case.name);
    for (sites, number) in [(&sites.convolution, ""), (&sites.positionwise, "2")] {
        let counts = case.numbers(&format!("viz/nsites{number}"));
        check_layer(&folder, number, sites, &counts, &case.spec().tracks);
    }
}
