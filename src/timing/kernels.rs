//! The table of kernels of `cisgrad bench --kernels`: every step of the model that is timed, alone.

use super::rows::RandomRows;
use super::{Load, Mode, Target};
use crate::Result;
use crate::check::case::{Case, OP_TOLERANCE};
use crate::engine::Noise;
use crate::engine::cuda::{DeviceExecutor, Gpu, Precision, StepTime, copy_bandwidth};
use crate::ops::all_cases;
use crate::train::batch::Feed;
use crate::train::model::{Model, Purpose};
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

/// What the cases of an op came to.
#[derive(Default)]
struct Errors {
    worst: BTreeMap<&'static str, f64>,
    faults: Vec<String>,
}

/// The kernels of one model on one card.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    copy_gb_per_s: f64,
    kernels: Vec<Row>,
    /// Cases that do not hold on this card, and what failed while its kernels were timed.
    pub faults: Vec<String>,
}

impl Table {
    /// Times every step of a model. What fails becomes a fault of the table: the rate that was measured before stays.
    pub fn measure<M: Model>(gpu: &Arc<Gpu>, model: &M, target: Target, load: &Load<'_>) -> Table {
        measure(gpu, model, target, load).unwrap_or_else(|error| Table {
            copy_gb_per_s: 0.0,
            kernels: Vec::new(),
            faults: vec![error.to_string()],
        })
    }
}

fn measure<M: Model>(gpu: &Arc<Gpu>, model: &M, target: Target, load: &Load<'_>) -> Result<Table> {
    let purpose = match load.mode {
        Mode::Train => Purpose::Train,
        Mode::Inference => Purpose::Predict,
    };
    let program = model.device_program(purpose, load.batch_size)?;
    let params: Vec<f32> = model.layout()?.initialise(1);
    let (rows, precision) = (load.batch_size, load.precision.on_gpu());
    let samples = RandomRows::new(model.row(), rows, rows, target)?;
    let mut feed = Feed::<f32>::new(model.row(), rows);
    feed.fill(&samples.all(), &samples)?;
    feed.target(&samples.all(), &samples);
    let length = samples.shape.length;
    let mut executor = DeviceExecutor::new(gpu, program, length, &params, precision)?;
    let batch = feed.batch(Noise::default(), load.mode == Mode::Train);
    let times = executor.profile(&batch, load.steps)?;
    drop(executor);
    let copy = copy_bandwidth(gpu, load.steps)?;
    let errors = errors(gpu, precision, &times);
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
            error_vs_f64: errors.worst.get(time.work.op).copied(),
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
        faults: errors.faults,
    })
}

fn dimensions(shape: &[usize]) -> String {
    let text: Vec<String> = shape.iter().map(usize::to_string).collect();
    text.join("x")
}

/// The largest error of each op's cases on this card, and those that are off by more than they may be.
fn errors(gpu: &Arc<Gpu>, precision: Precision, times: &[StepTime]) -> Errors {
    let mut errors = Errors::default();
    let timed = |case: &&Case| {
        let here = times.iter().any(|time| time.work.op == case.op);
        here && case.runs_on_a_gpu() && case.tolerance_f32 <= OP_TOLERANCE
    };
    let cases = all_cases();
    // Of an op that rounds to bf16 only some cases state how near it comes.
    let rounds = |op: &str| {
        cases
            .iter()
            .any(|case| case.op == op && case.tolerance_bf16.is_some())
    };
    let stated = |case: &&Case| {
        precision != Precision::Bf16 || case.tolerance_bf16.is_some() || !rounds(case.op)
    };
    for case in cases.iter().filter(timed).filter(stated) {
        match case.check_on(gpu, precision) {
            Ok(found) => {
                let worst: &mut f64 = errors.worst.entry(case.op).or_default();
                *worst = worst.max(found.error);
            }
            Err(fault) => {
                // The largest of its other cases would pass for the op's.
                errors.worst.insert(case.op, f64::INFINITY);
                errors.faults.push(fault);
            }
        }
    }
    errors.worst.retain(|_, error| error.is_finite());
    errors
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
        self.faults
            .iter()
            .try_for_each(|fault| writeln!(w, "fault\t{fault}"))
    }
}
