//! `cisgrad bench`: whole steps on random sequences, and a card's kernels one by one.

mod kernels;

use crate::args::{DeviceArgs, PrecisionArg, emit};
use crate::dna::motif::Motif;
use crate::engine::cuda::Gpu;
use crate::engine::{Batch, CpuExecutor, Device, Noise, Philox};
use crate::io::meme::read_meme;
use crate::models::tisfm::network::Network;
use crate::models::tisfm::network::{Blueprint, Trainable};
use crate::models::tisfm::{Dimensions, MotifKernels, builtin};
use crate::optim::{Optimizer, OptimizerSettings, Shrink};
use crate::train::Samples;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::worker::{CudaMode, CudaWorker, Epoch, Job, Moments, Trains};
use crate::{Error, Result};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// A built-in architecture, or the path of a TOML file
    #[arg(
        long,
        value_name = "NAME",
        default_value = "model_pos_calib_sigmoid_interaction"
    )]
    architecture: String,
    /// Motifs [default: 862 random ones with the widths of the published collection]
    #[arg(long, value_name = "FILE")]
    meme_file: Option<PathBuf>,
    /// What a step is: train (gradients and optimizer) or inference
    #[arg(long, default_value = "train", value_name = "MODE")]
    mode: Mode,
    /// Length of the sequences
    #[arg(long, default_value_t = 300, value_name = "BASES")]
    window_size: usize,
    /// Outputs of the model
    #[arg(long, default_value_t = 3, value_name = "N")]
    outputs: usize,
    /// Sequences of a step
    #[arg(long, default_value_t = 254, value_name = "N")]
    batch_size: usize,
    /// Timed steps; the median is reported
    #[arg(long, default_value_t = 5, value_name = "N")]
    steps: usize,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU)
    #[arg(long, default_value = "f32", value_name = "TYPE")]
    precision: PrecisionArg,
    /// On a GPU: time every kernel of the step alone too (microseconds, GB/s, TFLOP/s, error against f64)
    #[arg(long)]
    kernels: bool,
    /// Write one JSON object instead of tables
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Train,
    Inference,
}

/// Steps before the clock starts.
const WARM_UP: usize = 2;
/// Batches of one timed run on a card.
const STEPS_ON_CARD: usize = 64;

pub fn run(args: &Args) -> Result<()> {
    let precision = args.precision.precision();
    if args.batch_size == 0 || args.outputs == 0 || args.steps == 0 {
        return Err(Error::usage(
            "--batch-size, --outputs and --steps must be at least 1",
        ));
    }
    let device = args.device.open(Some(precision))?;
    let (rate, table) = match (&device, precision) {
        (Device::Cuda { gpu, graph }, _) => {
            let rate = rate_on(gpu, *graph, precision, args)?;
            let measure = || kernels::measure(gpu, precision.on_card(), args);
            (rate, args.kernels.then(measure).transpose()?)
        }
        (Device::Cpu { .. }, _) if args.kernels => {
            return Err(Error::usage(
                "--kernels times the kernels of a GPU; those of the CPU: cargo bench",
            ));
        }
        (_, Precision::F64) => (rate::<f64>(args)?, None),
        _ => (rate::<f32>(args)?, None),
    };
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        device: device.describe(),
        architecture: &args.architecture,
        mode: format!("{:?}", args.mode).to_lowercase(),
        precision: format!("{precision:?}").to_lowercase(),
        batch_size: args.batch_size,
        window: args.window_size,
        sequences_per_s: rate,
        peak_rss_mb: peak_rss_mb(),
        table,
    };
    emit(None, |w| report.write(args.json, w))
}

/// What was measured.
#[derive(Serialize)]
struct Report<'a> {
    version: &'static str,
    device: String,
    architecture: &'a str,
    mode: String,
    precision: String,
    batch_size: usize,
    window: usize,
    sequences_per_s: f64,
    peak_rss_mb: f64,
    #[serde(flatten)]
    table: Option<kernels::Table>,
}

impl Report<'_> {
    fn write(&self, json: bool, w: &mut dyn Write) -> io::Result<()> {
        if json {
            serde_json::to_writer_pretty(&mut *w, self)?;
            return writeln!(w);
        }
        writeln!(w, "architecture\tmode\tsequences_per_s\tpeak_rss_mb")?;
        writeln!(
            w,
            "{}\t{}\t{:.1}\t{:.0}",
            self.architecture, self.mode, self.sequences_per_s, self.peak_rss_mb
        )?;
        match &self.table {
            Some(table) => {
                writeln!(w)?;
                table.write(w)
            }
            None => Ok(()),
        }
    }
}

/// Sequences a second: the median of the timed steps.
fn rate<T: Number>(args: &Args) -> Result<f64> {
    let blueprint = blueprint(args)?;
    let (rows, codes) = (args.batch_size, codes(args, args.batch_size));
    let targets: Vec<T> = targets(args, rows).into_iter().map(T::of).collect();
    let network = Network::<T>::initialise(blueprint, 1)?;
    let batch = |dense| Batch {
        rows,
        codes: &codes,
        dense,
        noise: Noise::default(),
    };
    let mut params = network.params;
    match args.mode {
        Mode::Inference => {
            let mut executor = CpuExecutor::new(network.blueprint.inference_program::<T>(rows)?);
            let mut out = vec![T::ZERO; rows * args.outputs];
            Ok(median_rate(args, || {
                executor.forward(&params, &batch(Vec::new()), &mut out)
            }))
        }
        Mode::Train => {
            let mut executor = CpuExecutor::new(network.blueprint.training_program::<T>(rows)?);
            let layout = executor.layout().clone();
            let settings = OptimizerSettings {
                shrink: Shrink::None,
                penalised: Vec::new(),
            };
            let mut optimizer = Optimizer::new(settings, params.len());
            let mut grads = vec![T::ZERO; params.len()];
            let mut losses = vec![T::ZERO; rows];
            Ok(median_rate(args, || {
                executor.gradients(&mut params, &batch(vec![&targets]), &mut losses, &mut grads);
                optimizer.step(&layout, 1e-3, &mut params, &grads);
            }))
        }
    }
}

/// The model that is timed.
fn blueprint(args: &Args) -> Result<Blueprint> {
    let motifs = match &args.meme_file {
        Some(file) => read_meme(file)?,
        None => random_motifs(),
    };
    let spec = builtin::find(&args.architecture)?;
    Ok(Blueprint {
        kernels: spec.strands().map(|_| MotifKernels::new(&motifs, false)),
        spec,
        dimensions: Dimensions {
            window: args.window_size,
            outputs: args.outputs,
        },
        trainable: Trainable::AllButMotifs,
    })
}

/// Random base codes of this many sequences.
fn codes(args: &Args, rows: usize) -> Vec<u8> {
    let philox = Philox::new(11);
    (0..rows * args.window_size)
        .map(|i| (philox.bits(0, i as u64) & 3) as u8)
        .collect()
}

/// Random signals of this many sequences.
fn targets(args: &Args, rows: usize) -> Vec<f64> {
    let philox = Philox::new(11);
    (0..rows * args.outputs)
        .map(|i| philox.normal(1, i as u64))
        .collect()
}

/// [`rate`] on a card: whole steps as training runs them, data on the card.
fn rate_on(gpu: &Arc<Gpu>, graph: bool, precision: Precision, args: &Args) -> Result<f64> {
    let blueprint = blueprint(args)?;
    let rows = args.batch_size * STEPS_ON_CARD;
    let (codes, signals) = (codes(args, rows), targets(args, rows));
    let settings = OptimizerSettings {
        shrink: Shrink::None,
        penalised: Vec::new(),
    };
    let job = Job {
        samples: Samples {
            codes: &codes,
            signals: &signals,
            length: args.window_size,
            outputs: args.outputs,
        },
        batch_size: args.batch_size,
        seed: 1,
    };
    let mode = CudaMode {
        precision: precision.on_card(),
        graph,
    };
    let network = Network::<f32>::initialise(blueprint, 1)?;
    let worker: &mut dyn Trains<f32> =
        &mut CudaWorker::new(gpu, &network.blueprint, &settings, job, mode)?;
    let zeros = vec![0.0; network.params.len()];
    let moments = Moments {
        m: zeros.clone(),
        v: zeros,
    };
    worker.load(&network.params, &moments)?;
    let order: Vec<usize> = (0..rows).collect();
    worker.begin(Epoch {
        order: &order,
        lr: 1e-3,
        steps: 0,
    })?;
    let mut failed = None;
    let rate = median_rate(args, || {
        let done = match args.mode {
            Mode::Train => worker.steps(0..STEPS_ON_CARD).map(drop),
            Mode::Inference => worker.predict(&order).map(drop),
        };
        failed = failed.take().or(done.err());
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(rate * STEPS_ON_CARD as f64),
    }
}

fn median_rate(args: &Args, mut step: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..WARM_UP + args.steps)
        .map(|_| {
            let start = Instant::now();
            step();
            start.elapsed().as_secs_f64()
        })
        .skip(WARM_UP)
        .collect();
    seconds.sort_by(f64::total_cmp);
    args.batch_size as f64 / seconds[seconds.len() / 2]
}

/// 862 motifs, 5 to 30 positions wide, 10.7 on average.
fn random_motifs() -> Vec<Motif> {
    let philox = Philox::new(862);
    (0..862)
        .map(|i| {
            // The largest of the collection, once; otherwise around the mode.
            let width = match i {
                0 => 30,
                1 => 5,
                _ => 7 + (philox.uniform(i, 0) * philox.uniform(i, 1) * 16.0) as u64,
            };
            let row = |k: u64| {
                let raw = [0, 1, 2, 3].map(|b| (3.0 * philox.normal(i, 10 + 4 * k + b)).exp());
                let total: f64 = raw.iter().sum();
                raw.map(|r| r / total)
            };
            Motif {
                id: format!("motif_{}", i + 1),
                label: None,
                nsites: None,
                rows: (0..width).map(row).collect(),
            }
        })
        .collect()
}

/// The process's largest resident size so far, in MiB; 0 where the system does not tell.
fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|l| l.starts_with("VmHWM:"))
        .unwrap_or_default();
    let kilobytes = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
