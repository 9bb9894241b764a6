//! Single layers, the optimizer, and a known motif's kernels.

use super::case::{in_f64, tensor};
use crate::Result;
use crate::check::golden::Check;
use crate::engine::{Batch, CpuExecutor, Init, Noise, Program, Tape, Var};
use crate::io::state_dict::StateDict;
use crate::models::factornet::{Dropouts, Recurrent, Spec, inject};
use crate::ops::activation::{Activation, activation};
use crate::ops::binary_cross_entropy::binary_cross_entropy;
use crate::ops::inner::inner;
use crate::ops::strand_conv::{Tracks, strand_conv};
use crate::ops::strand_mean::strand_mean;
use crate::ops::strand_pool::strand_pool;
use crate::optim::{Optimizer, OptimizerSettings};
use crate::train::model::Model;
use std::path::Path;

pub(super) fn check(folder: &Path, tensors: &StateDict) -> Result<Vec<Check>> {
    let mut layers = Layers {
        folder,
        tensors,
        checks: Vec::new(),
    };
    layers.clipped_loss()?;
    layers.adam()?;
    layers.flipped_kernel()?;
    layers.other_strand()?;
    layers.pooling()?;
    layers.known_motif()?;
    Ok(layers.checks)
}

struct Layers<'a> {
    folder: &'a Path,
    tensors: &'a StateDict,
    checks: Vec<Check>,
}

impl Layers<'_> {
    fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        Ok(tensor(self.folder, self.tensors, name)?.values.to_f64())
    }

    fn add(&mut self, what: &str, ours: &[f64], theirs: &[f64]) {
        self.checks.push(in_f64(what.to_string(), ours, theirs));
    }

    /// The loss of probabilities clipped to [1e-7, 1 - 1e-7], and its gradient, for a target and its opposite.
    fn clipped_loss(&mut self) -> Result<()> {
        let (logits, n) = (self.numbers("bce/logits")?, 16);
        for flip in ["", "_flip"] {
            let target = self.numbers(&format!("bce/target{flip}"))?;
            let mut tape = Tape::<f64>::new(true);
            let input = tape.dense_input(&[2, 1]);
            tape.watch(input);
            let strands = activation(&mut tape, input, Activation::Sigmoid);
            let output = strand_mean(&mut tape, strands);
            let against = tape.dense_input(&[1]);
            let loss = binary_cross_entropy(&mut tape, output, against);
            let mut executor = CpuExecutor::new(Program::new(tape, output, Some(loss), n));
            let batch = batch(n, &[], vec![&logits, &target]);
            let found = executor.inspect(&[], &batch, &mut [], &[input]);
            let each = self.numbers(&format!("bce/loss_each{flip}"))?;
            self.add(&format!("bce loss{flip}"), &found.losses, &each);
            let mean: Vec<f64> = found.watched[0].iter().map(|g| g / n as f64).collect();
            let theirs = self.numbers(&format!("bce/grad_logits{flip}"))?;
            self.add(&format!("bce gradient{flip}"), &mean, &theirs);
            if flip.is_empty() {
                let probabilities = self.numbers("bce/prob")?;
                self.add("bce probabilities", &found.output, &probabilities);
            }
        }
        Ok(())
    }

    /// Epsilon stands outside Adam's correction of the bias.
    fn adam(&mut self) -> Result<()> {
        let mut tape = Tape::<f64>::new(true);
        let param = tape.param("p", &[24], Init::Constant(0.0));
        let loss = tape.view(param, &[24]);
        let weights = tape.dense_input(&[24]);
        let loss = inner(&mut tape, loss, weights);
        let program = Program::new(tape, loss, Some(loss), 1);
        let mut params = self.numbers("adam/p0")?;
        let mut optimizer = Optimizer::<f64>::new(OptimizerSettings::keras(), params.len());
        let (grads, after) = (self.numbers("adam/grads")?, self.numbers("adam/p_after")?);
        for (step, (grads, after)) in grads.chunks(24).zip(after.chunks(24)).enumerate() {
            optimizer.step(program.layout(), 1e-3, &mut params, grads);
            self.add(&format!("adam step {step}"), &params, after);
        }
        let (m, v) = (self.numbers("adam/m")?, self.numbers("adam/v")?);
        self.add("adam m", &optimizer.m, &m);
        self.add("adam v", &optimizer.v, &v);
        Ok(())
    }

    /// The kernel is flipped along its width alone.
    fn flipped_kernel(&mut self) -> Result<()> {
        // Four tracks beside a sequence of N alone: the case's x is no sequence.
        let (x, w) = (self.numbers("conv/x")?, self.numbers("conv/W")?);
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
        let y = run(tape, output, &[4; 9], &tracks, &params);
        let forward = y[..5 * 4].chunks(4);
        let ours: Vec<f64> = forward.flat_map(|y| [y[0] - y[2], y[1] - y[3]]).collect();
        let theirs = self.numbers("conv/y")?;
        self.add("conv", &ours, &theirs);
        Ok(())
    }

    /// The other strand reads the tracks in an order of its own.
    fn other_strand(&mut self) -> Result<()> {
        let (length, tracks) = (40, 6);
        let (fwd, rev) = (self.numbers("rc/x_fwd")?, self.numbers("rc/x_rev")?);
        let bw = self.numbers("rc/bw")?;
        let order = self.numbers("rc/order")?;
        let order: Vec<usize> = order.iter().map(|&i| i as usize).collect();
        let values: Vec<f64> = (0..tracks * length)
            .map(|i| bw[i % length * tracks + i / length])
            .collect();
        let codes = self.numbers("rc/seq")?;
        let codes: Vec<u8> = codes.iter().map(|&c| c as u8).collect();
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
        let y = run(tape, output, &codes, &values, &params);
        let both = y.chunks(20).flat_map(|y| (0..10).map(|c| y[c] - y[10 + c]));
        let both: Vec<f64> = both.collect();
        self.add("both strands", &both, &[fwd, rev].concat());
        Ok(())
    }

    /// Pooling takes whole windows, and sends gradients to the first maximum.
    fn pooling(&mut self) -> Result<()> {
        let (x, gy) = (self.numbers("maxpool/x")?, self.numbers("maxpool/gy")?);
        let mut tape = Tape::<f64>::new(true);
        let input = tape.dense_input(&[2, 14, 1]);
        tape.watch(input);
        let output = strand_pool(&mut tape, input, 14 / 3);
        let flat = tape.view(output, &[6]);
        let weights = tape.dense_input(&[6]);
        let loss = inner(&mut tape, flat, weights);
        let mut executor = CpuExecutor::new(Program::new(tape, output, Some(loss), 1));
        let found = executor.inspect(&[], &batch(1, &[], vec![&x, &gy]), &mut [], &[input]);
        let y = self.numbers("maxpool/y")?;
        self.add("maxpool", &found.output, &y);
        let theirs = self.numbers("maxpool/gx_first")?;
        self.add("maxpool gradient", &found.watched[0], &theirs);
        Ok(())
    }

    /// A known motif fills the first two kernels, with a bias of 0.
    fn known_motif(&mut self) -> Result<()> {
        let rows = self.numbers("pwm/probabilities")?;
        let matrix: Vec<[f64; 4]> = rows.as_chunks::<4>().0.to_vec();
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
            let layout = spec.layout()?;
            let mut params = layout.initialise::<f64>(5);
            let injected = inject(&spec, &layout, &mut params, &matrix)?;
            // The original holds its weights in f32 at this point.
            let theirs = self.numbers(&format!("pwm/injected_w{width}"))?;
            let part = |name: &str| layout.get(name).map(|p| &params[p.range()]);
            let (kernel, bias) = (part("convolution1d_1_W"), part("convolution1d_1_b"));
            let what = format!("pwm injected, width {width}");
            self.add(&what, kernel.unwrap_or_default(), &theirs);
            self.add(
                &format!("{what}, bias"),
                bias.unwrap_or_default(),
                &[0.0; 2],
            );
            let cut = injected.cut as f64;
            self.add(&format!("{what}, rows cut"), &[cut], &[0.0]);
        }
        Ok(())
    }
}

fn batch<'a>(rows: usize, codes: &'a [u8], dense: Vec<&'a [f64]>) -> Batch<'a, f64> {
    Batch {
        rows,
        codes,
        dense,
        noise: Noise::default(),
    }
}

/// The output of a tape for one row.
fn run(tape: Tape<f64>, output: Var, codes: &[u8], dense: &[f64], params: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; tape.len(output)];
    let mut executor = CpuExecutor::new(Program::new(tape, output, None, 1));
    executor.forward(params, &batch(1, codes, vec![dense]), &mut out);
    out
}
