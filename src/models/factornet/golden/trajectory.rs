//! Adam's steps: the loss of each, and the parameters after the first and the last.

use super::case::{Bounded, By, Case, numbers};
use crate::Result;
use crate::check::golden::Check;
use crate::engine::cuda::{DeviceExecutor, DeviceProgram, Gpu, Precision};
use crate::engine::{Batch, CpuExecutor, Layout, Noise, Program};
use crate::optim::{Optimizer, OptimizerSettings};
use crate::train::folder::weights::Number;
use crate::train::model::Lowering;
use std::sync::Arc;

/// Rows of a piece: fewer than a batch has, so that a batch's gradients come from several pieces.
const PIECE: usize = 3;

pub(super) fn check<T: Number>(case: &Case, lowering: Lowering) -> Result<Vec<Check>> {
    let (tape, built, loss) = case.spec.with_loss::<T>(lowering, case.masking());
    let mut executor = CpuExecutor::new(Program::new(tape, built.output, Some(loss), PIECE));
    let layout = executor.layout().clone();
    steps(
        case,
        By::cpu::<T>(),
        lowering,
        &layout,
        |params, batch, losses, grads| {
            executor.gradients(params, batch, losses, grads);
            Ok(())
        },
    )
}

/// With gradients of a GPU. That its optimizer gives the CPU's bits is a test of its own.
pub(super) fn check_on(case: &Case, lowering: Lowering, gpu: &Arc<Gpu>) -> Result<Vec<Check>> {
    let (tape, built, loss) = case.spec.with_loss::<f32>(lowering, case.masking());
    let size = case.adam.minibatch;
    let program = DeviceProgram::new(tape, built.output, Some(loss), size)?;
    let (layout, length) = (program.layout().clone(), case.spec.length);
    let params = case.parameters::<f32>()?;
    let mut executor = DeviceExecutor::new(gpu, program, length, &params, Precision::F32)?;
    steps(
        case,
        By::GpuF32,
        lowering,
        &layout,
        |params, batch, losses, grads| {
            executor.set_parameters(params)?;
            grads.fill(0.0);
            losses.copy_from_slice(&executor.inspect(batch, grads, &[])?.losses);
            grads.iter_mut().for_each(|g| *g /= size as f32);
            Ok(())
        },
    )
}

/// Runs the steps with the mean gradients of `gradients`: of parameters and a batch, and the rows' losses.
fn steps<T: Number>(
    case: &Case,
    by: By,
    lowering: Lowering,
    layout: &Layout,
    mut gradients: impl FnMut(&mut [T], &Batch<'_, T>, &mut [T], &mut [T]) -> Result<()>,
) -> Result<Vec<Check>> {
    let (steps, size) = (case.adam.steps, case.adam.minibatch);
    let mut params = case.parameters::<T>()?;
    let mut optimizer = Optimizer::<T>::new(OptimizerSettings::keras(), params.len());
    let mut grads = vec![T::ZERO; params.len()];
    let (mut losses, mut checks) = (Vec::new(), Vec::new());
    for step in 0..steps {
        // The original's two minibatches in turn.
        let rows = size * (step % 2)..size * (step % 2 + 1);
        let dense = case.dense::<T>(&rows, "adam_mask", Some(step))?;
        let codes = case.codes(&rows)?;
        let batch = Batch {
            rows: size,
            codes: &codes,
            dense: dense.iter().map(Vec::as_slice).collect(),
            noise: Noise::default(),
        };
        let mut each = vec![T::ZERO; size];
        gradients(&mut params, &batch, &mut each, &mut grads)?;
        losses.push(numbers(&each).iter().sum::<f64>() / size as f64);
        optimizer.step(layout, case.adam.lr, &mut params, &grads);
        let last = step + 1 == steps;
        // The original's errors in f32 are not there for the parameters after one step.
        if !last && (step > 0 || by != By::CpuF64) {
            continue;
        }
        let stored = if last { "final" } else { "step1" };
        for param in &layout.params {
            let name = format!("adam/{stored}/{}", param.name);
            let theirs = case.numbers(&name)?;
            let ours = numbers(&params[param.range()]);
            let number = Bounded::Trained(&param.name);
            checks.push(case.compare(by, lowering, &name, &ours, &theirs, number)?);
        }
    }
    let theirs = case.numbers("adam/losses")?;
    let number = Bounded::Losses;
    checks.push(case.compare(by, lowering, "adam losses", &losses, &theirs, number)?);
    Ok(checks)
}
