//! Whole networks: activations, probabilities, loss, gradients and Adam's steps, with dropout off and with given masks.

use cisgrad::engine::{Batch, Context, CpuExecutor, Noise, Piece, Program};
use cisgrad::optim::{Optimizer, OptimizerSettings};
use cisgrad::train::folder::weights::Number;
use cisgrad::train::model::Lowering;
use cisgrad::train::model::Model;

use super::case::{Case, Checks, TOLERANCE, by_row, cases, numbers};

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
