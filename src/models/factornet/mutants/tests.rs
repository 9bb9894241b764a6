//! Against whole passes over every mutant.

use super::*;
use crate::engine::{Batch, CpuExecutor, Noise, Philox, Program, Tape};
use crate::models::factornet::{Dropouts, Masking, build};
use crate::train::model::{Lowering, Model};
use std::sync::Mutex;

const ROWS: usize = 16;

fn spec(recurrent: Recurrent) -> Spec {
    Spec {
        length: 64,
        motif_width: 7,
        kernels: 5,
        recurrent,
        dense: 6,
        tracks: vec!["forward".into(), "reverse".into()],
        rc_order: vec![1, 0],
        meta: 3,
        factors: 2,
        dropout: Dropouts::of(0.5),
    }
}

/// A network that is far from linear: its weights are three times those that it starts with, its biases not 0.
fn params<T: Real>(layout: &Layout) -> Vec<T> {
    let philox = Philox::new(5);
    let mut params = layout.initialise::<T>(3);
    for (i, x) in params.iter_mut().enumerate() {
        *x = T::of(3.0 * x.f64() + 0.2 * (philox.uniform(9, i as u64) - 0.5));
    }
    params
}

struct Sample<T> {
    codes: Vec<u8>,
    tracks: Vec<T>,
    meta: Vec<T>,
}

impl<T: Real> Sample<T> {
    /// Every 11th base is unknown.
    fn of(spec: &Spec) -> Self {
        let philox = Philox::new(8);
        let code = |i: usize| match i % 11 {
            4 => 4,
            _ => (philox.bits(1, i as u64) % 4) as u8,
        };
        let numbers = |stream, n: usize| {
            (0..n as u64)
                .map(move |i| T::of(philox.uniform(stream, i) - 0.3))
                .collect()
        };
        Sample {
            codes: (0..spec.length).map(code).collect(),
            tracks: numbers(2, spec.tracks.len() * spec.length),
            meta: numbers(3, spec.meta),
        }
    }

    fn mutants(&self, spec: &Spec, layout: &Layout, params: &[T]) -> (Vec<f64>, Vec<f64>) {
        let mut reference = vec![f64::NAN; 2 * spec.factors];
        let mut mutants = vec![f64::NAN; spec.length * 4 * 2 * spec.factors];
        Mutants::new(spec, layout, params).logits(
            &self.codes,
            &self.tracks,
            &self.meta,
            &mut reference,
            &mut mutants,
        );
        (reference, mutants)
    }

    /// The same by the model's own program on the sequence and on every edited one.
    fn whole(&self, spec: &Spec, params: &[T]) -> (Vec<f64>, Vec<f64>) {
        let mut rows = vec![self.codes.clone()];
        for (l, &code) in self.codes.iter().enumerate() {
            for base in 0..4 {
                let mut edited = self.codes.clone();
                edited[l] = if code < 4 { base } else { code };
                rows.push(edited);
            }
        }
        let n = rows.len();
        let mut tape = Tape::new(false);
        let built = build(&mut tape, spec, Lowering::Fused, Masking::Drawn);
        tape.keep(built.logits);
        let mut executor = CpuExecutor::new(Program::new(tape, built.output, None, ROWS));
        let dense = [self.tracks.repeat(n), self.meta.repeat(n)];
        let batch = Batch {
            rows: n,
            codes: &rows.concat(),
            dense: dense
                .iter()
                .filter(|x| !x.is_empty())
                .map(|x| &x[..])
                .collect(),
            noise: Noise {
                seed: 0,
                step: 0,
                first_row: 0,
            },
        };
        let each = 2 * spec.factors;
        let all = Mutex::new(vec![f64::NAN; n * each]);
        executor.observe(params, &batch, &[built.logits], |first, _, values| {
            let to = &mut all.lock().unwrap()[first * each..];
            to.iter_mut()
                .zip(values[0])
                .for_each(|(to, x)| *to = x.f64());
        });
        let mut reference = all.into_inner().unwrap();
        let mutants = reference.split_off(each);
        (reference, mutants)
    }
}

/// The largest difference from whole passes, by the largest logit; and that the mutants differ from the sequence.
fn check<T: Real>(spec: &Spec, bound: f64) {
    spec.check().unwrap();
    let layout = spec.layout().unwrap();
    check_with::<T>(spec, &layout, &params(&layout), bound);
}

fn check_with<T: Real>(spec: &Spec, layout: &Layout, params: &[T], bound: f64) {
    let sample = Sample::of(spec);
    let (reference, mutants) = sample.mutants(spec, layout, params);
    let (whole_reference, whole) = sample.whole(spec, params);
    let largest = whole.iter().fold(0.0f64, |a, x| a.max(x.abs()));
    assert!(largest > 0.1, "{spec:?}: logits up to {largest}");
    let pairs = reference.iter().zip(&whole_reference);
    for (i, (a, b)) in pairs.chain(mutants.iter().zip(&whole)).enumerate() {
        let off = (a - b).abs() / largest;
        assert!(
            off <= bound,
            "{} {spec:?}: {a} for {b}, number {i}",
            T::NAME
        );
    }
    let each = 2 * spec.factors;
    let differ = |mutant: &[f64]| {
        let mut pairs = mutant.iter().zip(&reference);
        pairs.any(|(a, b)| (a - b).abs() > 1e-3 * largest)
    };
    let changed = mutants.chunks(each).filter(|mutant| differ(mutant)).count();
    assert!(
        4 * changed > spec.length,
        "{spec:?}: {changed} mutants differ"
    );
    let equal = |l: usize, base: usize| mutants[(l * 4 + base) * each..][..each] == reference[..];
    for (l, &code) in sample.codes.iter().enumerate() {
        for base in 0..4 {
            let same = code == 4 || usize::from(code) == base;
            assert!(!same || equal(l, base), "base {l} as it is");
        }
    }
}

fn both(spec: &Spec) {
    check::<f64>(spec, 1e-10);
    check::<f32>(spec, 1e-5);
}

const KINDS: [Recurrent; 3] = [
    Recurrent::Units(3),
    Recurrent::Flatten,
    Recurrent::GlobalMax,
];

#[test]
fn mutants_have_the_logits_of_whole_passes() {
    for recurrent in KINDS {
        both(&spec(recurrent));
    }
}

#[test]
fn tracks_and_meta_numbers_may_be_missing() {
    for recurrent in KINDS {
        let without_tracks = Spec {
            tracks: Vec::new(),
            rc_order: Vec::new(),
            ..spec(recurrent)
        };
        both(&without_tracks);
        both(&Spec {
            meta: 0,
            factors: 1,
            ..without_tracks
        });
    }
}

/// Steps that fill the positions and that leave some over, up to bases which no step reaches; one step alone.
#[test]
fn ends_of_the_sequence_fit_any_length() {
    for recurrent in KINDS {
        for length in [7 + 2, 40, 41, 42, 43] {
            both(&Spec {
                length,
                ..spec(recurrent)
            });
        }
        both(&Spec {
            length: 40,
            motif_width: 24,
            ..spec(recurrent)
        });
        both(&Spec {
            length: 14,
            motif_width: 2,
            ..spec(recurrent)
        });
    }
}

/// More than a panel of kernels, units and dense outputs, more than a block of mutants at work.
#[test]
fn sizes_beyond_one_panel_or_block() {
    for recurrent in [Recurrent::Units(20), Recurrent::Flatten] {
        both(&Spec {
            length: 120,
            motif_width: 12,
            kernels: 35,
            dense: 40,
            ..spec(recurrent)
        });
    }
}

/// Units that forget everything at each step: behind the last step that a change reaches, states are the sequence's.
#[test]
fn states_that_become_those_of_the_sequence_end_the_walk() {
    let spec = spec(Recurrent::Units(3));
    let layout = spec.layout().unwrap();
    let mut params = params::<f64>(&layout);
    for direction in ["forward", "backward"] {
        for gate in ["i", "c", "f", "o"] {
            let u = layout.get(&format!("{direction}_lstm_1_U_{gate}"));
            params[u.unwrap().range()].fill(0.0);
        }
        let forget = layout.get(&format!("{direction}_lstm_1_b_f"));
        params[forget.unwrap().range()].fill(-1000.0);
    }
    check_with(&spec, &layout, &params, 1e-10);
}
