//! FactorNet against the original program's numbers (Keras 1.2.2 on Theano, f64): the library's golden cases, and where
//! parameters start.

use cisgrad::check::golden::{Check, name};
use cisgrad::io::state_dict::read;
use cisgrad::models::factornet::golden::{GOLDEN, check};
use cisgrad::models::factornet::{Dropouts, Recurrent, Spec};
use cisgrad::train::model::Model;

use crate::common::golden;

/// Single layers, the optimizer, a known motif.
const LAYERS: &str = "layers";

/// The embedded cases' checks, by case.
fn checked(wanted: impl Fn(&str) -> bool) -> Vec<(String, Vec<Check>)> {
    let scratch = tempfile::tempdir().unwrap();
    GOLDEN.unpack(scratch.path()).unwrap();
    let folders = GOLDEN.folders(scratch.path()).unwrap();
    let named = folders.iter().map(|folder| (name(folder), folder));
    named
        .filter(|(case, _)| wanted(case))
        .map(|(case, folder)| {
            let checks = check(folder).unwrap_or_else(|e| panic!("{case}: {e}"));
            (case, checks)
        })
        .collect()
}

/// How many checks there are whose case and own name begin so.
fn count(cases: &[(String, Vec<Check>)], case: &str, check: &str) -> usize {
    let cases = cases.iter().filter(|(name, _)| name.starts_with(case));
    let checks = cases.flat_map(|(_, checks)| checks);
    checks.filter(|c| c.what.starts_with(check)).count()
}

fn assert_all_hold(cases: &[(String, Vec<Check>)]) {
    let each = cases
        .iter()
        .flat_map(|(case, checks)| checks.iter().map(move |c| (case, c)));
    let failures: Vec<String> = each
        .filter(|(_, c)| !c.holds())
        .map(|(case, c)| {
            format!(
                "{case}: {}: error {:.3e}, allowed {:.1e}",
                c.what, c.error, c.allowed
            )
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Activations, probabilities, loss, gradients and Adam's steps: 14 cases with dropout off, 7 with given masks.
#[test]
fn every_network_holds() {
    let cases = checked(|case| case != LAYERS);
    let named = |start| {
        cases
            .iter()
            .filter(|(name, _)| name.starts_with(start))
            .count()
    };
    assert_eq!((named("train_"), named("masked_")), (14, 7));
    assert_all_hold(&cases);
    let counts = ["f64 Composed", "f64 Fused", "f32 Composed", "f32 Fused"]
        .map(|by| (count(&cases, "train_", by), count(&cases, "masked_", by)));
    assert_eq!(counts, [(942, 471), (914, 0), (578, 289), (578, 0)]);
}

/// Loss 5, Adam 22, convolution 1, the other strand and its order 2, pooling 2, a known motif 9.
#[test]
fn every_layer_holds() {
    let cases = checked(|case| case == LAYERS);
    assert_all_hold(&cases);
    assert_eq!(cases[0].1.len(), 41);
}

/// The case of Adam tells the original's form, epsilon outside the correction, from PyTorch's.
#[test]
fn the_forms_of_adam_differ() {
    let tensors = read(golden::factornet("layers/tensors.safetensors")).unwrap();
    let numbers = |name: &str| tensors.get(name).unwrap().values.to_f64();
    let (after, wrong) = (
        numbers("adam/p_after"),
        numbers("adam/WRONG_torch_style_final"),
    );
    let last = &after[after.len() - wrong.len()..];
    let mut pairs = last.iter().zip(&wrong);
    assert!(pairs.any(|(a, b)| (a - b).abs() > 1e-4));
}

/// The measured bounds of the original's initial values.
#[test]
fn parameters_start_as_the_originals() {
    let spec = Spec {
        length: 1000,
        motif_width: 26,
        kernels: 32,
        recurrent: Recurrent::Units(32),
        dense: 128,
        tracks: vec!["a".into(), "b".into()],
        rc_order: vec![0, 1],
        meta: 8,
        factors: 1,
        dropout: Dropouts::of(0.5),
    };
    let layout = spec.layout().unwrap();
    let values = layout.initialise::<f64>(420);
    for (name, bound) in [
        ("convolution1d_1_W", 0.0340),
        ("dense_1_W", (6.0f64 / 64.0).sqrt()),
        ("forward_lstm_1_W_i", (6.0f64 / 64.0).sqrt()),
        ("backward_lstm_1_U_o", (6.0f64 / 64.0).sqrt()),
        ("dense_2_W", (6.0f64 / (4800.0 + 128.0)).sqrt()),
        ("dense_3_W", (6.0f64 / (136.0 + 128.0)).sqrt()),
    ] {
        let own = &values[layout.get(name).unwrap().range()];
        let largest = own.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        assert!(
            largest < bound * 1.002 && largest > bound * 0.97,
            "{name}: {largest}"
        );
    }
    let biases = layout.params.iter().filter(|p| p.shape.len() == 1);
    for bias in biases {
        let start = if bias.name.ends_with("_b_f") {
            1.0
        } else {
            0.0
        };
        assert!(
            values[bias.range()].iter().all(|&b| b == start),
            "{}",
            bias.name
        );
    }
}
