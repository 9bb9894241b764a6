//! How fast a model trains and predicts, on random rows.

mod kernels;
mod rows;

pub use kernels::Table;

use crate::engine::memory::{self, Bytes};
use crate::engine::{Device, Philox};
use crate::optim::OptimizerSettings;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Model;
use crate::train::predictor::Predictor;
use crate::train::worker::{Epoch, Job, Moments, worker};
use crate::{Error, Result};
use rows::RandomRows;
use std::path::Path;
use std::time::Instant;

/// What a step is.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Train,
    Inference,
}

/// Which model is timed, as the command line has it; each kind has sizes of its own where none are given.
pub struct Sizes<'a> {
    pub architecture: &'a str,
    /// A file of motifs.
    pub motifs: Option<&'a Path>,
    /// Length of the sequences.
    pub window: Option<usize>,
    pub outputs: Option<usize>,
    /// Whether kernels that stand still by default learn too.
    pub motifs_learn: bool,
}

/// Times a model of one kind and tells the length of its sequences; None where the name is another kind's.
pub type Bench = fn(&Sizes<'_>, &Load<'_>) -> Result<Option<(usize, Timed)>>;

/// What is timed, and where.
pub struct Load<'a> {
    pub mode: Mode,
    pub batch_size: usize,
    /// Timed steps; the median counts.
    pub steps: usize,
    pub precision: Precision,
    /// Tells the user of the device and gives it: called once, when the model has been found.
    pub device: &'a dyn Fn() -> Device,
    /// Time every kernel of a GPU alone, too.
    pub kernels: bool,
}

/// What was measured.
pub struct Timed {
    /// In a few words.
    pub device: String,
    pub rows_per_s: f64,
    pub table: Option<Table>,
}

/// A random target, from a number's place among all.
pub type Target = fn(&Philox, u64) -> f64;

/// Steps before the clock starts.
const WARM_UP: usize = 2;
/// Batches of one timed run on a GPU.
const STEPS_ON_GPU: usize = 64;

/// Times whole steps as training and prediction run them.
///
/// # Errors
/// A model that cannot be built, or cannot run on the device; numbers too large for memory.
pub fn time<M: Model>(
    model: &M,
    optimizer: &OptimizerSettings,
    target: Target,
    load: &Load<'_>,
) -> Result<Timed> {
    memory::check(
        format!("--steps {}", load.steps),
        Bytes::of::<f64>(&[load.steps]),
    )?;
    let device = (load.device)();
    let rows_per_s = match load.precision {
        Precision::F64 => rate::<f64, M>(model, optimizer, target, load, &device)?,
        Precision::F32 | Precision::Bf16 => {
            rate::<f32, M>(model, optimizer, target, load, &device)?
        }
    };
    let table = match (load.kernels, &device) {
        (false, _) => None,
        (true, Device::Cuda { gpu, .. }) => Some(Table::measure(gpu, model, target, load)),
        (true, Device::Cpu { .. }) => {
            return Err(Error::usage(
                "--kernels times the kernels of a GPU; those of the CPU: cargo bench",
            ));
        }
    };
    Ok(Timed {
        device: device.describe(),
        rows_per_s,
        table,
    })
}

fn rate<T: Number, M: Model>(
    model: &M,
    optimizer: &OptimizerSettings,
    target: Target,
    load: &Load<'_>,
    device: &Device,
) -> Result<f64> {
    let batches = match device {
        Device::Cpu { .. } => 1,
        Device::Cuda { .. } => STEPS_ON_GPU,
    };
    let size = load.batch_size;
    let samples = RandomRows::new(model.row(), size.saturating_mul(batches), size, target)?;
    let params: Vec<T> = model.layout()?.initialise(1);
    let order = samples.all();
    let mut failed = None;
    let mut keep = |done: Result<()>| failed = failed.take().or(done.err());
    let rate = match load.mode {
        Mode::Train => {
            let job = Job {
                model,
                samples: &samples,
                optimizer,
                batch_size: size.into(),
                seed: 1,
            };
            let mut worker = worker::<T, _, _>(device, load.precision, job)?;
            let zeros = vec![T::ZERO; params.len()];
            let moments = Moments {
                m: zeros.clone(),
                v: zeros,
            };
            worker.load(&params, &moments)?;
            worker.begin(Epoch {
                samples: order,
                lr: 1e-3,
                steps: 0,
            })?;
            median_rate(load, || keep(worker.steps(0..batches).map(drop)))
        }
        Mode::Inference => {
            let precision = load.precision;
            let (source, most) = (&samples, order.len());
            let mut predictor =
                Predictor::new(device, precision, model, params, source, size, most)?;
            median_rate(load, || keep(predictor.predict(&order, |_| {}).map(drop)))
        }
    };
    match failed {
        Some(error) => Err(error),
        None => Ok(rate * batches as f64),
    }
}

fn median_rate(load: &Load<'_>, mut step: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..load.steps.saturating_add(WARM_UP))
        .map(|_| {
            let start = Instant::now();
            step();
            start.elapsed().as_secs_f64()
        })
        .skip(WARM_UP)
        .collect();
    seconds.sort_by(f64::total_cmp);
    load.batch_size as f64 / seconds[seconds.len() / 2]
}
