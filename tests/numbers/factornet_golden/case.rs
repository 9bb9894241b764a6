//! The golden cases of whole networks, and how far numbers may be from them.

use cisgrad::engine::Real;
use cisgrad::io::state_dict::{StateDict, read};
use cisgrad::models::factornet::{Dropouts, Masking, Recurrent, Spec};
use cisgrad::train::folder::weights::Number;
use cisgrad::train::model::Lowering;
use serde_json::Value;

use crate::common::golden;

/// ||a - b|| / ||b|| in f64.
pub const TOLERANCE: f64 = 1e-9;
/// Largest difference over the largest number in f32: 10 times the error of the reference's own f32 run, at least this.
const LEAST_F32: f64 = 1e-6;

pub fn cases(kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(golden::factornet("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let cases = manifest["cases"].as_array().unwrap().clone();
    cases.into_iter().filter(|c| c["kind"] == kind).collect()
}

pub struct Case {
    pub name: String,
    pub manifest: Value,
    pub tensors: StateDict,
    pub spec: Spec,
    masked: bool,
}

impl Case {
    pub fn open(manifest: Value) -> Case {
        let file = golden::factornet(manifest["file"].as_str().unwrap());
        let config = &manifest["config"];
        let size = |key: &str| config[key].as_u64().unwrap() as usize;
        let rate = |key: &str| config[key].as_f64().unwrap();
        let masked = manifest["masked"].as_bool().unwrap();
        let order = config["rc_order"].as_array().unwrap().iter();
        let dropout = Dropouts {
            convolution: rate("p_conv"),
            lstm_input: rate("p_W"),
            lstm_state: rate("p_U"),
            features: rate("p_rate"),
            meta: rate("p_meta"),
            dense: rate("p_rate"),
        };
        let spec = Spec {
            length: size("L"),
            motif_width: size("w"),
            kernels: size("kernels"),
            recurrent: Recurrent::of(config["recurrent"].as_i64().unwrap()),
            dense: size("dense"),
            tracks: (0..size("num_bws")).map(|i| format!("track{i}")).collect(),
            rc_order: order.map(|i| i.as_u64().unwrap() as usize).collect(),
            meta: size("num_meta"),
            factors: size("num_tfs"),
            dropout: if masked { dropout } else { Dropouts::NONE },
        };
        spec.check().unwrap();
        Case {
            name: manifest["name"].as_str().unwrap().to_string(),
            tensors: read(file).unwrap(),
            manifest,
            spec,
            masked,
        }
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        let tensor = self.tensors.get(name);
        let tensor = tensor.unwrap_or_else(|| panic!("{}: no tensor {name}", self.name));
        tensor.values.to_f64()
    }

    pub fn shape(&self, name: &str) -> &[usize] {
        &self.tensors.get(name).unwrap().shape
    }

    /// The dense inputs of rows `rows`, masks from `prefix` (at a step, where there are several).
    pub fn dense<T: Number>(
        &self,
        rows: std::ops::Range<usize>,
        prefix: &str,
        step: Option<usize>,
    ) -> Vec<Vec<T>> {
        let spec = &self.spec;
        let mut dense: Vec<Vec<f64>> = Vec::new();
        if !spec.tracks.is_empty() {
            // (B, L, n) there, (n, L) of each row here.
            let (n, length) = (spec.tracks.len(), spec.length);
            let all = self.numbers("in/bw");
            let at = |row: usize, i: usize, t: usize| all[(row * length + t) * n + i];
            let mut values = Vec::new();
            for row in rows.clone() {
                for i in 0..n {
                    values.extend((0..length).map(|t| at(row, i, t)));
                }
            }
            dense.push(values);
        }
        if spec.meta > 0 {
            dense.push(part(&self.numbers("in/meta"), spec.meta, &rows));
        }
        if self.masked {
            let rates = spec.dropout;
            let lstm = matches!(spec.recurrent, Recurrent::Units(_));
            for (name, p, groups, there) in [
                ("conv", rates.convolution, 2, true),
                ("lstm_W", rates.lstm_input, 16, lstm),
                ("lstm_U", rates.lstm_state, 16, lstm),
                ("drop1", rates.features, 2, true),
                ("drop_meta", rates.meta, 2, spec.meta > 0),
                ("drop2", rates.dense, 2, true),
            ] {
                if there {
                    let name = format!("{prefix}/{name}");
                    let mut all = self.numbers(&name);
                    if let Some(step) = step {
                        let each = all.len() / self.shape(&name)[0];
                        all = all[step * each..(step + 1) * each].to_vec();
                    }
                    let rows = if step.is_some() {
                        0..rows.len()
                    } else {
                        rows.clone()
                    };
                    let kept = by_row(&all, groups, all.len() / groups / rows.len(), &rows);
                    dense.push(kept.iter().map(|m| m / (1.0 - p)).collect());
                }
            }
        }
        dense.push(part(&self.numbers("target"), spec.factors, &rows));
        let convert = |v: Vec<f64>| v.into_iter().map(T::of).collect();
        dense.into_iter().map(convert).collect()
    }

    pub fn codes(&self, rows: std::ops::Range<usize>) -> Vec<u8> {
        let all = self.tensors.get("in/seq").unwrap().values.clone();
        let all: &[u8] = all.as_slice().unwrap();
        all[rows.start * self.spec.length..rows.end * self.spec.length].to_vec()
    }

    pub fn masking(&self) -> Masking {
        if self.masked {
            Masking::Given
        } else {
            Masking::Drawn
        }
    }

    /// Layer by layer and, where no masks are given, fused.
    pub fn lowerings(&self) -> Vec<Lowering> {
        let mut all = vec![Lowering::Composed];
        if !self.masked {
            all.push(Lowering::Fused);
        }
        all
    }

    /// 10 times the reference's own error in f32.
    pub fn bound_f32(&self, path: &[&str]) -> f64 {
        let mut at = &self.manifest["f32_err_abs_rel"];
        for key in path {
            at = &at[*key];
        }
        (10.0 * at[1].as_f64().unwrap()).max(LEAST_F32)
    }
}

/// Rows of (B, len) numbers.
fn part(all: &[f64], len: usize, rows: &std::ops::Range<usize>) -> Vec<f64> {
    all[rows.start * len..rows.end * len].to_vec()
}

/// From (groups, B, len) to (rows, groups, len).
pub fn by_row(all: &[f64], groups: usize, len: usize, rows: &std::ops::Range<usize>) -> Vec<f64> {
    let batch = all.len() / groups / len;
    let mut out = Vec::new();
    for row in rows.clone() {
        for group in 0..groups {
            let at = (group * batch + row) * len;
            out.extend_from_slice(&all[at..at + len]);
        }
    }
    out
}

/// Collects what does not hold, and counts what was looked at.
#[derive(Default)]
pub struct Checks {
    done: usize,
    failures: Vec<String>,
    worst: f64,
}

impl Checks {
    pub fn add(&mut self, what: String, ours: &[f64], theirs: &[f64], bound: f64, f32: bool) {
        assert_eq!(ours.len(), theirs.len(), "{what}");
        let differences = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
        let error = if f32 {
            let largest = theirs.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            differences.fold(0.0, f64::max) / largest
        } else {
            let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
            norm(&differences.collect::<Vec<_>>()) / norm(theirs)
        };
        self.done += 1;
        self.worst = self.worst.max(error / bound);
        if error.is_nan() || error > bound {
            self.failures
                .push(format!("{what}: error {error:.3e}, allowed {bound:.1e}"));
        }
    }

    pub fn finish(self, at_least: usize) {
        println!(
            "{} checks, worst at {:.3} of its bound",
            self.done, self.worst
        );
        assert!(self.done >= at_least, "only {} checks", self.done);
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}

pub fn numbers<T: Real>(v: &[T]) -> Vec<f64> {
    v.iter().map(|x| x.f64()).collect()
}
