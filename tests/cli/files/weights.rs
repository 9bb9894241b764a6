//! Weights that other programs saved.

use std::io::{Read, Write};
use std::path::Path;

use cisgrad::io::state_dict::{NamedTensor, StateDict, Values, read, write_safetensors};

use crate::common::factornet::Cells;
use crate::common::kinds::Kind;
use crate::common::real_data::real_data;
use crate::common::tisfm::Data;
use crate::common::{Run, bytes, cisgrad, golden, names, parameter, text};

const BEST: &str = "model.best.safetensors";
/// Seventeen parameters, those of an attention layer among them.
const ATTENTION: &str = "model_pos_attention_calib_sigmoid_interaction";
const KEY: &str = "attention_layer.tokey_bias";
const QUERY: &str = "attention_layer.toquery_bias";

/// A trained model in `first`, of [`ATTENTION`].
fn trained() -> Data {
    let data = Data::new(30, 40);
    let flags = format!("--architecture {ATTENTION} --number-of-epochs 1 --seed 5");
    data.train("first", &flags).ok();
    data
}

/// The weights of `first`, changed, as a file of their own.
fn changed(data: &Data, file: &str, change: impl FnOnce(&mut StateDict)) {
    let mut state = read(data.path("first").join(BEST)).unwrap();
    change(&mut state);
    write_safetensors(data.path(file), &state).unwrap();
}

fn prefixed(prefix: &str) -> impl FnOnce(&mut StateDict) {
    move |state| {
        let tensors = state.tensors.iter_mut();
        tensors.for_each(|tensor| tensor.name.insert_str(0, prefix));
    }
}

fn convert(data: &Data, weights: &str, out: &str) -> Run {
    data.run(&format!(
        "convert tisfm --architecture {ATTENTION} --meme-file motifs.meme --weights {weights} --window-size 40 --out {out}"
    ))
}

/// Training that starts from weights and hardly moves them.
fn start(data: &Data, weights: &str, out: &str, more: &str) -> Run {
    let flags = format!(
        "--architecture {ATTENTION} --number-of-epochs 1 --lr 1e-15 --model {weights} {more}"
    );
    data.train(out, &flags)
}

/// The same weights, by name.
#[track_caller]
fn assert_same_weights(data: &Data, out: &str, what: &str) {
    let weights = |folder: &str| read(data.path(folder).join(BEST)).unwrap().tensors;
    assert!(weights("first") == weights(out), "{what}: other weights");
}

#[test]
fn a_prefix_of_all_names_is_taken_off_with_a_note() {
    let data = trained();
    for (i, prefix) in [
        "module.",
        "_orig_mod.",
        "model.",
        "model._orig_mod.",
        "module.module.",
        "network.",
    ]
    .into_iter()
    .enumerate()
    {
        changed(&data, "other.safetensors", prefixed(prefix));
        let run = convert(&data, "other.safetensors", &format!("c{i}")).ok();
        let note = format!(
            "note: other.safetensors: '{prefix}' before every parameter's name is taken off"
        );
        assert!(run.err.contains(&note), "{}", run.err);
        assert_same_weights(&data, &format!("c{i}"), prefix);
    }
    let run = start(&data, "other.safetensors", "on", "").ok();
    assert!(run.err.contains("'network.' before every"), "{}", run.err);
    let moved = |name: &str| {
        let [a, b] = ["first", "on"].map(|folder| parameter(data.path(folder).join(BEST), name));
        a.iter()
            .zip(&b)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max)
    };
    assert!(moved("linreg.weight") < 1e-6 && moved("interaction_layer.weight") < 1e-6);
    // Without one nothing is said.
    changed(&data, "own.safetensors", |_| ());
    for run in [
        convert(&data, "own.safetensors", "own"),
        start(&data, "own.safetensors", "o", ""),
    ] {
        assert!(!run.ok().err.contains("note:"));
    }
}

#[test]
fn names_that_do_not_fit_are_shown() {
    let data = trained();
    // Not before every name.
    changed(&data, "other.safetensors", |state| {
        prefixed("module.")(state);
        for tensor in &mut state.tensors {
            if tensor.name == "module.conv_scale" {
                tensor.name = "scale".into();
            }
        }
    });
    let shown = [
        "other.safetensors: no parameter ",
        "; the file has 'module.linreg.bias', 'module.linreg.weight' and 15 more",
        "another architecture",
    ];
    convert(&data, "other.safetensors", "never").fails(
        1,
        &["no parameter linreg.bias", shown[0], shown[1], shown[2]],
    );
    start(&data, "other.safetensors", "never", "").fails(1, &[shown[0], "the file has 'module."]);
    // Behind a prefix, and of another architecture: names are the file's.
    changed(&data, "other.safetensors", |state| {
        state
            .tensors
            .retain(|t| !t.name.starts_with("interaction_layer"));
        prefixed("module.")(state);
    });
    let parts = [
        "no parameter interaction_layer.weight; the file has 'module.",
        "and 12 more",
    ];
    convert(&data, "other.safetensors", "never").fails(1, &parts);
    start(&data, "other.safetensors", "never", "").fails(1, &parts);
    changed(&data, "other.safetensors", |state| {
        state
            .tensors
            .push(NamedTensor::new("loss.weight", &[1], vec![1f32]));
        prefixed("model.")(state);
    });
    let parts = ["not one of the architecture's parameters: 'model.loss.weight';"];
    convert(&data, "other.safetensors", "never").fails(1, &parts);
    start(&data, "other.safetensors", "never", "").fails(1, &parts);
    assert!(!data.path("never").exists());
}

/// A file that PyTorch wrote, with each entry of its archive changed.
fn rezip(from: &Path, to: &Path, change: impl Fn(&str, Vec<u8>) -> Vec<u8>) {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(from).unwrap()).unwrap();
    let mut writer = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).unwrap();
        let name = entry.name().unwrap().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        writer.start_file(name.as_str(), stored).unwrap();
        writer.write_all(&change(&name, content)).unwrap();
    }
    writer.finish().unwrap();
}

/// A string as pickle's protocol 2 writes it.
fn pickled(text: &str) -> Vec<u8> {
    let length = (text.len() as u32).to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

/// The pickle of `{"epoch": 5, KEY: what was pickled, "optimizer": {"lr": 5}}`, every parameter's name behind `prefix`.
fn checkpoint(pickle: &[u8], key: &str, prefix: &str, parameters: &[String]) -> Vec<u8> {
    let mut inner = pickle[2..pickle.len() - 1].to_vec();
    for name in parameters {
        let (from, to) = (pickled(name), pickled(&format!("{prefix}{name}")));
        let at = inner.windows(from.len()).position(|w| w == from).unwrap();
        inner.splice(at..at + from.len(), to);
    }
    let epoch = [&pickled("epoch")[..], b"K\x05"].concat();
    let optimizer = [&pickled("optimizer")[..], b"}", &pickled("lr"), b"K\x05s"].concat();
    [
        b"\x80\x02}(",
        &epoch[..],
        &pickled(key),
        &inner,
        &optimizer,
        b"u.",
    ]
    .concat()
}

#[test]
fn a_checkpoint_that_holds_a_state_dict_is_opened() {
    let scratch = tempfile::tempdir().unwrap();
    let case = golden::tisfm("model_pos_calib_sigmoid");
    let original = golden::pytorch("model.best");
    let state = read(&original).unwrap();
    let parameters: Vec<String> = state.tensors.iter().map(|t| t.name.clone()).collect();
    for (i, (key, prefix)) in [
        ("state_dict", "model."),
        ("model_state_dict", ""),
        ("model", "module."),
    ]
    .into_iter()
    .enumerate()
    {
        let file = scratch.path().join("c.ckpt");
        rezip(&original, &file, |name, content| {
            match name.ends_with("data.pkl") {
                true => checkpoint(&content, key, prefix, &parameters),
                false => content,
            }
        });
        let convert = format!(
            "convert tisfm --architecture model_pos_calib_sigmoid --meme-file {} --weights c.ckpt --window-size 80 --out o{i}",
            case.join("motifs.meme").display()
        );
        let run = cisgrad(scratch.path(), &convert).ok();
        let note = format!("note: c.ckpt is a checkpoint: its entry '{key}' is taken");
        assert!(run.err.contains(&note), "{}", run.err);
        assert_eq!(
            run.err.contains("is taken off"),
            !prefix.is_empty(),
            "{}",
            run.err
        );
        let ours = read(scratch.path().join(format!("o{i}")).join(BEST)).unwrap();
        assert!(ours.tensors == state.tensors, "{key}");
    }
    // Another network's, in a checkpoint: its names.
    let arguments = format!(
        "convert tisfm --architecture aitac --weights c.ckpt --window-size 80 --meme-file {} --out never",
        case.join("motifs.meme").display()
    );
    cisgrad(scratch.path(), &arguments)
        .fails(1, &["c.ckpt: no parameter", "the file has 'module."]);
}

/// A module called `model` of a state dict is no checkpoint's entry.
#[test]
fn a_module_of_the_name_of_an_entry_stays_a_prefix() {
    let scratch = tempfile::tempdir().unwrap();
    let case = golden::tisfm("model_pos_calib_sigmoid");
    let state = read(golden::pytorch("model.best")).unwrap();
    let parameters: Vec<String> = state.tensors.iter().map(|t| t.name.clone()).collect();
    rezip(
        &golden::pytorch("model.best"),
        &scratch.path().join("m.pt"),
        |name, content| {
            if !name.ends_with("data.pkl") {
                return content;
            }
            let whole = checkpoint(&content, "model", "model.", &parameters);
            // Without the dictionary around it.
            let inner = pickled("model");
            let from = whole.windows(inner.len()).position(|w| w == inner).unwrap() + inner.len();
            let end = pickled("optimizer");
            let to = whole.windows(end.len()).position(|w| w == end).unwrap();
            [b"\x80\x02", &whole[from..to], b"."].concat()
        },
    );
    let run = cisgrad(
        scratch.path(),
        &format!(
            "convert tisfm --architecture model_pos_calib_sigmoid --meme-file {} --weights m.pt --window-size 80 --out o",
            case.join("motifs.meme").display()
        ),
    )
    .ok();
    assert!(
        run.err.contains("m.pt: 'model.' before every"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("checkpoint"), "{}", run.err);
}

#[test]
fn key_and_query_biases_that_are_both_absent_are_zeros() {
    let data = trained();
    let without = |absent: &'static [&str]| {
        move |state: &mut StateDict| state.tensors.retain(|t| !absent.contains(&&*t.name))
    };
    changed(&data, "old.safetensors", without(&[KEY, QUERY]));
    let note = format!("note: old.safetensors has neither {KEY} nor {QUERY}");
    for (out, run) in [
        ("converted", convert(&data, "old.safetensors", "converted")),
        ("on", start(&data, "old.safetensors", "on", "")),
    ] {
        let run = run.ok();
        assert!(
            run.err.contains(&note) && run.err.contains("they are 0"),
            "{}",
            run.err
        );
        for name in [KEY, QUERY] {
            let found = parameter(data.path(out).join(BEST), name);
            assert_eq!(found.len(), 4, "{out}");
            assert!(found.iter().all(|x| x.abs() < 1e-12), "{out}: {found:?}");
        }
    }
    for (absent, name) in [(&[KEY][..], KEY), (&[QUERY], QUERY)] {
        changed(&data, "half.safetensors", without(absent));
        let part = format!("half.safetensors: no parameter {name}; the file has");
        convert(&data, "half.safetensors", "never").fails(1, &[&part]);
        start(&data, "half.safetensors", "never", "").fails(1, &[&part]);
    }
    assert!(!data.path("never").exists());
}

/// Ranks that the authors' paper and the cells' biology let one expect.
#[test]
fn the_published_model_ranks_the_factors_of_its_cells() {
    let Some(real) = real_data() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let convert = format!(
        "convert tisfm --architecture {ATTENTION} --meme-file {} --weights {} --window-size 300 --out published",
        real.join("motifs/cisBP_mouse.meme.gz").display(),
        real.join("models_tisfm/model.24").display()
    );
    let run = cisgrad(scratch.path(), &convert).ok();
    assert!(
        run.err
            .contains(&format!("model.24 has neither {KEY} nor {QUERY}")),
        "{}",
        run.err
    );
    let table = cisgrad(scratch.path(), "tisfm motifs --model published --top 4")
        .ok()
        .table();
    let outputs = table.column("output");
    let motifs = table.column("motif");
    let of = |output: &str| -> Vec<&str> {
        let rows = outputs.iter().zip(&motifs).filter(|(o, _)| **o == output);
        rows.map(|(_, motif)| motif.split('+').next().unwrap())
            .collect()
    };
    assert_eq!(of("output_2")[2..], ["Pax5", "Ebf1"]);
    assert_eq!(of("output_4")[0], "Rorc");
}

#[test]
fn weights_that_are_not_finite_are_refused_by_name() {
    let data = trained();
    let part = "parameter interaction_layer.bias: NaN or infinite in 1 of";
    for wide in [false, true] {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            changed(&data, "bad.safetensors", |state| {
                for tensor in &mut state.tensors {
                    let mut values = tensor.values.to_f64();
                    if tensor.name == "interaction_layer.bias" {
                        values[1] = bad;
                    }
                    tensor.values = match wide {
                        true => values.into(),
                        false => Values::F32(values.iter().map(|&x| x as f32).collect()),
                    };
                }
            });
            convert(&data, "bad.safetensors", "never").fails(1, &["bad.safetensors", part]);
        }
    }
    start(&data, "bad.safetensors", "never", "").fails(1, &["bad.safetensors", part]);
    assert!(!data.path("never").exists());
    // In a model folder, by every command that reads one.
    std::fs::copy(data.path("bad.safetensors"), data.path("first").join(BEST)).unwrap();
    for reading in data.reading("first", "out.tsv") {
        data.run(&reading.arguments)
            .fails(1, &["first/model.best.safetensors", part]);
        assert!(!data.path("out.tsv").exists());
    }
    start(&data, "first", "never", "").fails(1, &[BEST, part]);
    // More than f32 holds.
    changed(&data, "wide.safetensors", |state| {
        for tensor in &mut state.tensors {
            let wide = tensor
                .values
                .to_f64()
                .iter()
                .map(|_| 1e300)
                .collect::<Vec<_>>();
            tensor.values = wide.into();
        }
    });
    start(&data, "wide.safetensors", "never", "").fails(
        1,
        &[
            "wide.safetensors",
            "beyond the range of f32: use --precision f64",
        ],
    );
}

#[test]
fn a_pytorch_file_with_nan_is_refused_by_name() {
    let scratch = tempfile::tempdir().unwrap();
    let case = golden::tisfm("model_pos_calib_sigmoid");
    let state = read(golden::pytorch("model.best")).unwrap();
    let bias = &state.get("linreg.bias").unwrap().values.to_f64();
    let bias: Vec<u8> = bias.iter().flat_map(|x| x.to_le_bytes()).collect();
    rezip(
        &golden::pytorch("model.best"),
        &scratch.path().join("nan.pt"),
        |_, content| match content == bias {
            true => [&f64::NAN.to_le_bytes()[..], &bias[8..]].concat(),
            false => content,
        },
    );
    let convert = format!(
        "convert tisfm --architecture model_pos_calib_sigmoid --meme-file {} --weights nan.pt --window-size 80 --out never",
        case.join("motifs.meme").display()
    );
    let part = "nan.pt: parameter linreg.bias: NaN or infinite in 1 of 3 places";
    cisgrad(scratch.path(), &convert).fails(1, &[part]);
    assert_eq!(names(scratch.path()), ["nan.pt"]);
}

#[test]
fn factornets_weights_that_are_not_finite_are_refused_by_name() {
    let cells = Cells::new();
    cells.train("model", "-e 1").ok();
    let best = cells.path("model").join(BEST);
    let mut state = read(&best).unwrap();
    let tensor = state
        .tensors
        .iter_mut()
        .find(|t| t.name == "dense_2_b")
        .unwrap();
    let mut values = tensor.values.to_f32();
    values[0] = f32::INFINITY;
    tensor.values = values.into();
    write_safetensors(&best, &state).unwrap();
    for reading in cells.reading("model", "out") {
        let parts = [
            "model/model.best.safetensors",
            "parameter dense_2_b: NaN or infinite in 1 of",
        ];
        cells.run(&reading.arguments).fails(1, &parts);
    }
    // What Keras saved.
    cells.convert_arguments("keras", "x");
    cells.run("convert factornet keras --out good").ok();
    let known = read(cells.path("good").join(BEST)).unwrap();
    let bias = known.get("dense_2_b").unwrap().values.to_f32();
    let bias: Vec<u8> = bias.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut file = bytes(cells.path("keras/best_model.hdf5"));
    let places: Vec<usize> = (0..=file.len() - bias.len())
        .filter(|&at| file[at..at + bias.len()] == bias)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        file[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    }
    cells.write("keras/best_model.hdf5", file);
    let parts = [
        "keras/best_model.hdf5: layer",
        "dense_2_b",
        "NaN or infinite in 1 of",
    ];
    cells
        .run("convert factornet keras --out never")
        .fails(1, &parts);
    assert!(!cells.path("never").exists());
    for reading in cells.reading("keras", "out") {
        cells.run(&reading.arguments).fails(1, &parts);
    }
}

#[test]
fn calibrating_motifs_beside_given_weights_is_told_to_do_nothing() {
    let data = trained();
    changed(&data, "w.safetensors", |_| ());
    let note = "note: --calibrate-motifs does nothing";
    for (i, model) in ["w.safetensors", "first"].into_iter().enumerate() {
        let (with, without) = (format!("a{i}"), format!("b{i}"));
        let run = start(&data, model, &with, "--calibrate-motifs").ok();
        assert!(run.err.contains(note), "{}", run.err);
        let run = start(&data, model, &without, "").ok();
        assert!(!run.err.contains("--calibrate-motifs"), "{}", run.err);
        assert!(bytes(data.path(&with).join(BEST)) == bytes(data.path(&without).join(BEST)));
    }
    let run = data
        .train("c", "--calibrate-motifs --number-of-epochs 1")
        .ok();
    assert!(!run.err.contains(note), "{}", run.err);
    assert!(text(data.path("c/config.json")).contains("\"calibrate_motifs\": true"));
}
