//! FactorNet against the original program's numbers (Keras 1.2.2 on Theano, f64): activations, probabilities, loss,
//! gradients, Adam's steps, with dropout off and with given masks, and single layers.

use cisgrad::engine::{Batch, Context, CpuExecutor, Init, Noise, Piece, Program, Real, Tape};
use cisgrad::io::state_dict::{StateDict, read};
use cisgrad::models::factornet::{Dropouts, Masking, Recurrent, Spec, inject};
use cisgrad::ops::activation::{Activation, activation};
use cisgrad::ops::binary_cross_entropy::binary_cross_entropy;
use cisgrad::ops::strand_conv::{Tracks, strand_conv};
use cisgrad::ops::strand_mean::strand_mean;
use cisgrad::ops::strand_pool::strand_pool;
use cisgrad::optim::{Optimizer, OptimizerSettings};
use cisgrad::train::folder::weights::Number;
use cisgrad::train::model::{Lowering, Model};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// ||a - b|| / ||b|| in f64.
const TOLERANCE: f64 = 1e-9;
/// Largest difference over the largest number in f32: 10 times the error of the reference's own f32 run, at least this.
const LEAST_F32: f64 = 1e-6;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden/factornet")
}

fn cases(kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let cases = manifest["cases"].as_array().unwrap().clone();
    cases.into_iter().filter(|c| c["kind"] == kind).collect()
}

struct Case {
    name: String,
    manifest: Value,
    tensors: StateDict,
    spec: Spec,
    masked: bool,
}

impl Case {
    fn open(manifest: Value) -> Case {
        let file = folder().join(manifest["file"].as_str().unwrap());
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

    fn numbers(&self, name: &str) -> Vec<f64> {
        let tensor = self.tensors.get(name);
        let tensor = tensor.unwrap_or_else(|| panic!("{}: no tensor {name}", self.name));
        tensor.values.to_f64()
    }

    fn shape(&self, name: &str) -> &[usize] {
        &self.tensors.get(name).unwrap().shape
    }

    /// The dense inputs of rows `rows`, masks from `prefix` (at a step, where there are several).
    fn dense<T: Number>(
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

    fn codes(&self, rows: std::ops::Range<usize>) -> Vec<u8> {
        let all = self.tensors.get("in/seq").unwrap().values.clone();
        let all: &[u8] = all.as_slice().unwrap();
        all[rows.start * self.spec.length..rows.end * self.spec.length].to_vec()
    }

    fn masking(&self) -> Masking {
        if self.masked {
            Masking::Given
        } else {
            Masking::Drawn
        }
    }

    /// Layer by layer and, where no masks are given, fused.
    fn lowerings(&self) -> Vec<Lowering> {
        let mut all = vec![Lowering::Composed];
        if !self.masked {
            all.push(Lowering::Fused);
        }
        all
    }

    /// 10 times the reference's own error in f32.
    fn bound_f32(&self, path: &[&str]) -> f64 {
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
fn by_row(all: &[f64], groups: usize, len: usize, rows: &std::ops::Range<usize>) -> Vec<f64> {
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
struct Checks {
    done: usize,
    failures: Vec<String>,
    worst: f64,
}

impl Checks {
    fn add(&mut self, what: String, ours: &[f64], theirs: &[f64], bound: f64, f32: bool) {
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

    fn finish(self, at_least: usize) {
        println!(
            "{} checks, worst at {:.3} of its bound",
            self.done, self.worst
        );
        assert!(self.done >= at_least, "only {} checks", self.done);
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}

fn numbers<T: Real>(v: &[T]) -> Vec<f64> {
    v.iter().map(|x| x.f64()).collect()
}

fn parameters<T: Number>(case: &Case) -> Vec<T> {
    let layout = case.spec.layout().unwrap();
    let stored = case.tensors.tensors.iter();
    let stored = stored.filter(|t| t.name.starts_with("param/")).count();
    assert_eq!(layout.params.len(), stored, "{}", case.name);
    let mut values = Vec::new();
    for param in &layout.params {
        let name = format!("param/{}", param.name);
        assert_eq!(case.shape(&name), param.shape, "{}: {name}", case.name);
        values.extend(case.numbers(&name).into_iter().map(T::of));
    }
    values
}

/// Activations, probabilities, losses and gradients of the whole batch.
fn check_network<T: Number>(case: &Case, lowering: Lowering, checks: &mut Checks) {
    let f32 = T::NAME == "f32";
    let rows = case.manifest["batch"].as_u64().unwrap() as usize;
    let (mut tape, built, loss) = case.spec.with_loss::<T>(lowering, case.masking());
    let sampled = case.manifest["big_act_samples"].as_u64().unwrap() as usize;
    let mut activations = vec![
        ("pool", built.pool, rows),
        ("dense1", built.dense, rows),
        ("logit", built.logits, rows),
        ("prob_strand", built.strands, rows),
    ];
    if let Some(each) = built.activations {
        activations.push(("conv", each.convolution, sampled));
        activations.push(("td", each.positionwise, sampled));
    }
    activations.extend(built.lstm.map(|var| ("blstm", var, rows)));
    activations.extend(built.meta.map(|var| ("dense2", var, rows)));
    for &(_, var, _) in &activations {
        tape.keep(var);
    }
    let program = Program::new(tape, built.output, Some(loss), rows);
    let params = parameters::<T>(case);
    let (dense, codes) = (case.dense::<T>(0..rows, "mask", None), case.codes(0..rows));
    let piece = Piece {
        rows,
        dense: dense.iter().map(Vec::as_slice).collect(),
        context: Context {
            codes: &codes,
            first: &codes[..case.spec.length],
            noise: Noise::default(),
            prepared: None,
            parallel: false,
        },
    };
    let mut arena = vec![T::ZERO; program.arena_len()];
    let mut prepared = Vec::new();
    program.prepare(&params, &mut prepared, true);
    program.forward(&mut arena, &params, &prepared, &piece);
    let label = |what: &str| format!("{} {} {lowering:?} {what}", case.name, T::NAME);
    let bound = |path: &[&str]| if f32 { case.bound_f32(path) } else { TOLERANCE };
    if !f32 {
        for (name, var, kept) in activations {
            let ours = numbers(program.read(&arena, &params, var, rows));
            let len = ours.len() / rows;
            let stored = case.numbers(&format!("act/{name}"));
            // (2, rows, ...) there, (2, ...) of each row here.
            let theirs = by_row(&stored, 2, len / 2, &(0..kept));
            checks.add(label(name), &ours[..kept * len], &theirs, TOLERANCE, false);
        }
    }
    let output = numbers(program.read(&arena, &params, built.output, rows));
    checks.add(
        label("prob"),
        &output,
        &case.numbers("act/prob"),
        bound(&["prob"]),
        f32,
    );
    let losses = numbers(program.read_loss(&arena, &params, rows));
    let mean = losses.iter().sum::<f64>() / rows as f64;
    checks.add(
        label("loss"),
        &[mean],
        &case.numbers("loss"),
        bound(&["loss"]),
        f32,
    );
    let mut grads = vec![T::ZERO; params.len()];
    let seed = T::of(1.0 / rows as f64);
    program.backward(&mut arena, &params, &mut grads, &prepared, &piece, seed);
    for param in &program.layout().params {
        let theirs = case.numbers(&format!("grad/{}", param.name));
        let bound = bound(&["grad", &param.name]);
        let ours = numbers(&grads[param.range()]);
        checks.add(
            label(&format!("grad {}", param.name)),
            &ours,
            &theirs,
            bound,
            f32,
        );
    }
}

/// Losses of every step of Adam, weights after the first and the last, by the executor with pieces of three rows.
fn check_adam<T: Number>(case: &Case, lowering: Lowering, checks: &mut Checks) {
    let f32 = T::NAME == "f32";
    let adam = &case.manifest["adam"];
    let steps = adam["steps"].as_u64().unwrap() as usize;
    let size = adam["minibatch"].as_u64().unwrap() as usize;
    let (tape, built, loss) = case.spec.with_loss::<T>(lowering, case.masking());
    let mut executor = CpuExecutor::new(Program::new(tape, built.output, Some(loss), 3));
    let layout = executor.layout().clone();
    let mut params = parameters::<T>(case);
    let mut optimizer = Optimizer::<T>::new(OptimizerSettings::keras(), params.len());
    let mut grads = vec![T::ZERO; params.len()];
    let mut losses = Vec::new();
    let label = |what: String| format!("{} {} {lowering:?} {what}", case.name, T::NAME);
    for step in 0..steps {
        let rows = size * (step % 2)..size * (step % 2 + 1);
        let dense = case.dense::<T>(rows.clone(), "adam_mask", Some(step));
        let codes = case.codes(rows);
        let batch = Batch {
            rows: size,
            codes: &codes,
            dense: dense.iter().map(Vec::as_slice).collect(),
            noise: Noise::default(),
        };
        let mut each = vec![T::ZERO; size];
        executor.gradients(&mut params, &batch, &mut each, &mut grads);
        losses.push(numbers(&each).iter().sum::<f64>() / size as f64);
        optimizer.step(&layout, adam["lr"].as_f64().unwrap(), &mut params, &grads);
        let stored = match step + 1 {
            1 => "step1",
            last if last == steps => "final",
            _ => continue,
        };
        for param in &layout.params {
            let names = [
                format!("adam/{stored}/{}", param.name),
                format!("adam/step{}/{}", step + 1, param.name),
            ];
            let found = names.iter().find(|name| case.tensors.get(name).is_some());
            let found = found.unwrap_or_else(|| panic!("{}: no {}", case.name, names[0]));
            let bound = match (f32, step + 1 == steps) {
                (false, _) => TOLERANCE,
                (true, true) => case.bound_f32(&["adam_final", &param.name]),
                // The manifest has no figure for the weights after one step.
                (true, false) => continue,
            };
            let ours = numbers(&params[param.range()]);
            checks.add(
                label(found.clone()),
                &ours,
                &case.numbers(found),
                bound,
                f32,
            );
        }
    }
    let bound = if f32 {
        case.bound_f32(&["adam_losses"])
    } else {
        TOLERANCE
    };
    checks.add(
        label("adam losses".into()),
        &losses,
        &case.numbers("adam/losses"),
        bound,
        f32,
    );
}

/// 14 cases with dropout off and 7 with given masks.
const TRAINED: usize = 21;

#[test]
fn every_training_case_holds_in_f64() {
    let mut checks = Checks::default();
    let cases = cases("train");
    assert_eq!(cases.len(), TRAINED);
    for case in cases.into_iter().map(Case::open) {
        for lowering in case.lowerings() {
            check_network::<f64>(&case, lowering, &mut checks);
            check_adam::<f64>(&case, lowering, &mut checks);
        }
    }
    checks.finish(TRAINED * 40);
}

#[test]
fn every_training_case_holds_in_f32() {
    let mut checks = Checks::default();
    for case in cases("train").into_iter().map(Case::open) {
        for lowering in case.lowerings() {
            check_network::<f32>(&case, lowering, &mut checks);
            check_adam::<f32>(&case, lowering, &mut checks);
        }
    }
    checks.finish(TRAINED * 20);
}

fn ops() -> StateDict {
    read(folder().join("ops.safetensors")).unwrap()
}

fn tensor(ops: &StateDict, name: &str) -> Vec<f64> {
    ops.get(name).unwrap().values.to_f64()
}

/// The output of a tape, and the gradient of its first dense input when every output counts `weights`.
fn run(
    tape: Tape<f64>,
    output: cisgrad::engine::Var,
    rows: usize,
    codes: &[u8],
    dense: Vec<&[f64]>,
    params: &[f64],
) -> Vec<f64> {
    let width = tape.len(output);
    let mut executor = CpuExecutor::new(Program::new(tape, output, None, rows));
    let mut out = vec![0.0; rows * width];
    let batch = Batch {
        rows,
        codes,
        dense,
        noise: Noise::default(),
    };
    executor.forward(params, &batch, &mut out);
    out
}

#[test]
fn the_clipped_loss_and_its_gradient_are_the_originals() {
    let ops = ops();
    let (logits, n) = (tensor(&ops, "bce/logits"), 16);
    let mut checks = Checks::default();
    for flip in ["", "_flip"] {
        let target = tensor(&ops, &format!("bce/target{flip}"));
        let mut tape = Tape::<f64>::new(true);
        let input = tape.dense_input(&[2, 1]);
        tape.watch(input);
        let strands = activation(&mut tape, input, Activation::Sigmoid);
        let output = strand_mean(&mut tape, strands);
        let against = tape.dense_input(&[1]);
        let loss = binary_cross_entropy(&mut tape, output, against);
        let mut executor = CpuExecutor::new(Program::new(tape, output, Some(loss), n));
        let batch = Batch {
            rows: n,
            codes: &[],
            dense: vec![&logits, &target],
            noise: Noise::default(),
        };
        let found = executor.inspect(&[], &batch, &mut [], &[input]);
        let each = tensor(&ops, &format!("bce/loss_each{flip}"));
        checks.add(
            format!("loss{flip}"),
            &found.losses,
            &each,
            TOLERANCE,
            false,
        );
        let mean: Vec<f64> = found.watched[0].iter().map(|g| g / n as f64).collect();
        let theirs = tensor(&ops, &format!("bce/grad_logits{flip}"));
        checks.add(format!("gradient{flip}"), &mean, &theirs, TOLERANCE, false);
        if flip.is_empty() {
            let probabilities = tensor(&ops, "bce/prob");
            checks.add(
                "probabilities".into(),
                &found.output,
                &probabilities,
                TOLERANCE,
                false,
            );
        }
    }
    checks.finish(5);
}

#[test]
fn adam_leaves_epsilon_outside_the_correction() {
    let ops = ops();
    let mut tape = Tape::<f64>::new(true);
    let param = tape.param("p", &[24], Init::Constant(0.0));
    let loss = tape.view(param, &[24]);
    let weights = tape.dense_input(&[24]);
    let loss = cisgrad::ops::inner::inner(&mut tape, loss, weights);
    let program = Program::new(tape, loss, Some(loss), 1);
    let mut params = tensor(&ops, "adam/p0");
    let mut optimizer = Optimizer::<f64>::new(OptimizerSettings::keras(), params.len());
    let mut checks = Checks::default();
    let (grads, after) = (tensor(&ops, "adam/grads"), tensor(&ops, "adam/p_after"));
    for (step, (grads, after)) in grads.chunks(24).zip(after.chunks(24)).enumerate() {
        optimizer.step(program.layout(), 1e-3, &mut params, grads);
        checks.add(format!("step {step}"), &params, after, TOLERANCE, false);
    }
    checks.add(
        "m".into(),
        &optimizer.m,
        &tensor(&ops, "adam/m"),
        TOLERANCE,
        false,
    );
    checks.add(
        "v".into(),
        &optimizer.v,
        &tensor(&ops, "adam/v"),
        TOLERANCE,
        false,
    );
    checks.finish(22);
    let wrong = tensor(&ops, "adam/WRONG_torch_style_final");
    let far = params.iter().zip(&wrong).any(|(a, b)| (a - b).abs() > 1e-4);
    assert!(far, "the two forms of Adam differ on these gradients");
}

#[test]
fn the_kernel_is_flipped_along_its_width_alone() {
    let ops = ops();
    // Four tracks beside a sequence of N alone: the case's x is no sequence.
    let (x, w) = (tensor(&ops, "conv/x"), tensor(&ops, "conv/W"));
    let tracks: Vec<f64> = (0..4 * 9).map(|i| x[i % 9 * 4 + i / 9]).collect();
    let mut tape = Tape::<f64>::new(false);
    let weight = tape.param("W", &[5, 1, 8, 4], Init::Constant(0.0));
    let bias = tape.param("b", &[4], Init::Constant(0.0));
    let values = tape.dense_input(&[4, 9]);
    let order = &[0, 1, 2, 3][..];
    let output = strand_conv(&mut tape, weight, bias, Some(Tracks { values, order }), 9);
    // Kernels 2 and 3 are 0 and 1 with the other sign, so that the ReLU loses nothing.
    let mut params = vec![0.0; 5 * 8 * 4 + 4];
    for (i, &w) in w.iter().enumerate() {
        let (line, kernel) = (i / 2, i % 2);
        let at = (line / 4 * 8 + 4 + line % 4) * 4 + kernel;
        params[at] = w;
        params[at + 2] = -w;
    }
    let y = run(tape, output, 1, &[4; 9], vec![&tracks], &params);
    let forward = y[..5 * 4].chunks(4);
    let ours: Vec<f64> = forward.flat_map(|y| [y[0] - y[2], y[1] - y[3]]).collect();
    let mut checks = Checks::default();
    checks.add(
        "conv".into(),
        &ours,
        &tensor(&ops, "conv/y"),
        TOLERANCE,
        false,
    );
    checks.finish(1);
}

#[test]
fn the_other_strand_reads_the_tracks_in_its_own_order() {
    let ops = ops();
    let (length, tracks) = (40, 6);
    let (fwd, rev) = (tensor(&ops, "rc/x_fwd"), tensor(&ops, "rc/x_rev"));
    let bw = tensor(&ops, "rc/bw");
    let order: Vec<usize> = tensor(&ops, "rc/order")
        .iter()
        .map(|&i| i as usize)
        .collect();
    let values: Vec<f64> = (0..tracks * length)
        .map(|i| bw[i % length * tracks + i / length])
        .collect();
    let codes: &[u8] = &tensor(&ops, "rc/seq")
        .iter()
        .map(|&c| c as u8)
        .collect::<Vec<_>>();
    let mut tape = Tape::<f64>::new(false);
    let weight = tape.param("W", &[1, 1, 10, 20], Init::Constant(0.0));
    let bias = tape.param("b", &[20], Init::Constant(0.0));
    let input = tape.dense_input(&[tracks, length]);
    let tracks = Tracks {
        values: input,
        order: &order,
    };
    let output = strand_conv(&mut tape, weight, bias, Some(tracks), length);
    // Kernel c shows channel c, kernel 10 + c the same with the other sign.
    let mut params = vec![0.0; 10 * 20 + 20];
    for channel in 0..10 {
        params[channel * 20 + channel] = 1.0;
        params[channel * 20 + 10 + channel] = -1.0;
    }
    let y = run(tape, output, 1, codes, vec![&values], &params);
    let both = y.chunks(20).flat_map(|y| (0..10).map(|c| y[c] - y[10 + c]));
    let theirs = [fwd, rev].concat();
    let mut checks = Checks::default();
    checks.add(
        "x".into(),
        &both.collect::<Vec<_>>(),
        &theirs,
        TOLERANCE,
        false,
    );
    checks.finish(1);
}

#[test]
fn pooling_takes_whole_windows_and_sends_gradients_to_the_first_maximum() {
    let ops = ops();
    let (x, gy) = (tensor(&ops, "maxpool/x"), tensor(&ops, "maxpool/gy"));
    let mut tape = Tape::<f64>::new(true);
    let input = tape.dense_input(&[2, 14, 1]);
    tape.watch(input);
    let output = strand_pool(&mut tape, input, 14 / 3);
    let flat = tape.view(output, &[6]);
    let weights = tape.dense_input(&[6]);
    let loss = cisgrad::ops::inner::inner(&mut tape, flat, weights);
    let mut executor = CpuExecutor::new(Program::new(tape, output, Some(loss), 1));
    let batch = Batch {
        rows: 1,
        codes: &[],
        dense: vec![&x, &gy],
        noise: Noise::default(),
    };
    let found = executor.inspect(&[], &batch, &mut [], &[input]);
    let mut checks = Checks::default();
    checks.add(
        "y".into(),
        &found.output,
        &tensor(&ops, "maxpool/y"),
        TOLERANCE,
        false,
    );
    let theirs = tensor(&ops, "maxpool/gx_first");
    checks.add("gx".into(), &found.watched[0], &theirs, TOLERANCE, false);
    checks.finish(2);
}

#[test]
fn a_known_motif_fills_the_first_two_kernels() {
    let ops = ops();
    let rows = tensor(&ops, "pwm/probabilities");
    let matrix: Vec<[f64; 4]> = rows.as_chunks::<4>().0.to_vec();
    let mut checks = Checks::default();
    for width in [26, 27, 34] {
        let spec = Spec {
            length: 200,
            motif_width: width,
            kernels: 2,
            recurrent: Recurrent::Flatten,
            dense: 3,
            tracks: vec!["a".into(), "b".into()],
            rc_order: vec![0, 1],
            meta: 0,
            factors: 1,
            dropout: Dropouts::NONE,
        };
        let layout = spec.layout().unwrap();
        let mut params = layout.initialise::<f64>(5);
        assert_eq!(inject(&spec, &layout, &mut params, &matrix).unwrap().cut, 0);
        let name = format!("pwm/injected_w{width}");
        let kernel = layout.get("convolution1d_1_W").unwrap().range();
        // The original holds its weights in f32 at this point.
        checks.add(
            name.clone(),
            &params[kernel],
            &tensor(&ops, &name),
            TOLERANCE,
            false,
        );
        let bias = layout.get("convolution1d_1_b").unwrap().range();
        assert_eq!(params[bias], [0.0; 2]);
    }
    checks.finish(3);
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
