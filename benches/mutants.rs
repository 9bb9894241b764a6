//! Saturation mutagenesis: mutants a second that are followed through a network, beside the same mutants as whole sequences, and how far
//! the two are apart, as a share of the largest raw value (f32 beside f32, and beside f64).
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench mutants`.

use cisgrad::attribution::edits::{Change, Edited, Raws};
use cisgrad::attribution::network::Explain;
use cisgrad::attribution::subjects::Subject;
use cisgrad::dna::motif::Motif;
use cisgrad::engine::{Device, Philox};
use cisgrad::models::factornet::{Dropouts, Recurrent, Spec};
use cisgrad::models::tisfm::builtin::find;
use cisgrad::models::tisfm::network::{Blueprint, Loss, Trainable};
use cisgrad::models::tisfm::{Dimensions, MotifKernels};
use cisgrad::train::folder::config::Precision;
use cisgrad::train::folder::weights::Number;
use cisgrad::train::model::Model;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 6;
const BATCH: usize = 254;
/// Mutants that run as whole sequences.
const WHOLE: usize = 508;

fn main() {
    for (kernels, units) in [(32, 32), (128, 64)] {
        let spec = Spec {
            length: 1002,
            motif_width: 26,
            kernels,
            recurrent: Recurrent::Units(units),
            dense: 128,
            tracks: vec!["a".into(), "b".into()],
            rc_order: vec![0, 1],
            meta: 0,
            factors: 1,
            dropout: Dropouts::NONE,
        };
        compare(&format!("FactorNet -k {kernels} -r {units}"), &spec);
    }
    for architecture in [
        "model_pos_calib_sigmoid",
        "model_pos_calib_sigmoid_interaction",
    ] {
        compare(&format!("{architecture}, 862 motifs"), &tisfm(architecture));
    }
}

/// 862 motifs of 6 to 20 columns over 300 bases.
fn tisfm(architecture: &str) -> Blueprint {
    let random = Philox::new(11);
    let motif = |number: u64| {
        let rows = (0..6 + number % 15).map(|row| {
            let raw =
                [0, 1, 2, 3].map(|base| random.uniform(number, row * 4 + base).powi(4) + 0.01);
            let sum: f64 = raw.iter().sum();
            raw.map(|x| x / sum)
        });
        Motif {
            id: format!("m{number}"),
            label: None,
            nsites: None,
            rows: rows.collect(),
        }
    };
    let motifs: Vec<Motif> = (0..862).map(motif).collect();
    Blueprint {
        spec: find(architecture).expect("a built-in architecture"),
        dimensions: Dimensions {
            window: 300,
            outputs: 3,
        },
        kernels: Some(MotifKernels::new(&motifs, false)),
        trainable: Trainable::AllButMotifs,
        loss: Loss::Mean,
    }
}

fn subject(model: &impl Model) -> Subject {
    let random = Philox::new(5);
    let row = model.row();
    Subject {
        codes: (0..row.length)
            .map(|at| (random.bits(0, at as u64) % 4) as u8)
            .collect(),
        dense: (1..)
            .zip(&row.dense)
            .map(|(stream, &len)| {
                (0..len)
                    .map(|at| random.uniform(stream, at as u64) as f32)
                    .collect()
            })
            .collect(),
    }
}

/// Mutants all along the sequence, with their places among all.
fn mutants(subject: &Subject) -> (Vec<Edited>, Vec<usize>) {
    let length = subject.codes.len();
    let shared = Arc::new(subject.clone());
    (0..WHOLE)
        .map(|i| {
            let at = i * (length - 1) / (WHOLE - 1);
            let code = (subject.codes[at] + 1 + (i % 3) as u8) % 4;
            let edited = Edited {
                subject: Arc::clone(&shared),
                change: Change::Base(at, code),
            };
            (edited, at * 4 + usize::from(code))
        })
        .unzip()
}

/// Raw values of the mutants, whole and followed, with the seconds of the fastest round of each.
fn run<T: Number, M: Explain>(model: &M, precision: Precision) -> [(Vec<f64>, f64); 2] {
    let layout = model.layout().expect("the network can be built");
    let params: Vec<T> = layout.initialise(420);
    let follow = model.follow(&layout, &params).expect("it can be followed");
    let device = Device::Cpu {
        threads: rayon::current_num_threads(),
    };
    let mut raws =
        Raws::new(&device, precision, model, params, BATCH, BATCH).expect("it can be run");
    let subject = subject(model);
    let dense: Vec<Vec<T>> = subject
        .dense
        .iter()
        .map(|values| values.iter().map(|&x| T::of(f64::from(x))).collect())
        .collect();
    let (edited, places) = mutants(&subject);
    let width = model.raws();
    let (mut reference, mut all) = (vec![0.0; width], vec![0.0; subject.codes.len() * 4 * width]);
    let mut seconds = [f64::INFINITY; 2];
    let mut whole = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        whole.clear();
        for batch in edited.chunks(BATCH) {
            whole.extend(raws.of(batch).expect("the CPU runs"));
        }
        seconds[0] = seconds[0].min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        follow.raws(&subject.codes, &dense, &mut reference, &mut all);
        seconds[1] = seconds[1].min(start.elapsed().as_secs_f64());
    }
    let own = places
        .iter()
        .flat_map(|place| &all[place * width..(place + 1) * width]);
    [(whole, seconds[0]), (own.copied().collect(), seconds[1])]
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    let largest = b.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    let pairs = a.iter().zip(b);
    pairs.fold(0.0f64, |most, (a, b)| most.max((a - b).abs())) / largest
}

fn compare<M: Explain>(name: &str, model: &M) {
    let [(whole, whole_seconds), (followed, seconds)] = run::<f32, M>(model, Precision::F32);
    let [(exact, _), (exact_followed, _)] = run::<f64, M>(model, Precision::F64);
    let all = 3 * model.row().length;
    let rates = [WHOLE as f64 / whole_seconds, all as f64 / seconds];
    println!(
        "{name}: whole {:.0}/s, followed {:.0}/s, {:.1} times; apart f32 {:.1e} (from f64 {:.1e}; whole {:.1e}), f64 {:.1e}",
        rates[0],
        rates[1],
        rates[1] / rates[0],
        apart(&followed, &whole),
        apart(&followed, &exact),
        apart(&whole, &exact),
        apart(&exact_followed, &exact)
    );
}
