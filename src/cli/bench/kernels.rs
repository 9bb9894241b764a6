//! The table of kernels of `cisgrad bench --kernels`: every step of the model that is timed, alone.

use super::{Args, Mode, blueprint, codes, targets};
use crate::check::case::Case;
use crate::check::case::OP_TOLERANCE;
use crate::engine::cuda::{
    DeviceExecutor, DeviceProgram, Gpu, Precision, StepTime, copy_bandwidth,
};
use crate::engine::{Batch, Noise};
use crate::models::tisfm::network::{Network, with_loss};
use crate::ops::all_cases;
use crate::train::model::Lowering;
use crate::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// One direction of one step.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    op: &'static str,
    /// Of one row of the output, its dimensions joined by x.
    shape: String,
    direction: &'static str,
    microseconds: f64,
    /// Of what it must read and write at least.
    gb_per_s: f64,
    /// Of the bandwidth of a copy inside the card's memory; above 1 where the numbers stay in its cache.
    share_of_copy: f64,
    /// None where it moves numbers more than it computes.
    tflop_per_s: Option<f64>,
    /// The largest error against f64 of the op's cases, relative to the largest number; none for ops without cases.
    /// Cases whose true gradient is 0, which are allowed more in f32, are left to `selftest`.
    error_vs_f64: Option<f64>,
}

/// The kernels of one model on one card.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    copy_gb_per_s: f64,
    kernels: Vec<Row>,
}

/// Times every step.
///
/// # Errors
/// Whatever fails on the card, and an op's case that does not hold there.
pub fn measure(gpu: &Arc<Gpu>, precision: Precision, args: &Args) -> Result<Table> {
    let blueprint = blueprint(args)?;
    let training = args.mode == Mode::Train;
    let (mut tape, built) = blueprint.record::<f32>(training, Lowering::Fused)?;
    let loss = training.then(|| with_loss(&mut tape, built.output, args.outputs));
    let program = DeviceProgram::new(tape, built.output, loss, args.batch_size)?;
    let network = Network::<f32>::initialise(blueprint, 1)?;
    let rows = args.batch_size;
    let (codes, signals) = (codes(args, rows), targets(args, rows));
    let signals: Vec<f32> = signals.into_iter().map(|s| s as f32).collect();
    let mut executor =
        DeviceExecutor::new(gpu, program, args.window_size, &network.params, precision)?;
    let batch = Batch {
        rows,
        codes: &codes,
        dense: if training { vec![&signals] } else { Vec::new() },
        noise: Noise::default(),
    };
    let times = executor.profile(&batch, args.steps)?;
    drop(executor);
    let copy = copy_bandwidth(gpu, args.steps)?;
    let errors = errors(gpu, precision, &times)?;
    let row = |time: &StepTime, direction, seconds: f64, elements: usize, flops: f64| {
        let rate = (elements * size_of::<f32>()) as f64 / seconds;
        Row {
            op: time.work.op,
            shape: dimensions(&time.work.shape),
            direction,
            microseconds: seconds * 1e6,
            gb_per_s: rate / 1e9,
            share_of_copy: rate / copy,
            tflop_per_s: (flops > 0.0).then(|| flops / seconds / 1e12),
            error_vs_f64: errors.get(time.work.op).copied(),
        }
    };
    let mut kernels = Vec::new();
    for time in &times {
        let work = &time.work;
        kernels.push(row(
            time,
            "forward",
            time.forward,
            work.forward,
            work.flops.forward,
        ));
        if let (Some(seconds), Some(elements)) = (time.backward, work.backward) {
            kernels.push(row(
                time,
                "backward",
                seconds,
                elements,
                work.flops.backward,
            ));
        }
    }
    Ok(Table {
        copy_gb_per_s: copy / 1e9,
        kernels,
    })
}

fn dimensions(shape: &[usize]) -> String {
    let text: Vec<String> = shape.iter().map(usize::to_string).collect();
    text.join("x")
}

/// The largest error of each op's cases on this card.
fn errors(
    gpu: &Arc<Gpu>,
    precision: Precision,
    times: &[StepTime],
) -> Result<BTreeMap<&'static str, f64>> {
    let mut errors = BTreeMap::new();
    let timed = |case: &&Case| {
        let here = times.iter().any(|time| time.work.op == case.op);
        here && case.runs_on_a_gpu() && case.tolerance_f32 <= OP_TOLERANCE
    };
    for case in all_cases().iter().filter(timed) {
        let found = case.check_on(gpu, precision).map_err(Error::Device)?;
        let worst: &mut f64 = errors.entry(case.op).or_default();
        *worst = worst.max(found.error);
    }
    Ok(errors)
}

impl Table {
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, w: &mut dyn Write) -> io::Result<()> {
        writeln!(
            w,
            "op\tshape\tdirection\tmicroseconds\tgb_per_s\tshare_of_copy\ttflop_per_s\terror_vs_f64"
        )?;
        for row in &self.kernels {
            let optional = |text: Option<String>| text.unwrap_or_default();
            writeln!(
                w,
                "{}\t{}\t{}\t{:.2}\t{:.1}\t{:.3}\t{}\t{}",
                row.op,
                row.shape,
                row.direction,
                row.microseconds,
                row.gb_per_s,
                row.share_of_copy,
                optional(row.tflop_per_s.map(|t| format!("{t:.2}"))),
                optional(row.error_vs_f64.map(|e| format!("{e:.1e}")))
            )?;
        }
        Ok(())
    }
}
