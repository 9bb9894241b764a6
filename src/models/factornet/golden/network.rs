//! Activations, probabilities, losses and gradients of the whole batch.

use super::case::{Bounded, By, Case, by_row, in_f64, numbers};
use crate::Result;
use crate::check::golden::Check;
use crate::engine::cuda::{DeviceExecutor, DeviceProgram, Gpu, Precision};
use crate::engine::{Batch, Context, Layout, Noise, Piece, Program, Var};
use crate::models::factornet::Built;
use crate::train::folder::weights::Number;
use crate::train::model::Lowering;
use std::sync::Arc;

pub(super) fn check<T: Number>(case: &Case, lowering: Lowering) -> Result<Vec<Check>> {
    let rows = case.batch;
    let (mut tape, built, loss) = case.spec.with_loss::<T>(lowering, case.masking());
    let activations = activations(case, &built);
    for &(_, var, _) in &activations {
        tape.keep(var);
    }
    let program = Program::new(tape, built.output, Some(loss), rows);
    let params = case.parameters::<T>()?;
    let (dense, codes) = (
        case.dense::<T>(&(0..rows), "mask", None)?,
        case.codes(&(0..rows))?,
    );
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
    let mut checks = Vec::new();
    // The original's errors in f32 are not there for activations.
    if T::NAME == "f64" {
        for (name, var, kept) in activations {
            let ours = numbers(program.read(&arena, &params, var, rows));
            let len = ours.len() / rows;
            let stored = case.numbers(&format!("act/{name}"))?;
            // (2, rows, ...) there, (2, ...) of each row here.
            let theirs = by_row(&stored, 2, len / 2, &(0..kept));
            let what = format!("{} {lowering:?} {name}", T::NAME);
            checks.push(in_f64(what, &ours[..kept * len], &theirs));
        }
    }
    let mut grads = vec![T::ZERO; params.len()];
    program.backward(&mut arena, &params, &mut grads, &prepared, &piece, T::ONE);
    let found = Found {
        output: numbers(program.read(&arena, &params, built.output, rows)),
        losses: numbers(program.read_loss(&arena, &params, rows)),
        grads: numbers(&grads),
    };
    checks.extend(found.judge(case, By::cpu::<T>(), lowering, program.layout())?);
    Ok(checks)
}

/// The same on a GPU, but for the activations.
pub(super) fn check_on(case: &Case, lowering: Lowering, gpu: &Arc<Gpu>) -> Result<Vec<Check>> {
    let rows = case.batch;
    let (tape, built, loss) = case.spec.with_loss::<f32>(lowering, case.masking());
    let program = DeviceProgram::new(tape, built.output, Some(loss), rows)?;
    let params = case.parameters::<f32>()?;
    let (dense, codes) = (
        case.dense::<f32>(&(0..rows), "mask", None)?,
        case.codes(&(0..rows))?,
    );
    let length = case.spec.length;
    let mut executor = DeviceExecutor::new(gpu, program, length, &params, Precision::F32)?;
    let mut grads = vec![0.0; params.len()];
    let batch = Batch {
        rows,
        codes: &codes,
        dense: dense.iter().map(Vec::as_slice).collect(),
        noise: Noise::default(),
    };
    let found = executor.inspect(&batch, &mut grads, &[])?;
    let found = Found {
        output: numbers(&found.output),
        losses: numbers(&found.losses),
        grads: numbers(&grads),
    };
    found.judge(case, By::GpuF32, lowering, executor.layout())
}

/// A run's numbers.
struct Found {
    output: Vec<f64>,
    losses: Vec<f64>,
    /// Of the sum of the losses.
    grads: Vec<f64>,
}

impl Found {
    fn judge(
        &self,
        case: &Case,
        by: By,
        lowering: Lowering,
        layout: &Layout,
    ) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        let mut add = |what: &str, ours: &[f64], theirs: &[f64], number: Bounded| -> Result<()> {
            checks.push(case.compare(by, lowering, what, ours, theirs, number)?);
            Ok(())
        };
        let theirs = case.numbers("act/prob")?;
        add("prob", &self.output, &theirs, Bounded::Probability)?;
        let rows = self.losses.len() as f64;
        let mean = self.losses.iter().sum::<f64>() / rows;
        add("loss", &[mean], &case.numbers("loss")?, Bounded::Loss)?;
        for param in &layout.params {
            let ours: Vec<f64> = self.grads[param.range()].iter().map(|g| g / rows).collect();
            let theirs = case.numbers(&format!("grad/{}", param.name))?;
            let what = format!("grad {}", param.name);
            add(&what, &ours, &theirs, Bounded::Gradient(&param.name))?;
        }
        Ok(checks)
    }
}

/// The network's values that the case has: their names, and of how many rows.
fn activations(case: &Case, built: &Built) -> Vec<(&'static str, Var, usize)> {
    let (rows, sampled) = (case.batch, case.big_act_samples);
    let mut all = vec![
        ("pool", built.pool, rows),
        ("dense1", built.dense, rows),
        ("logit", built.logits, rows),
        ("prob_strand", built.strands, rows),
    ];
    if let Some(each) = built.activations {
        all.push(("conv", each.convolution, sampled));
        all.push(("td", each.positionwise, sampled));
    }
    all.extend(built.lstm.map(|var| ("blstm", var, rows)));
    all.extend(built.meta.map(|var| ("dense2", var, rows)));
    all
}
