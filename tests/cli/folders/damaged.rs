//! Model folders with damaged files: named by every command that reads them, and nothing is written.

use crate::common::kinds::Kind;
use crate::common::snapshot::Snapshot;
use crate::common::{bytes, text};

for_each_kind! {
    damaged_weights_are_named;
    missing_weights_are_told;
    weights_of_another_network_are_refused;
    a_damaged_config_is_named;
    a_config_with_a_size_of_0_is_refused;
    a_folder_that_is_not_there_is_named;
}

/// Every command refuses the model, for this reason.
fn refused_by_all<K: Kind>(data: &K, model: &str, parts: &[&str]) {
    for reading in data.reading(model, "never") {
        let before = Snapshot::of(data.folder());
        let run = data.run(&reading.arguments);
        assert_eq!(run.out, "", "{}", reading.arguments);
        run.fails(1, parts);
        before.assert_same(&reading.arguments);
    }
}

fn damaged_weights_are_named<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let path = "model/model.best.safetensors";
    let whole = bytes(data.path(path));
    let mut header = whole.clone();
    header[3] = 0x7f;
    let mut longer = whole.clone();
    longer.push(0);
    for content in [
        b"",
        &whole[..20],
        &whole[..whole.len() / 2],
        &whole[..whole.len() - 1],
        &header,
        &longer,
        b"no weights\n",
    ] {
        data.write(path, content);
        refused_by_all(&data, "model", &[path]);
    }
    data.write(path, whole);
    for reading in data.reading("model", "out") {
        data.run(&reading.arguments).ok();
        let _ = std::fs::remove_file(data.path("out"));
    }
}

fn missing_weights_are_told<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    std::fs::remove_file(data.path("model/model.best.safetensors")).unwrap();
    refused_by_all(&data, "model", &["model: no model.best.safetensors"]);
}

fn weights_of_another_network_are_refused<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let other = format!("{} {}", K::epochs(1), K::OTHER_NETWORK);
    data.train("other", &other).ok();
    let path = "model/model.best.safetensors";
    data.write(path, bytes(data.path("other/model.best.safetensors")));
    // What needs no numbers of the network need not look at all of them.
    for reading in data.reading("model", "never") {
        if !reading.arguments.contains(" motifs ") {
            data.run(&reading.arguments).fails(1, &[path]);
            assert!(!data.path("never").exists());
        }
    }
}

fn a_damaged_config_is_named<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let config = text(data.path("model/config.json"));
    for content in [
        "",
        "{",
        "{\n \"version\": 3\n}",
        "[]",
        &config[..config.len() / 2],
    ] {
        data.write("model/config.json", content);
        refused_by_all(&data, "model", &["model/config.json"]);
    }
}

/// Sizes that no network has, written by hand.
fn a_config_with_a_size_of_0_is_refused<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let path = data.path("model/config.json");
    let config: serde_json::Value = serde_json::from_str(&text(&path)).unwrap();
    let (mut tried, zero) = (0, serde_json::json!(0));
    for (place, value) in [
        ("/outputs", serde_json::json!([])),
        ("/motif_width", zero.clone()),
        ("/window", zero.clone()),
        ("/network/recurrent", serde_json::json!({"units": 0})),
        ("/network/length", zero.clone()),
        ("/network/kernels", zero.clone()),
        ("/network/dense", zero),
    ] {
        let mut config = config.clone();
        if let Some(old) = config.pointer_mut(place) {
            *old = value;
            tried += 1;
            data.write("model/config.json", config.to_string());
            refused_by_all(&data, "model", &["model/config.json"]);
        }
    }
    assert!(tried >= 3, "{tried}");
}

fn a_folder_that_is_not_there_is_named<K: Kind>() {
    let data = K::small();
    refused_by_all(&data, "no.such", &["no.such"]);
}
