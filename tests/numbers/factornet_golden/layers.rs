//! Single layers, the optimizer, and where parameters start.

use cisgrad::engine::{Batch, CpuExecutor, Init, Noise, Program, Tape};
use cisgrad::io::state_dict::{StateDict, read};
use cisgrad::models::factornet::{Dropouts, Recurrent, Spec, inject};
use cisgrad::ops::activation::{Activation, activation};
use cisgrad::ops::binary_cross_entropy::binary_cross_entropy;
use cisgrad::ops::strand_conv::{Tracks, strand_conv};
use cisgrad::ops::strand_mean::strand_mean;
use cisgrad::ops::strand_pool::strand_pool;
use cisgrad::optim::{Optimizer, OptimizerSettings};
use cisgrad::train::model::Model;

use super::case::{Checks, TOLERANCE};
use crate::common::golden;

fn ops() -> StateDict {
    read(golden::factornet("ops.safetensors")).unwrap()
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
