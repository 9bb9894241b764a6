//! Models of the original program brought over: the folder made of its weights predicts what the
//! original predicted.

use std::path::{Path, PathBuf};

use cisgrad::io::state_dict::read;

use crate::common::golden::{pytorch, tisfm as golden};
use crate::common::{Run, Table, cisgrad, names, text};

/// A golden case of an architecture.
struct Case {
    name: String,
    folder: PathBuf,
    window: u64,
    outputs: usize,
}

impl Case {
    fn open(name: &str) -> Case {
        let folder = golden(name);
        let case: serde_json::Value =
            serde_json::from_str(&text(folder.join("case.json"))).unwrap();
        Case {
            name: name.to_string(),
            window: case["window"].as_u64().unwrap(),
            outputs: case["outputs"].as_u64().unwrap() as usize,
            folder,
        }
    }

    fn all(scratch: &Path) -> Vec<Case> {
        let listed = cisgrad(scratch, "tisfm architectures").ok().table();
        let mut names = listed.column("architecture");
        names.retain(|name| !crate::commands::OURS.contains(name));
        assert_eq!(names.len(), 26);
        names.into_iter().map(Case::open).collect()
    }

    fn convert(&self, scratch: &Path, weights: &Path, more: &str) -> Run {
        let motifs = self.folder.join("motifs.meme");
        let arguments = format!(
            "convert tisfm --architecture {} --meme-file {} --weights {} --window-size {} --out {} {more}",
            self.name,
            motifs.display(),
            weights.display(),
            self.window,
            self.name
        );
        cisgrad(scratch, &arguments)
    }

    fn predict(&self, scratch: &Path, precision: &str) -> Table {
        let sequences = self.folder.join("sequences.tsv");
        let arguments = format!(
            "tisfm predict --model {} --sequences {} --precision {precision}",
            self.name,
            sequences.display()
        );
        cisgrad(scratch, &arguments).ok().table()
    }

    /// ||ours - the original's|| / ||the original's||.
    fn error(&self, table: &Table) -> f64 {
        let expected = read(self.folder.join("expected.safetensors")).unwrap();
        let theirs = expected.get("output").unwrap().values.to_f64();
        let ours: Vec<f64> = table
            .rows
            .iter()
            .flat_map(|r| r[1..].iter().map(|x| x.parse::<f64>().unwrap()))
            .collect();
        assert_eq!(ours.len(), theirs.len(), "{}", self.name);
        let norm = |v: Vec<f64>| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        norm(ours.iter().zip(&theirs).map(|(a, b)| a - b).collect()) / norm(theirs)
    }
}

#[test]
fn every_architecture_predicts_what_the_original_did() {
    let scratch = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in Case::all(scratch.path()) {
        case.convert(scratch.path(), &case.folder.join("params.safetensors"), "")
            .ok();
        for (precision, bound) in [("f64", 1e-9), ("f32", 1e-4)] {
            let table = case.predict(scratch.path(), precision);
            let error = case.error(&table);
            // NaN is wrong too.
            if error.is_nan() || error > bound {
                wrong.push(format!("{} in {precision}: {error:.2e}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_file_that_pytorch_wrote_is_taken_as_it_is() {
    let scratch = tempfile::tempdir().unwrap();
    let case = Case::open("model_pos_calib_sigmoid");
    let weights = pytorch("model.best");
    case.convert(scratch.path(), &weights, "").ok();
    let error = case.error(&case.predict(scratch.path(), "f64"));
    assert!(error < 1e-9, "{error:e}");
}

/// The original's file also starts a run of ours.
#[test]
fn training_starts_from_the_file_that_pytorch_wrote() {
    let scratch = tempfile::tempdir().unwrap();
    let case = Case::open("model_pos_calib_sigmoid");
    let file = |name: &str| case.folder.join(name).display().to_string();
    let weights = pytorch("model.best");
    let arguments = format!(
        "tisfm train --architecture {} --meme-file {} --atac-file {} --sequences {} --model {} \
         --split random:60,20,20 --number-of-epochs 1 --lr 1e-15 --precision f64 --out {}",
        case.name,
        file("motifs.meme"),
        file("signals.tsv"),
        file("sequences.tsv"),
        weights.display(),
        case.name
    );
    cisgrad(scratch.path(), &arguments).ok();
    let error = case.error(&case.predict(scratch.path(), "f64"));
    assert!(error < 1e-9, "{error:e}");
}

#[test]
fn a_converted_folder_keeps_names_types_and_shows_its_outputs() {
    let scratch = tempfile::tempdir().unwrap();
    let case = Case::open("model_pos_calib_sigmoid");
    let weights = case.folder.join("params.safetensors");
    case.convert(scratch.path(), &weights, "--output-names a,b,c")
        .ok();
    let model = scratch.path().join(&case.name);
    assert_eq!(
        names(&model),
        [
            "config.json",
            "model.best.safetensors",
            "model.last.safetensors"
        ]
    );
    let (theirs, ours) = (
        read(&weights).unwrap(),
        read(model.join("model.best.safetensors")).unwrap(),
    );
    assert_eq!(theirs.tensors, ours.tensors);
    let table = case.predict(scratch.path(), "f64");
    assert_eq!(table.header, ["name", "a", "b", "c"]);
    // A second one into the same folder is refused, and the first stays.
    case.convert(scratch.path(), &weights, "")
        .fails(1, &["holds a model already"]);
    assert_eq!(case.predict(scratch.path(), "f64"), table);
    // The folder of a converted model knows no data.
    cisgrad(scratch.path(), &format!("tisfm test --model {}", case.name))
        .fails(2, &["knows no training data", "--atac-file"]);
    let test = |signals: &Path| {
        let test = format!(
            "tisfm test --model {} --atac-file {} --sequences {}",
            case.name,
            signals.display(),
            case.folder.join("sequences.tsv").display()
        );
        cisgrad(scratch.path(), &test)
    };
    let theirs = case.folder.join("signals.tsv");
    test(&theirs).fails(1, &["the model's a, b, c: name the columns"]);
    let named = text(&theirs).replacen("cell0\tcell1\tcell2", "a\tb\tc", 1);
    let signals = scratch.path().join("named.tsv");
    std::fs::write(&signals, named).unwrap();
    test(&signals).fails(2, &["holds no split", "--split-folder"]);
}

/// What the last layer's inputs are decides what `motifs` can say.
#[test]
fn motifs_tells_features_of_a_motif_apart_and_says_when_there_are_none() {
    let scratch = tempfile::tempdir().unwrap();
    let motifs = |name: &str| {
        let case = Case::open(name);
        case.convert(scratch.path(), &case.folder.join("params.safetensors"), "")
            .ok();
        (
            case,
            cisgrad(scratch.path(), &format!("tisfm motifs --model {name}")),
        )
    };
    for name in [
        "model_pos_attention_calib_sigmoid_and_or",
        "model_pos_attention_calib_sigmoid_interaction_3_feature_per_motif",
    ] {
        let (case, run) = motifs(name);
        let report = format!("report {name} --out {name}.html");
        cisgrad(scratch.path(), &report).ok();
        let page = crate::report::page(&scratch.path().join(format!("{name}.html")));
        assert!(page.contains("the model was not trained here"));
        let table = run.ok().table();
        assert_eq!(
            table.header.join(" "),
            "output rank motif block weight importance mean_activity"
        );
        let mut blocks = table.column("block");
        blocks.sort_unstable();
        blocks.dedup();
        assert!(blocks.len() > 1, "{name}: {blocks:?}");
        let mut keys: Vec<String> = table
            .rows
            .iter()
            .map(|r| [&r[0][..], &r[2], &r[3]].join(" "))
            .collect();
        let rows = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(
            keys.len(),
            rows,
            "{name}: a motif and block comes once an output"
        );
        assert_eq!(rows % (case.outputs * blocks.len()), 0);
    }
    let (_, run) = motifs("aitac");
    assert_eq!(run.out, "");
    run.fails(1, &["aitac cannot rank motifs", "no motif layer"]);
}

#[test]
fn weights_of_another_architecture_name_what_differs() {
    let scratch = tempfile::tempdir().unwrap();
    let weights = golden("model_pos_calib_sigmoid").join("params.safetensors");
    let mut case = Case::open("model_pos_calib_sigmoid");
    case.name = "model_pos_calib_sigmoid_interaction".into();
    case.convert(scratch.path(), &weights, "").fails(
        1,
        &[
            "params.safetensors",
            "interaction_layer.",
            "another architecture",
        ],
    );
    case.name = "aitac".into();
    case.convert(scratch.path(), &weights, "")
        .fails(1, &["params.safetensors", "no parameter layer"]);
    // A parameter too many, and one of another shape.
    let full = golden("model_pos_calib_sigmoid_interaction").join("params.safetensors");
    let mut larger = Case::open("model_pos_calib_sigmoid_interaction");
    larger.name = "model_pos_calib_sigmoid".into();
    larger
        .convert(scratch.path(), &full, "")
        .fails(1, &["interaction_layer.", "not one of the architecture's"]);
    case.name = "model_pos_calib_sigmoid".into();
    case.window += 20;
    case.convert(scratch.path(), &weights, "")
        .fails(1, &["position_emb", "shape", "expects"]);
    case.window -= 20;
    case.convert(scratch.path(), &weights, "--output-names a,b")
        .fails(2, &["--output-names: 2 names for 3 outputs"]);
    assert_eq!(names(scratch.path()), [""; 0], "nothing is left behind");
}
