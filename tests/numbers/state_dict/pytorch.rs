//! What others wrote.

use std::collections::BTreeMap;

use cisgrad::Error;
use cisgrad::io::state_dict::{Values, read};

use super::read_bytes;
use crate::common::golden::pytorch;

/// start, start + 1/4, ...: the values that tests/data/pytorch/make.py gave its tensors.
fn ramp(start: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| start + 0.25 * i as f64).collect()
}

fn narrow(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|x| x as f32).collect()
}

#[test]
fn every_form_of_a_pytorch_file_holds_the_same_state_dict() {
    for (name, wide) in [
        ("zip_f32.pt", false),
        ("legacy_f32.pt", false),
        ("f32.safetensors", false),
        ("zip_f64.pt", true),
        ("legacy_f64.pt", true),
    ] {
        let state = read(pytorch(name)).unwrap();
        let names: Vec<_> = state.tensors.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "conv_motif.weight",
                "linreg.bias",
                "linreg.weight",
                "norm.bias",
                "norm.num_batches_tracked",
                "norm.running_mean",
                "norm.running_var",
                "norm.weight"
            ],
            "{name}"
        );
        for (tensor, shape, expected) in [
            ("conv_motif.weight", &[2, 4, 3][..], ramp(-1.0, 24)),
            ("linreg.weight", &[3, 2], ramp(0.5, 6)),
            ("linreg.bias", &[3], ramp(-0.75, 3)),
            ("norm.running_var", &[2], vec![1.0; 2]),
        ] {
            let tensor = state.get(tensor).unwrap();
            assert_eq!(tensor.shape, shape, "{name}");
            let expected = if wide {
                Values::F64(expected)
            } else {
                Values::F32(narrow(expected))
            };
            assert_eq!(tensor.values, expected, "{name}");
        }
        let count = state.get("norm.num_batches_tracked").unwrap();
        assert_eq!(count.shape, [0usize; 0]);
        assert_eq!(count.values, Values::I64(vec![(1 << 40) + 1]), "{name}");
    }
    let metadata = read(pytorch("f32.safetensors")).unwrap().metadata;
    assert_eq!(metadata, BTreeMap::from([("format".into(), "pt".into())]));
}

#[test]
fn narrow_types_widen_and_views_are_gathered() {
    for name in ["zip_other.pt", "legacy_other.pt", "other.safetensors"] {
        let state = read(pytorch(name)).unwrap();
        let whole = narrow(ramp(0.0, 12));
        let transposed = (0..12).map(|i| whole[i % 4 * 3 + i / 4]).collect();
        for (tensor, shape, expected) in [
            ("bf16", &[2, 3][..], Values::F32(narrow(ramp(-1.0, 6)))),
            ("f16", &[2, 3], Values::F32(narrow(ramp(-1.0, 6)))),
            ("i32", &[2], Values::I64(vec![-7, i32::MAX.into()])),
            ("u8", &[2], Values::U8(vec![0, 255])),
            ("bool", &[2], Values::U8(vec![1, 0])),
            ("transposed", &[3, 4], Values::F32(transposed)),
            ("sliced", &[2, 3], Values::F32(whole[6..].to_vec())),
            ("twice", &[4, 3], Values::F32(whole.clone())),
            ("none", &[0, 3], Values::F32(vec![])),
        ] {
            let found = state.get(tensor).unwrap();
            assert_eq!(
                (found.shape.as_slice(), &found.values),
                (shape, &expected),
                "{name} {tensor}"
            );
        }
        assert_eq!(state.tensors.len(), 9, "{name}");
    }
}

#[test]
fn pytorch_files_that_are_no_state_dict_say_why() {
    for (name, part) in [
        ("no_tensor.pt", "without a tensor, expected a state dict"),
        ("complex.pt", "omplex"),
        (
            "f8.safetensors",
            "tensor \"narrow\" has elements of type F8_E4M3, expected floats",
        ),
    ] {
        let error = read(pytorch(name)).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(part), "{text}");
    }
}

#[test]
fn a_pytorch_file_cut_anywhere_is_an_error_or_whole() {
    for name in [
        "zip_f32.pt",
        "legacy_f32.pt",
        "zip_other.pt",
        "legacy_other.pt",
    ] {
        let bytes = std::fs::read(pytorch(name)).unwrap();
        for end in 0..bytes.len() {
            let error = read_bytes(&bytes[..end]).expect_err(name);
            assert!(
                matches!(error, Error::Format { .. }),
                "{name} cut at {end}: {error:?}"
            );
        }
    }
}
