//! Whether two runs ended alike.

use std::path::Path;

use cisgrad::io::state_dict::{StateDict, read};

use super::{Table, assert_no_leftovers, bytes, names};

/// Two runs ended alike: the same files; weights, optimizer state and history to the last bit,
/// but for the columns that tell the time.
#[track_caller]
pub fn assert_same_end(a: &Path, b: &Path) {
    let list = names(a);
    assert_eq!(list, names(b));
    assert_no_leftovers(a);
    for name in list {
        let (x, y) = (a.join(&name), b.join(&name));
        if x.is_dir() {
            assert_same_end(&x, &y);
        } else if name == "state.safetensors" {
            let (s, t) = (read(&x).unwrap(), read(&y).unwrap());
            assert!(s.tensors == t.tensors, "{}: tensors", x.display());
            let progress = |s: &StateDict| timeless(&s.metadata["state"]);
            assert_eq!(progress(&s), progress(&t), "{}", x.display());
        } else if name == "history.tsv" {
            assert_eq!(history(&x), history(&y), "{}", x.display());
        } else if name != "config.json" {
            assert!(bytes(&x) == bytes(&y), "{} differs", x.display());
        }
    }
}

/// A history's columns that do not tell the time.
pub fn history(path: impl AsRef<Path>) -> Vec<Vec<String>> {
    let table = Table::read(path);
    let tisfm = "epoch train_loss validation_loss validation_r lr seconds seq_per_s";
    let factornet = "epoch train_loss train_accuracy validation_loss validation_accuracy validation_auPRC seconds samples_per_s";
    let header = table.header.join(" ");
    assert!(header == tisfm || header == factornet, "{header}");
    // The last two tell the time.
    let kept = table.header.len() - 2;
    table.rows.into_iter().map(|r| r[..kept].to_vec()).collect()
}

fn timeless(state: &str) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                map.retain(|key, _| {
                    !["seconds", "seq_per_s", "samples_per_s"].contains(&key.as_str())
                });
                map.values_mut().for_each(strip);
            }
            serde_json::Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(state).unwrap();
    strip(&mut value);
    value
}
