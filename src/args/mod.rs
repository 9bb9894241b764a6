//! Arguments and steps that several commands share, whatever their kind of model.

pub mod near;
pub mod outputs;
pub mod own_folder;

use crate::engine::Device;
use crate::engine::device::DeviceRequest;
use crate::io::atomic::write_atomic;
use crate::io::text::printable;
use crate::train::folder::config::Precision;
use crate::{Error, Result};
use std::io::{self, Write};
use std::path::Path;

/// Where and with how many threads a command runs.
#[derive(clap::Args, Clone, Debug)]
pub struct DeviceArgs {
    /// Where to run: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Threads on the CPU [default: one per core]
    #[arg(long, visible_alias = "num-of-workers", value_name = "N")]
    pub threads: Option<usize>,
    /// On a GPU, launch every kernel anew instead of replaying recorded steps (for debugging)
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

/// Notes for the user, on stderr.
pub fn say(notes: &[String]) {
    for note in notes {
        eprintln!("{}", printable(note));
    }
}
