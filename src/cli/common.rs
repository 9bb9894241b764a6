//! Arguments and steps that several commands share.

use crate::engine::Device;
use crate::engine::device::DeviceRequest;
use crate::io::atomic::write_atomic;
use crate::io::state_dict::StateDict;
use crate::models::MotifKernels;
use crate::models::spec::Strands;
use crate::train::config::Precision;
use crate::train::network::MOTIF_WEIGHT;
use crate::train::saved::SavedModel;
use crate::{Error, Result};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where and with how many threads a command runs.
#[derive(clap::Args, Clone, Debug)]
pub struct DeviceArgs {
    /// Where to run: auto, cpu or cuda[:N]
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Threads on the CPU [default: one a core]
    #[arg(long, visible_alias = "num-of-workers", value_name = "N")]
    pub threads: Option<usize>,
    /// Launch every kernel of a card anew instead of replaying recorded steps (for debugging)
    #[arg(long)]
    pub no_graph: bool,
}

impl DeviceArgs {
    /// Starts the threads and says on stderr what the run uses: the first line of every run.
    pub fn open(&self, precision: Option<Precision>) -> Result<Device> {
        let f64 = precision == Some(Precision::F64);
        self.start(
            precision,
            f64.then_some("--precision f64 runs on the CPU alone"),
        )
    }

    /// [`DeviceArgs::open`] where only the CPU will do, and why.
    pub fn open_cpu(&self, precision: Precision, why: &str) -> Result<Device> {
        self.start(Some(precision), Some(why))
    }

    fn start(&self, precision: Option<Precision>, cpu_only: Option<&str>) -> Result<Device> {
        let request: DeviceRequest = self.device.parse()?;
        if self.threads == Some(0) {
            return Err(Error::usage("--threads 0: at least one is needed"));
        }
        let mut pool = rayon::ThreadPoolBuilder::new();
        if let Some(threads) = self.threads {
            pool = pool.num_threads(threads);
        }
        // Fails only where this process has started its threads before, as tests do.
        let _ = pool.build_global();
        let (mut device, line) = Device::open(request, rayon::current_num_threads(), cpu_only)?;
        match (&mut device, precision) {
            (Device::Cpu { .. }, Some(Precision::Bf16)) => {
                return Err(Error::usage(
                    "--precision bf16 needs a GPU's tensor cores; on the CPU say f32 or f64",
                ));
            }
            (Device::Cuda { graph, .. }, _) => *graph = !self.no_graph,
            _ => {}
        }
        match precision {
            Some(Precision::F32) => eprintln!("{line}, f32"),
            Some(Precision::F64) => eprintln!("{line}, f64"),
            Some(Precision::Bf16) => eprintln!("{line}, bf16"),
            None => eprintln!("{line}"),
        }
        Ok(device)
    }
}

/// `--precision` as given.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrecisionArg {
    F64,
    F32,
    Bf16,
}

impl PrecisionArg {
    pub fn precision(self) -> Precision {
        match self {
            PrecisionArg::F64 => Precision::F64,
            PrecisionArg::F32 => Precision::F32,
            PrecisionArg::Bf16 => Precision::Bf16,
        }
    }
}

/// How a command runs a trained model, and where its table goes.
#[derive(clap::Args, Clone, Debug)]
pub struct ModelArgs {
    /// Model folder
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Genome FASTA (plain, gzip or bgzip) for a BED of sequences
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Sequences that are computed at a time
    #[arg(long, default_value_t = 254, value_name = "N")]
    pub batch_size: usize,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU) [default: as trained, f32 for bf16]
    #[arg(long, value_name = "TYPE")]
    precision: Option<PrecisionArg>,
    /// Write here instead of to stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

impl ModelArgs {
    /// Opens the model and starts the device.
    pub fn open(&self) -> Result<(SavedModel, Precision, Device)> {
        if self.batch_size == 0 {
            return Err(Error::usage("--batch-size must be at least 1"));
        }
        let model = SavedModel::open(&self.model)?;
        let precision = match (self.precision, model.config.precision) {
            (Some(given), _) => given.precision(),
            // What was trained in bf16 is held in f32.
            (None, Precision::Bf16) => Precision::F32,
            (None, as_trained) => as_trained,
        };
        let device = self.device.open(Some(precision))?;
        if model.config.architecture.depends_on_batch() {
            eprintln!(
                "warning: {} uses each batch's first sequence for all: predictions depend on the order and --batch-size",
                model.config.architecture.name
            );
        }
        Ok((model, precision, device))
    }
}

/// Writes a table to a file, or to stdout where none is named.
pub fn emit(out: Option<&Path>, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    match out {
        Some(path) => write_atomic(path, |w| fill(w)),
        None => {
            let stdout = io::stdout().lock();
            let mut writer = io::BufWriter::new(stdout);
            fill(&mut writer)
                .and_then(|()| writer.flush())
                .map_err(|e| Error::io("standard output", e))
        }
    }
}

/// Says so where the motifs of a MEME file are not those of the weights: the weights win, and
/// names in another order would call every factor by another's name.
pub fn warn_of_other_motifs(
    kernels: &MotifKernels,
    strands: Strands,
    names: &[String],
    weights: &StateDict,
) {
    let Some(weight) = weights.get(MOTIF_WEIGHT) else {
        return;
    };
    let differing = kernels.differing(strands, &weight.values.to_f64());
    if let Some(name) = differing.first().and_then(|&motif| names.get(motif)) {
        eprintln!(
            "warning: the kernels of {} of {} motifs in the weights are not those of the MEME file (first: {name}); the weights win. Another file or order would give the factors wrong names; kernels that were trained differ too",
            differing.len(),
            names.len()
        );
    }
}
