use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::io::keras_hdf5::{Layer, read_weights};
use crate::io::state_dict;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden/factornet")
}

const GOLDEN: [&str; 4] = [
    "train_T1_blstm_meta",
    "train_T1_blstm_nometa",
    "train_T1_gmax_nometa",
    "train_T3_norec_meta",
];

fn golden_folder(name: &str) -> PathBuf {
    golden().join("keras_files").join(name)
}

/// A copy of a golden folder with some of its files left out.
fn copy_without(name: &str, left_out: &[&str]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden_folder(name)).unwrap() {
        let entry = entry.unwrap();
        if !left_out.contains(&entry.file_name().to_str().unwrap()) {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

#[test]
fn golden_folders_give_the_golden_weights_to_the_last_bit() {
    for name in GOLDEN {
        let file = golden().join(name).join("tensors.safetensors");
        let case = state_dict::read(file).unwrap();
        for left_out in ["", "best_model.hdf5"] {
            let copy = copy_without(name, &[left_out]);
            let model = read(copy.path()).unwrap();
            let parameters = case.tensors.iter().filter(|t| t.name.starts_with("param/"));
            assert_eq!(model.tensors.len(), parameters.count(), "{name}");
            for found in &model.tensors {
                let expected = case.get(&format!("param/{}", found.name)).unwrap();
                assert_eq!(
                    (&found.shape, &found.values),
                    (&expected.shape, &expected.values)
                );
            }
        }
    }
}

#[test]
fn golden_folders_give_the_golden_networks() {
    let with = |conv, lstm, features, meta, dense| Dropouts {
        conv,
        lstm_w: lstm,
        lstm_u: lstm,
        features,
        meta,
        dense,
    };
    let tenth = Some(0.1);
    let half = Some(0.5);
    for (name, recurrent, meta, outputs, dropouts) in [
        (GOLDEN[0], 5, 3, 1, with(tenth, tenth, half, tenth, half)),
        (GOLDEN[1], 5, 0, 1, with(tenth, tenth, half, None, half)),
        (GOLDEN[2], -1, 0, 1, with(tenth, None, half, None, half)),
        (GOLDEN[3], 0, 3, 3, with(tenth, None, half, tenth, half)),
    ] {
        let expected = Architecture {
            seqlen: 120,
            channels: 6,
            width: 11,
            kernels: 6,
            recurrent,
            dense: 7,
            outputs,
            meta,
            dropouts,
        };
        let model = read(golden_folder(name)).unwrap();
        assert_eq!(model.architecture, expected, "{name}");
        assert_eq!(model.names.tracks, ["track0", "track1"]);
        assert_eq!(model.names.factors, ["TF0", "TF1", "TF2"][..outputs]);
        // The network inside best_model.hdf5 is the same.
        let copy = copy_without(name, &["model.json"]);
        assert_eq!(read(copy.path()).unwrap(), model, "{name}");
    }
}

#[test]
fn a_networks_description_is_the_one_that_keras_wrote() {
    for name in GOLDEN {
        let model = read(golden_folder(name)).unwrap();
        let described = description::Described::of(&model.architecture);
        let parsed = |json: &str| serde_json::from_str::<Value>(json).unwrap();
        assert_eq!(parsed(&described.model_json()), network(name), "{name}");
        for file in WEIGHTS {
            let saved = read_weights(&golden_folder(name).join(file)).unwrap();
            let names: Vec<_> = saved.layers.iter().map(|layer| &layer.name).collect();
            assert!(described.layer_names.iter().eq(names), "{name}");
            let with: Vec<_> = saved.layers.iter().map(|l| !l.weights.is_empty()).collect();
            let names = described.layer_names.iter();
            let expected: Vec<_> = names.map(|name| weights::has_any(name)).collect();
            assert_eq!(with, expected, "{name}");
            if let Some(config) = saved.model_config {
                assert_eq!(parsed(&described.model_config()), parsed(&config), "{name}");
            }
        }
    }
}

#[test]
fn every_form_of_network_is_read_again() {
    for recurrent in [-1, 0, 7] {
        for meta in [0, 5] {
            for rate in [None, Some(0.25)] {
                let lstm = (recurrent > 0).then_some(0.0);
                let written = Architecture {
                    seqlen: 101,
                    channels: 4,
                    width: 9,
                    kernels: 3,
                    recurrent,
                    dense: 8,
                    outputs: 2,
                    meta,
                    dropouts: Dropouts {
                        conv: rate,
                        lstm_w: lstm,
                        lstm_u: lstm,
                        features: rate,
                        meta: rate.filter(|_| meta > 0),
                        dense: rate,
                    },
                };
                let described = description::Described::of(&written);
                let found = architecture::parse(&described.model_json()).unwrap();
                assert_eq!(found, written);
            }
        }
    }
}

#[test]
fn published_models_open() {
    let Some(data) = crate::real_data::real_data() else {
        return;
    };
    let folder = data.join("models_factornet");
    for (name, channels, meta_values, gencode) in [
        ("E2F1/GENCODE_Unique35_DGF", 6, 0, true),
        ("E2F1/onePeak_Unique35_DGF", 6, 0, false),
        ("EGR1/meta_RNAseq_Unique35_DGF", 6, 8, false),
        ("FOXA1/onePeak_DGF", 5, 0, false),
        ("GABPA/metaGENCODE_RNAseq_Unique35_DGF", 6, 8, true),
    ] {
        let model = read(folder.join(name)).unwrap();
        let a = &model.architecture;
        assert_eq!(
            (
                a.seqlen,
                a.channels,
                a.width,
                a.kernels,
                a.recurrent,
                a.dense,
                a.outputs
            ),
            (1002, channels, 34, 32, 32, 64, 1),
            "{name}"
        );
        assert_eq!(a.meta, meta_values + if gencode { 6 } else { 0 }, "{name}");
        assert_eq!(
            (model.names.meta.len(), model.names.gencode),
            (meta_values, gencode)
        );
        let rates = Dropouts {
            conv: Some(0.1),
            lstm_w: Some(0.1),
            lstm_u: Some(0.1),
            features: Some(0.2),
            meta: None,
            dense: None,
        };
        assert_eq!(a.dropouts, rates, "{name}");
        assert_eq!(model.names.factors, [name.split('/').next().unwrap()]);
        let tracks = ["Unique35", "DGF"];
        assert_eq!(model.names.tracks, tracks[6 - channels..]);
        let last = model.tensors.last().unwrap();
        let expected = if a.meta > 0 { "dense_4_b" } else { "dense_3_b" };
        assert_eq!((last.name.as_str(), &last.shape[..]), (expected, &[1][..]));
    }
}

#[test]
fn a_file_cut_anywhere_says_so() {
    let whole = std::fs::read(golden_folder(GOLDEN[2]).join(WEIGHTS[0])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(WEIGHTS[0]);
    for length in (0..whole.len()).step_by(512) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("best_model.hdf5"), "{message}");
        let expected = match length {
            0 => "found an empty file".into(),
            _ => format!("cut short: {length} bytes, and the HDF5 superblock says 33256"),
        };
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn what_is_not_hdf5_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (content, expected) in [
        ("<!DOCTYPE html><html>", "found a web page (HTML"),
        (
            "version https://git-lfs.github.com/spec/v1",
            "found a Git LFS pointer",
        ),
        ("\u{89}HDF", "expected an HDF5 file with Keras weights"),
    ] {
        std::fs::write(folder.path().join("final_model.hdf5"), content).unwrap();
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("final_model.hdf5"), "{message}");
    }
}

#[test]
fn missing_files_and_names_that_do_not_fit_are_named() {
    let message = |folder: &Path| read(folder).unwrap_err().to_string();
    let none = message(Path::new("none"));
    assert!(none.starts_with("none: no such folder; expected"), "{none}");
    for (left_out, expected) in [
        (
            &["best_model.hdf5", "final_model.hdf5"][..],
            "neither best_model.hdf5 nor final_model",
        ),
        (
            &["best_model.hdf5", "model.json"],
            "no model.json in this folder",
        ),
        (&["chip.txt"], "chip.txt: "),
        (&["bigwig.txt"], "bigwig.txt: "),
        (&["meta.txt"], "meta.txt: "),
    ] {
        let found = message(copy_without(GOLDEN[0], left_out).path());
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
    for (file, text, expected) in [
        (
            "chip.txt",
            "A\nB\n",
            "chip.txt: 2 factors; the network has 1",
        ),
        (
            "bigwig.txt",
            "A\n",
            "bigwig.txt: 1 tracks; the network has 2",
        ),
        (
            "feature.txt",
            "bigwig\nmeta\ngencode\n",
            "9 meta values and annotation features",
        ),
    ] {
        let copy = copy_without(GOLDEN[0], &[]);
        std::fs::write(copy.path().join(file), text).unwrap();
        let found = message(copy.path());
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
}

fn network(name: &str) -> Value {
    let text = std::fs::read_to_string(golden_folder(name).join(NETWORK)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The layer of that name in a network.
fn layer<'a>(network: &'a mut Value, name: &str) -> &'a mut Value {
    let layers = network["config"]["layers"].as_array_mut().unwrap();
    layers.iter_mut().find(|l| l["name"] == name).unwrap()
}

#[test]
fn layers_and_settings_other_than_factornets_are_refused_by_name() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 16] = [
        (
            |n| n["class_name"] = json!("Sequential"),
            "a Keras \"Sequential\"",
        ),
        (
            |n| layer(n, "flatten_1")["class_name"] = json!("GRU"),
            "\"flatten_1\" (GRU): expected a Flatten",
        ),
        (
            |n| layer(n, "convolution1d_1")["config"]["activation"] = json!("elu"),
            "activation is \"elu\", expected \"relu\"",
        ),
        (
            |n| layer(n, "convolution1d_1")["config"]["border_mode"] = json!("same"),
            "border_mode is \"same\"",
        ),
        (
            |n| layer(n, "convolution1d_1")["config"]["filter_length"] = json!(0),
            "filter_length is 0, expected a size",
        ),
        (
            |n| layer(n, "convolution1d_1")["config"]["filter_length"] = json!(121),
            "filter_length 121",
        ),
        (
            |n| layer(n, "timedistributed_1")["config"]["layer"]["config"]["output_dim"] = json!(7),
            "output_dim is 7, expected 6",
        ),
        (
            |n| layer(n, "maxpooling1d_1")["config"]["stride"] = json!(4),
            "stride is 4, expected 5",
        ),
        (
            |n| layer(n, "bidirectional_1")["config"]["layer"]["class_name"] = json!("GRU"),
            "class_name is \"GRU\"",
        ),
        (
            |n| {
                layer(n, "bidirectional_1")["config"]["layer"]["config"]["inner_activation"] =
                    json!("sigmoid")
            },
            "expected \"hard_sigmoid\"",
        ),
        (
            |n| layer(n, "dropout_2")["config"]["p"] = json!(1.0),
            "p is 1.0, expected a rate",
        ),
        (
            |n| layer(n, "dense_2")["inbound_nodes"][1] = json!([["flatten_1", 0, 0]]),
            "does not read \"flatten_1\" on both",
        ),
        (
            |n| layer(n, "merge_2")["config"]["mode"] = json!("sum"),
            "mode is \"sum\", expected \"concat\"",
        ),
        (
            |n| layer(n, "merge_3")["config"]["mode"] = json!("max"),
            "mode is \"max\", expected \"ave\"",
        ),
        (
            |n| layer(n, "input_2")["config"]["batch_input_shape"] = json!([null, 120, 5]),
            "[[120, 6], [120, 5], [3]]",
        ),
        (
            |n| {
                n["config"]["layers"].as_array_mut().unwrap().pop();
            },
            "the network ends where a Merge was expected",
        ),
    ];
    for (change, expected) in cases {
        let mut changed = network(GOLDEN[0]);
        assert!(architecture::parse(&changed.to_string()).is_ok());
        change(&mut changed);
        let found = architecture::parse(&changed.to_string()).unwrap_err();
        assert!(found.contains(expected), "{found}\n  expected: {expected}");
    }
    let copy = copy_without(GOLDEN[0], &[]);
    std::fs::write(copy.path().join(NETWORK), "no model").unwrap();
    let found = read(copy.path()).unwrap_err().to_string();
    assert!(
        found.contains("model.json: not a Keras model in JSON"),
        "{found}"
    );
}

#[test]
fn weights_are_taken_by_position_whatever_their_names() {
    let path = golden_folder(GOLDEN[1]).join(WEIGHTS[0]);
    let layers = read_weights(&path).unwrap().layers;
    let expected = read(golden_folder(GOLDEN[1])).unwrap();
    let take = |layers| weights::take(&expected.architecture, layers);

    let mut renamed = layers.clone();
    for layer in &mut renamed {
        layer.name += "_7";
        for weight in &mut layer.weights {
            weight.name = "x".into();
        }
    }
    assert_eq!(take(renamed).unwrap(), expected.tensors);

    let mut fewer = layers.clone();
    fewer.retain(|layer| layer.name != "dense_2");
    assert!(take(fewer).unwrap_err().contains("4 layers with weights"));

    let mut short = layers.clone();
    let dense = |l: &Layer| l.name == "dense_2";
    let index = layers.iter().position(dense).unwrap();
    short[index].weights.pop();
    assert!(
        take(short)
            .unwrap_err()
            .contains("\"dense_2\" has 1 weight, expected 2")
    );

    let mut reshaped = layers.clone();
    reshaped[index].weights[0].shape.reverse();
    let found = take(reshaped).unwrap_err();
    assert!(
        found.contains("has the shape [7, 220], expected [220, 7]"),
        "{found}"
    );
}

#[test]
fn a_convolution_stored_kernels_first_is_transposed() {
    let path = golden_folder(GOLDEN[1]).join(WEIGHTS[0]);
    let mut layers = read_weights(&path).unwrap().layers;
    let expected = read(golden_folder(GOLDEN[1])).unwrap();
    let conv = layers.iter_mut().find(|l| !l.weights.is_empty()).unwrap();
    let [w, _, c, k] = conv.weights[0].shape[..] else {
        panic!("four extents");
    };
    let new = conv.weights[0].values.to_f32();
    let mut old = Vec::new();
    for kernel in 0..k {
        for channel in 0..c {
            old.extend((0..w).map(|j| new[(j * c + channel) * k + kernel]));
        }
    }
    conv.weights[0] = NamedTensor::new("convolution1d_1_W", &[k, c, w, 1], old);
    let found = weights::take(&expected.architecture, layers).unwrap();
    assert_eq!(found, expected.tensors);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_networks_are_errors_or_other_networks_never_a_panic(place in 0_usize..5000, byte in 0x20_u8..0x7f) {
        let mut text = std::fs::read(golden_folder(GOLDEN[0]).join(NETWORK)).unwrap();
        let end = text.len();
        text[place % end] = byte;
        let _ = architecture::parse(std::str::from_utf8(&text).unwrap());
    }
}
