//! Gradients by the inputs against differences of the network's own values, and both forms of a network against each other.

use cisgrad::attribution::edits::{Change, Edited, Raws};
use cisgrad::attribution::gradients::{Gradients, Point};
use cisgrad::attribution::integrated::point;
use cisgrad::attribution::network::Explain;
use cisgrad::attribution::subjects::Subject;
use cisgrad::dna::motif::Motif;
use cisgrad::engine::{Device, Philox};
use cisgrad::models::factornet::{Dropouts, Recurrent, Spec};
use cisgrad::models::tisfm::builtin::find;
use cisgrad::models::tisfm::network::{Blueprint, Loss, Trainable};
use cisgrad::models::tisfm::{Dimensions, MotifKernels};
use cisgrad::train::folder::config::Precision;
use cisgrad::train::model::Model;
use std::sync::Arc;

const STEP: f64 = 1e-6;

/// Codes with an N now and then, and dense inputs.
fn subject(model: &impl Model, seed: u64) -> Subject {
    let random = Philox::new(seed);
    let row = model.row();
    let number = |stream: u64, at: usize| random.uniform(stream, at as u64);
    let code = |at: usize| match number(1, at) {
        x if x < 0.05 => 4,
        x => ((x - 0.05) / 0.95 * 4.0) as u8,
    };
    Subject {
        codes: (0..row.length).map(code).collect(),
        dense: (2..)
            .zip(&row.dense)
            .map(|(stream, &len)| (0..len).map(|at| number(stream, at) as f32).collect())
            .collect(),
    }
}

fn check<M: Explain>(model: &M, spread: f64) {
    let device = Device::Cpu { threads: 1 };
    let layout = model.layout().unwrap();
    let mut params: Vec<f64> = layout.initialise(3);
    params.iter_mut().for_each(|x| *x *= spread);
    let subject = subject(model, 7);
    let mut gradients =
        Gradients::new(&device, Precision::F64, model, &layout, &params, 5).unwrap();
    let mut whole = Raws::new(&device, Precision::F64, model, params, 4, 4).unwrap();
    let here = point(&subject.codes, &subject);
    let plain = Edited {
        subject: Arc::new(subject.clone()),
        change: Change::Nothing,
    };
    let raws = gradients.raws(&[&here]).unwrap();
    for (a, b) in raws.iter().zip(whole.of(&[plain]).unwrap()) {
        assert!((a - b).abs() < 1e-10 * b.abs().max(1.0), "{a} {b}");
    }
    let weights: Vec<f64> = (0..model.raws()).map(|i| 0.5 + i as f64).collect();
    let found = gradients.slopes(&[(&here, &weights)]).unwrap().remove(0);
    let value = |gradients: &mut Gradients<f64>, at: &Point| -> f64 {
        let raws = gradients.raws(&[at]).unwrap();
        raws.iter()
            .zip(&weights)
            .map(|(raw, weight)| raw * weight)
            .sum()
    };
    let mut largest = 0.0f64;
    let mut compare = |moved: &dyn Fn(f64) -> Point, slope: f64, what: &str| {
        let up = value(&mut gradients, &moved(STEP));
        let down = value(&mut gradients, &moved(-STEP));
        let expected = (up - down) / (2.0 * STEP);
        largest = largest.max(expected.abs());
        assert!(
            (slope - expected).abs() < 2e-6 * (1.0 + expected.abs()),
            "{what}: {slope} {expected}"
        );
    };
    for (place, &slope) in found.bases.iter().enumerate().step_by(3) {
        let moved = |by: f64| {
            let mut point = here.clone();
            point.bases[place] += by;
            point
        };
        compare(&moved, slope, &format!("base {place}"));
    }
    for (place, &slope) in found.tracks.iter().enumerate().step_by(7) {
        let moved = |by: f64| {
            let mut point = here.clone();
            point.dense[0][place] += by;
            point
        };
        compare(&moved, slope, &format!("track {place}"));
    }
    assert!(largest > 1e-4, "nothing moves: {largest}");
}

fn tisfm(architecture: &str) -> Blueprint {
    let random = Philox::new(11);
    let motif = |number: u64| {
        let rows = (0..4 + number).map(|row| {
            let raw =
                [0, 1, 2, 3].map(|base| random.uniform(number, row * 4 + base).powi(3) + 0.01);
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
    let motifs: Vec<Motif> = (0..5).map(motif).collect();
    Blueprint {
        spec: find(architecture).unwrap(),
        dimensions: Dimensions {
            window: 251,
            outputs: 2,
        },
        kernels: Some(MotifKernels::new(&motifs, false)),
        trainable: Trainable::AllButMotifs,
        loss: Loss::Mean,
    }
}

#[test]
fn of_tisfm() {
    for architecture in [
        "model_pos_calib_sigmoid_interaction",
        "model_pos_attention_calib_sigmoid_interaction",
        "parts3_gate",
        "model_effect_modulation_interaction",
        "aitac",
    ] {
        check(&tisfm(architecture), 1.0);
    }
}

#[test]
fn of_factornet() {
    for (recurrent, tracks, meta) in [
        (Recurrent::Units(3), 2, 2),
        (Recurrent::Flatten, 0, 3),
        (Recurrent::GlobalMax, 2, 0),
    ] {
        let spec = Spec {
            length: 61,
            motif_width: 8,
            kernels: 6,
            recurrent,
            dense: 7,
            tracks: ["up", "down"][..tracks]
                .iter()
                .map(ToString::to_string)
                .collect(),
            rc_order: [1, 0][..tracks].to_vec(),
            meta,
            factors: 2,
            dropout: Dropouts::of(0.5),
        };
        // Weights at which ReLUs and hard sigmoids go both ways.
        check(&spec, 2.0);
    }
}
