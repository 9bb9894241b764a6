//! Against whole passes over every mutant, and that every form is taken where it should be.

use super::*;
use crate::dna::motif::Motif;
use crate::engine::simd::levels;
use crate::engine::{Batch, CpuExecutor, Noise, Philox};
use crate::models::tisfm::network::{Loss, MOTIF_WEIGHT, Network, Trainable};
use crate::models::tisfm::spec::Block;
use crate::models::tisfm::{Dimensions, MotifKernels, Spec, builtin};
use crate::train::folder::weights::Number;
use crate::train::model::{Model, Purpose};
use std::path::Path;

const OUTPUTS: usize = 3;
/// Of the largest output.
const NEAR: f64 = 1e-5;
const EQUAL: f64 = 1e-10;

fn motifs(widths: &[usize]) -> Vec<Motif> {
    let philox = Philox::new(11);
    let motif = |(motif, &width): (usize, &usize)| {
        let row = |k: usize| {
            let number = |base| philox.normal(motif as u64, (4 * k + base) as u64);
            let raw = [0, 1, 2, 3].map(|base| (2.0 * number(base)).exp());
            raw.map(|x| x / raw.iter().sum::<f64>())
        };
        Motif {
            id: format!("m{motif}"),
            label: None,
            nsites: None,
            rows: (0..width).map(row).collect(),
        }
    };
    widths.iter().enumerate().map(motif).collect()
}

/// The widths of more motifs than a tile has lanes.
fn widths() -> Vec<usize> {
    (0..21).map(|i| 3 + i * i % 12).chain([20]).collect()
}

fn spec(name: &str) -> Spec {
    builtin::find(name).unwrap()
}

/// An architecture of one strand.
fn one_strand(position: bool, gate: bool) -> Spec {
    let position = match position {
        true => "[[block]]\nop = \"position\"\nname = \"p\"\n",
        false => "",
    };
    let gate = match gate {
        true => "[[block]]\nop = \"gate\"\nname = \"g\"\n",
        false => "",
    };
    let text = format!(
        "name = \"x\"\nsummary = \"x\"\n{position}\
         [[block]]\nop = \"motifs\"\nstrands = \"one\"\n\
         [[block]]\nop = \"activation\"\nkind = \"sigmoid\"\n\
         [[block]]\nop = \"attention_pool\"\nname = \"a\"\nextent = \"whole\"\n{gate}\
         [[block]]\nop = \"linear\"\nname = \"l\"\n"
    );
    Spec::parse(&text, Path::new("x.toml")).unwrap()
}

fn fresh(spec: Spec, widths: &[usize], window: usize) -> Network<f64> {
    let blueprint = Blueprint {
        spec,
        dimensions: Dimensions {
            window,
            outputs: OUTPUTS,
        },
        kernels: Some(MotifKernels::new(&motifs(widths), false)),
        trainable: Trainable::default(),
        loss: Loss::default(),
    };
    Network::<f64>::initialise(blueprint, 5).unwrap()
}

/// Calibrated at random, pooled by weights of both signs; all numbers are f32's.
fn network(spec: Spec, widths: &[usize], window: usize) -> Network<f64> {
    let mut network = fresh(spec, widths, window);
    let philox = Philox::new(12);
    let random = |stream, spread: f64, mean: f64| {
        let number = move |i: usize| mean + spread * philox.normal(stream, i as u64);
        move |i: usize, _: f64| number(i)
    };
    change(&mut network, "conv_scale", random(1, 2.0, 2.0));
    change(&mut network, "conv_bias", random(2, 2.0, -4.0));
    change_pool(&mut network, random(3, 6.0, 2.0));
    network
        .params
        .iter_mut()
        .for_each(|x| *x = f64::from(*x as f32));
    network
}

fn change(network: &mut Network<f64>, name: &str, to: impl Fn(usize, f64) -> f64) {
    let range = network.layout.get(name).unwrap().range();
    for (i, x) in network.params[range].iter_mut().enumerate() {
        *x = to(i, *x);
    }
}

fn change_pool(network: &mut Network<f64>, to: impl Fn(usize, f64) -> f64) {
    let names = ["a.weight", "attentionpooling.weight"];
    let name = names.into_iter().find(|n| network.layout.get(n).is_some());
    change(network, name.unwrap(), to);
}

/// Every kind of base, `none` in two places.
fn codes(window: usize) -> Vec<u8> {
    let philox = Philox::new(13);
    let base = |i| (4.0 * philox.uniform(0, i)) as u8;
    let mut codes: Vec<u8> = (0..window as u64).map(base).collect();
    codes[window / 3] = NO_BASE;
    codes[window - 2] = NO_BASE;
    codes
}

/// The program's own outputs of the sequence and of each of its mutants.
fn whole<T: Number>(network: &Network<f64>, codes: &[u8]) -> (Vec<f64>, Vec<f64>) {
    let mut all = codes.to_vec();
    for at in 0..codes.len() {
        for base in 0..4 {
            let from = all.len();
            all.extend_from_slice(codes);
            if codes[at] != NO_BASE {
                all[from + at] = base;
            }
        }
    }
    let out = passes::<T>(network, &all, codes.len());
    (out[..OUTPUTS].to_vec(), out[OUTPUTS..].to_vec())
}

/// The program's own outputs of sequences.
fn passes<T: Number>(network: &Network<f64>, all: &[u8], length: usize) -> Vec<f64> {
    let params: Vec<T> = network.params.iter().map(|&x| T::of(x)).collect();
    let rows = all.len() / length;
    let program = network.blueprint.program::<T>(Purpose::Predict, rows);
    let batch = Batch {
        rows,
        codes: all,
        dense: Vec::new(),
        noise: Noise::default(),
    };
    let mut out = vec![T::ZERO; rows * OUTPUTS];
    CpuExecutor::new(program.unwrap()).forward(&params, &batch, &mut out);
    out.iter().map(|x| x.f64()).collect()
}

fn prepared<T: Real>(network: &Network<f64>, level: Level) -> Mutants<T> {
    let params: Vec<T> = network.params.iter().map(|&x| T::of(x)).collect();
    Mutants::at_level(level, &network.blueprint, &network.layout, &params).unwrap()
}

fn followed<T: Real>(mutants: &Mutants<T>, codes: &[u8]) -> (Vec<f64>, Vec<f64>) {
    let mut reference = vec![f64::NAN; OUTPUTS];
    let mut found = vec![f64::NAN; 4 * codes.len() * OUTPUTS];
    mutants.outputs(codes, &mut reference, &mut found);
    (reference, found)
}

/// The largest difference, as a share of the largest number; infinite where one is no number.
fn apart(found: &(Vec<f64>, Vec<f64>), truth: &(Vec<f64>, Vec<f64>)) -> f64 {
    let numbers = |(a, b): &(Vec<f64>, Vec<f64>)| [a.as_slice(), b.as_slice()].concat();
    let (found, truth) = (numbers(found), numbers(truth));
    assert_eq!(found.len(), truth.len());
    let largest = truth.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let differences = found.iter().zip(&truth).map(|(a, b)| (a - b).abs());
    let worst = differences.fold(0.0, |most, x| if x <= most { most } else { x });
    assert!(largest > 0.0);
    if worst.is_finite() {
        worst / largest
    } else {
        f64::INFINITY
    }
}

/// f64 against f64, and f32 at every level against both; how many features f32 follows one by one.
fn check(network: &Network<f64>, codes: &[u8]) -> usize {
    let truth = whole::<f64>(network, codes);
    let single = whole::<f32>(network, codes);
    let of_f64 = followed(&prepared::<f64>(network, Level::Plain), codes);
    let name = &network.blueprint.spec.name;
    let error = apart(&of_f64, &truth);
    assert!(error < EQUAL, "{name}: {error:e}");
    let mut plain = 0;
    for level in levels() {
        let mutants = prepared::<f32>(network, level);
        let found = followed(&mutants, codes);
        let error = apart(&found, &truth);
        assert!(error < NEAR, "{name}, {level:?}: {error:e}");
        let error = apart(&found, &single);
        assert!(error < NEAR, "{name}, {level:?}, f32: {error:e}");
        plain = mutants.plain.len();
    }
    plain
}

fn architectures() -> Vec<Spec> {
    let mut all: Vec<Spec> = [
        "model_pos_calib_sigmoid",
        "model_pos_calib_sigmoid_interaction",
        "plain",
        "plain_gate",
    ]
    .map(spec)
    .into();
    for (position, gate) in [(false, false), (true, false), (false, true), (true, true)] {
        all.push(one_strand(position, gate));
    }
    all
}

#[test]
fn whole_passes_say_the_same() {
    for spec in architectures() {
        for window in [45, 60] {
            let network = network(spec.clone(), &widths(), window);
            assert_eq!(check(&network, &codes(window)), 0);
        }
    }
}

#[test]
fn pairs_are_two_whole_passes() {
    let window = 60;
    let one = codes(window);
    let changed = |places: &[usize]| {
        let mut codes = one.clone();
        for &at in places {
            codes[at] = (one[at] + 1) % 4;
        }
        codes
    };
    // A deletion: what is behind it moves up.
    let mut deleted = one.clone();
    deleted.drain(30..33);
    deleted.extend([0, 1, 2]);
    let others = [
        changed(&[31]),
        changed(&[0]),
        changed(&[window - 1]),
        changed(&[31, 32, 40]),
        changed(&(0..window).collect::<Vec<_>>()),
        vec![NO_BASE; window],
        deleted,
        one.clone(),
    ];
    let all: Vec<&[u8]> = others.iter().flat_map(|other| [&one[..], other]).collect();
    let (pairs, _) = all.as_chunks::<2>();
    for spec in architectures() {
        let network = network(spec, &widths(), window);
        let truth = passes::<f64>(&network, &all.concat(), window);
        let parts = Parts::new(&network.blueprint, &network.layout, &network.params).unwrap();
        let last = parts.last;
        for level in levels() {
            let mutants = prepared::<f32>(&network, level);
            assert!(mutants.has_pairs());
            let (mut inputs, mut found) = (Vec::new(), Vec::new());
            mutants.pairs(&pairs[..3], &mut inputs, &mut found);
            mutants.pairs(&pairs[3..], &mut inputs, &mut found);
            let error = apart(&(found.clone(), Vec::new()), &(truth.clone(), Vec::new()));
            let name = &network.blueprint.spec.name;
            assert!(error < NEAR, "{name}, {level:?}: {error:e}");
            // A pair of the same sequence is that twice.
            let same = found.chunks(OUTPUTS).rev().collect::<Vec<_>>();
            assert_eq!(same[0], same[1]);
            // What enters the last layer gives the outputs.
            assert_eq!(inputs.len(), all.len() * mutants.inputs());
            let of = |row: &[f64]| -> Vec<f64> {
                let lines = last.weight.chunks(row.len()).zip(last.bias);
                let sum = |line: &[f64]| line.iter().zip(row).map(|(w, x)| w * x).sum::<f64>();
                lines.map(|(line, bias)| sum(line) + bias).collect()
            };
            let again: Vec<f64> = inputs.chunks(mutants.inputs()).flat_map(of).collect();
            let error = apart(&(again, Vec::new()), &(found, Vec::new()));
            assert!(error < NEAR, "{name}, {level:?}, inputs: {error:e}");
        }
    }
    assert!(!prepared::<f64>(&network(spec("plain"), &widths(), window), Level::Plain).has_pairs());
}

#[test]
fn a_sequence_may_be_as_short_as_the_longest_motif() {
    for spec in architectures() {
        let network = network(spec, &widths(), 20);
        assert_eq!(check(&network, &codes(20)), 0);
    }
}

#[test]
fn places_without_a_base_and_bases_that_are_there_keep_the_reference() {
    let network = network(spec("plain_gate"), &widths(), 30);
    let mutants = prepared::<f32>(&network, best_level());
    let mut codes = codes(30);
    let (reference, found) = followed(&mutants, &codes);
    for (at, &code) in codes.iter().enumerate() {
        for base in 0..4u8 {
            let same = found[(4 * at + usize::from(base)) * OUTPUTS..][..OUTPUTS] == reference;
            assert_eq!(same, code == base || code == NO_BASE, "{at} {base}");
        }
    }
    codes.fill(NO_BASE);
    let (reference, found) = followed(&mutants, &codes);
    assert!(reference.iter().all(|x| x.is_finite()));
    assert!(
        found
            .chunks_exact(OUTPUTS)
            .all(|mutant| mutant == reference)
    );
}

#[test]
fn few_mutants_at_a_time_say_the_same() {
    let network = network(spec("model_pos_calib_sigmoid_interaction"), &widths(), 50);
    let codes = codes(50);
    let mut mutants = prepared::<f64>(&network, Level::Plain);
    let whole = followed(&mutants, &codes);
    for held in [0, OTHERS * mutants.head.columns() * 7] {
        mutants.held = held;
        assert!(apart(&followed(&mutants, &codes), &whole) < 1e-14, "{held}");
    }
}

/// Pooling weights so large that exponents relative to anything but the largest would leave f32's range.
#[test]
fn features_with_large_pooling_weights_are_followed_one_by_one() {
    for spec in [spec("model_pos_calib_sigmoid_interaction"), spec("plain")] {
        for large in [70.0, 2000.0, -70.0, -2000.0] {
            let mut network = network(spec.clone(), &widths(), 45);
            change_pool(&mut network, |i, w| if i % 5 == 0 { large } else { w });
            let codes = codes(45);
            let truth = whole::<f64>(&network, &codes);
            let of_f64 = followed(&prepared::<f64>(&network, Level::Plain), &codes);
            assert!(apart(&of_f64, &truth) < EQUAL, "{large}");
            for level in levels() {
                let mutants = prepared::<f32>(&network, level);
                // Of 22 motifs and 2 pads.
                assert_eq!((mutants.plain.len(), mutants.tiles.len()), (5, 2));
                let error = apart(&followed(&mutants, &codes), &truth);
                assert!(error < NEAR, "{large}, {level:?}: {error:e}");
            }
        }
    }
}

#[test]
fn features_with_steep_sigmoids_are_followed_one_by_one() {
    let mut network = network(spec("plain"), &widths(), 45);
    // Both strands of the first motif, one of the fourth.
    let steep = |i: usize, scale: f64| if [0, 1, 6].contains(&i) { 60.0 } else { scale };
    change(&mut network, "conv_scale", steep);
    change(&mut network, "conv_bias", |i, bias| {
        if [0, 1, 6].contains(&i) { -90.0 } else { bias }
    });
    assert_eq!(check(&network, &codes(45)), 2);
}

/// A site that is all of the sum, and lost with one base: what is left is e^-55 of it. (The exponents of what is left have five
/// digits.)
#[test]
fn what_a_mutant_takes_from_the_sum_costs_no_digits() {
    let mut network = network(spec("plain"), &[6; 5], 40);
    change_pool(&mut network, |_, _| 59.0);
    change(&mut network, "conv_scale", |_, _| 20.0);
    change(&mut network, "conv_bias", |_, _| -115.0);
    // The first motif is ACGTAC alone; the outputs are its activity.
    change(&mut network, MOTIF_WEIGHT, |i, _| {
        let (channel, base, k) = (i / 24, i / 6 % 4, i % 6);
        f64::from(channel == 0 && base == k % 4)
    });
    change(&mut network, "linreg.weight", |i, _| f64::from(i % 7 == 0));
    change(&mut network, "linreg.bias", |_, _| 0.0);
    let mut codes = vec![0; 40];
    codes[17..23].copy_from_slice(&[0, 1, 2, 3, 0, 1]);
    let (reference, mutants) = followed(&prepared::<f32>(&network, best_level()), &codes);
    let lost = &mutants[(4 * 19) * OUTPUTS..][..OUTPUTS];
    assert!(
        reference[0] > 0.99 && lost[0] < 0.01,
        "{reference:?} {lost:?}"
    );
    let truth = whole::<f64>(&network, &codes);
    let truth = &truth.1[(4 * 19) * OUTPUTS..][..OUTPUTS];
    assert!(
        (lost[0] / truth[0] - 1.0).abs() < 1e-4,
        "{lost:?} {truth:?}"
    );
    assert_eq!(check(&network, &codes), 0);
}

/// Odds far beyond what f32 holds, on both sides.
#[test]
fn activities_of_0_and_1_stay_these() {
    let mut network = network(spec("model_pos_calib_sigmoid"), &widths(), 45);
    change(&mut network, "conv_bias", |i, bias| match i % 6 {
        0 => 300.0,
        1 => -300.0,
        2 => 56.0,
        3 => -56.0,
        _ => bias,
    });
    change(&mut network, "position_emb.weight", |i, p| {
        p + i as f64 / 3.0
    });
    network
        .params
        .iter_mut()
        .for_each(|x| *x = f64::from(*x as f32));
    assert_eq!(check(&network, &codes(45)), 0);
}

#[test]
fn numbers_that_are_none_reach_the_outputs() {
    let mut network = network(spec("plain"), &widths(), 30);
    change(&mut network, "conv_bias", |i, bias| {
        if i == 3 { f64::NAN } else { bias }
    });
    let mutants = prepared::<f32>(&network, best_level());
    assert_eq!(mutants.plain.len(), 1);
    let (reference, found) = followed(&mutants, &codes(30));
    assert!(reference.iter().chain(&found).all(|x| x.is_nan()));
}

fn is_followed(spec: Spec) -> bool {
    let network = fresh(spec, &widths(), 300);
    Mutants::new(&network.blueprint, &network.layout, &network.params).is_some()
}

#[test]
fn other_architectures_are_refused() {
    let names = builtin::ARCHITECTURES.iter().map(|(name, _)| *name);
    let taken: Vec<&str> = names.filter(|name| is_followed(spec(name))).collect();
    assert_eq!(
        taken,
        [
            "model_pos_calib_sigmoid",
            "model_pos_calib_sigmoid_interaction",
            "plain",
            "plain_gate"
        ]
    );
    // A block more or less.
    let whole = one_strand(true, true);
    assert!(is_followed(whole.clone()));
    for (at, block) in [
        (0, Block::Dropout { p: 0.5 }),
        (2, Block::Dropout { p: 0.5 }),
        (3, Block::MergeStrands {}),
        (5, Block::Gate { name: "h".into() }),
        (5, Block::Dropout { p: 0.5 }),
    ] {
        let mut spec = whole.clone();
        spec.blocks.insert(at, block);
        assert!(!is_followed(spec), "{at}");
    }
    let mut both = spec("plain");
    both.blocks.remove(2);
    assert!(!is_followed(both));
}
