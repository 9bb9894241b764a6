//! Single layers, the optimizer, and a known motif's kernels.

use super::case::{in_f64, numbers, on_gpu, tensor};
use crate::Result;
use crate::check::golden::Check;
use crate::engine::cpu::Inspection;
use crate::engine::cuda::{DeviceExecutor, DeviceProgram, Gpu, Precision};
use crate::engine::{Batch, CpuExecutor, Init, Noise, Program, Real, Tape, Var};
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
use std::sync::Arc;

pub(super) fn check(folder: &Path, tensors: &StateDict) -> Result<Vec<Check>> {
    let mut layers = Layers {
        folder,
        tensors,
        gpu: None,
        checks: Vec::new(),
    };
    layers.ops()?;
    layers.adam()?;
    layers.known_motif()?;
    Ok(layers.checks)
}

/// The layers on a GPU, in f32.
pub(super) fn check_on(folder: &Path, tensors: &StateDict, gpu: &Arc<Gpu>) -> Result<Vec<Check>> {
    let mut layers = Layers {
        folder,
        tensors,
        gpu: Some(gpu),
        checks: Vec::new(),
    };
    layers.ops()?;
    Ok(layers.checks)
}

struct Layers<'a> {
    folder: &'a Path,
    tensors: &'a StateDict,
    /// Where they run; None: on the CPU, in f64.
    gpu: Option<&'a Arc<Gpu>>,
    checks: Vec<Check>,
}

/// A layer's recording.
struct Layer {
    output: Var,
    loss: Option<Var>,
    /// Its gradient is compared.
    watched: Vec<Var>,
}

/// Records one layer in either number type.
struct Record {
    f64: fn(&mut Tape<f64>) -> Layer,
    f32: fn(&mut Tape<f32>) -> Layer,
}

/// A function that is generic in the number type, as a [`Record`].
macro_rules! record {
    ($layer:ident) => {
        Record {
            f64: $layer::<f64>,
            f32: $layer::<f32>,
        }
    };
}

/// The mean of both strands' probabilities, and its loss.
fn clipped_loss<T: Real>(tape: &mut Tape<T>) -> Layer {
    let input = tape.dense_input(&[2, 1]);
    tape.watch(input);
    let strands = activation(tape, input, Activation::Sigmoid);
    let output = strand_mean(tape, strands);
    let target = tape.dense_input(&[1]);
    Layer {
        output,
        loss: Some(binary_cross_entropy(tape, output, target)),
        watched: vec![input],
    }
}

/// Four kernels of five bases over four tracks.
fn flipped_kernel<T: Real>(tape: &mut Tape<T>) -> Layer {
    convolution(tape, [5, 1, 8, 4], &[0, 1, 2, 3], 9)
}

const RC_ORDER: [usize; 6] = [0, 2, 1, 3, 5, 4];

/// Twenty kernels of one base over six tracks.
fn other_strand<T: Real>(tape: &mut Tape<T>) -> Layer {
    convolution(tape, [1, 1, 10, 20], &RC_ORDER, 40)
}

fn convolution<T: Real>(
    tape: &mut Tape<T>,
    shape: [usize; 4],
    order: &[usize],
    length: usize,
) -> Layer {
    let weight = tape.param("W", &shape, Init::Constant(0.0));
    let bias = tape.param("b", &shape[3..], Init::Constant(0.0));
    let values = tape.dense_input(&[order.len(), length]);
    let tracks = Some(Tracks { values, order });
    Layer {
        output: strand_conv(tape, weight, bias, tracks, length),
        loss: None,
        watched: Vec::new(),
    }
}

fn pooling<T: Real>(tape: &mut Tape<T>) -> Layer {
    let input = tape.dense_input(&[2, 14, 1]);
    tape.watch(input);
    let output = strand_pool(tape, input, 14 / 3);
    let flat = tape.view(output, &[6]);
    let weights = tape.dense_input(&[6]);
    Layer {
        output,
        loss: Some(inner(tape, flat, weights)),
        watched: vec![input],
    }
}

impl Layers<'_> {
    fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        Ok(tensor(self.folder, self.tensors, name)?.values.to_f64())
    }

    fn add(&mut self, what: &str, ours: &[f64], theirs: &[f64]) {
        self.checks.push(match self.gpu {
            None => in_f64(what.to_string(), ours, theirs),
            Some(_) => on_gpu(format!("cuda f32 {what}"), ours, theirs),
        });
    }

    fn ops(&mut self) -> Result<()> {
        self.clipped_loss()?;
        self.flipped_kernel()?;
        self.other_strand()?;
        self.pooling()
    }

    /// Output, losses and watched gradients of a layer.
    fn inspect(
        &self,
        record: Record,
        rows: usize,
        codes: &[u8],
        dense: &[&[f64]],
        params: &[f64],
    ) -> Result<Inspection<f64>> {
        let Some(gpu) = self.gpu else {
            let mut tape = Tape::new(true);
            let layer = (record.f64)(&mut tape);
            let len = tape.len(layer.output);
            let mut executor = CpuExecutor::new(Program::new(tape, layer.output, layer.loss, rows));
            let batch = batch(rows, codes, dense.to_vec());
            if layer.loss.is_none() {
                let mut output = vec![0.0; rows * len];
                executor.forward(params, &batch, &mut output);
                return Ok(Inspection {
                    output,
                    losses: Vec::new(),
                    watched: Vec::new(),
                });
            }
            let mut grads = vec![0.0; params.len()];
            return Ok(executor.inspect(params, &batch, &mut grads, &layer.watched));
        };
        let mut tape = Tape::new(true);
        let layer = (record.f32)(&mut tape);
        let program = DeviceProgram::new(tape, layer.output, layer.loss, rows)?;
        let narrow = |v: &[f64]| v.iter().map(|&x| x as f32).collect::<Vec<f32>>();
        let (params, length) = (narrow(params), codes.len() / rows);
        let mut executor = DeviceExecutor::new(gpu, program, length, &params, Precision::F32)?;
        let dense: Vec<Vec<f32>> = dense.iter().map(|v| narrow(v)).collect();
        let batch = batch(rows, codes, dense.iter().map(Vec::as_slice).collect());
        let mut grads = vec![0.0; params.len()];
        let found = executor.inspect(&batch, &mut grads, &layer.watched)?;
        Ok(Inspection {
            output: numbers(&found.output),
            losses: numbers(&found.losses),
            watched: found.watched.iter().map(|v| numbers(v)).collect(),
        })
    }

    /// The loss of probabilities clipped to [1e-7, 1 - 1e-7], and its gradient, for a target and its opposite.
    fn clipped_loss(&mut self) -> Result<()> {
        let (logits, n) = (self.numbers("bce/logits")?, 16);
        for flip in ["", "_flip"] {
            let target = self.numbers(&format!("bce/target{flip}"))?;
            let found = self.inspect(record!(clipped_loss), n, &[], &[&logits, &target], &[])?;
            let mut each = self.numbers(&format!("bce/loss_each{flip}"))?;
            if self.gpu.is_some() {
                // 1 - 1e-7 is no number in f32: the bound is the one beside it, 1 - 2^-23.
                let certain = -f64::from(f32::EPSILON).ln();
                for (each, _) in each.iter_mut().zip(&target).filter(|&(_, &t)| t == 0.0) {
                    *each = each.min(certain);
                }
            }
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
        // Kernels 2 and 3 are 0 and 1 with the other sign, so that the ReLU loses nothing.
        let mut params = vec![0.0; 5 * 8 * 4 + 4];
        for (i, &w) in w.iter().enumerate() {
            let (line, kernel) = (i / 2, i % 2);
            let at = (line / 4 * 8 + 4 + line % 4) * 4 + kernel;
            params[at] = w;
            params[at + 2] = -w;
        }
        let y = self
            .inspect(record!(flipped_kernel), 1, &[4; 9], &[&tracks], &params)?
            .output;
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
        self.add("order of the tracks", &RC_ORDER.map(|i| i as f64), &order);
        let values: Vec<f64> = (0..tracks * length)
            .map(|i| bw[i % length * tracks + i / length])
            .collect();
        let codes = self.numbers("rc/seq")?;
        let codes: Vec<u8> = codes.iter().map(|&c| c as u8).collect();
        // Kernel c shows channel c, kernel 10 + c the same with the other sign.
        let mut params = vec![0.0; 10 * 20 + 20];
        for channel in 0..10 {
            params[channel * 20 + channel] = 1.0;
            params[channel * 20 + 10 + channel] = -1.0;
        }
        let y = self
            .inspect(record!(other_strand), 1, &codes, &[&values], &params)?
            .output;
        let both = y.chunks(20).flat_map(|y| (0..10).map(|c| y[c] - y[10 + c]));
        let both: Vec<f64> = both.collect();
        self.add("both strands", &both, &[fwd, rev].concat());
        Ok(())
    }

    /// Pooling takes whole windows, and sends gradients to the first maximum.
    fn pooling(&mut self) -> Result<()> {
        let (x, gy) = (self.numbers("maxpool/x")?, self.numbers("maxpool/gy")?);
        let found = self.inspect(record!(pooling), 1, &[], &[&x, &gy], &[])?;
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

fn batch<'a, T>(rows: usize, codes: &'a [u8], dense: Vec<&'a [T]>) -> Batch<'a, T> {
    Batch {
        rows,
        codes,
        dense,
        noise: Noise::default(),
    }
}
