//! Arguments and steps that several commands share, whatever their kind of model.

pub mod chosen_outputs;
pub mod compare_args;
pub mod ensemble_args;
pub mod explain_args;
pub mod inputs;
pub mod lr_decay;
pub mod marginalize_args;
pub mod motif_export;
pub mod named_file;
pub mod numbers;
pub mod of_run;
pub mod outputs;
pub mod own_folder;
pub mod own_name;
pub mod quoted;
pub mod reads_args;
pub mod recipe;
pub mod report_args;
pub mod spelling;
pub mod variants_args;

use crate::engine::Device;
use crate::engine::device::{Chosen, DeviceRequest, F64_ON_CPU};
use crate::io::atomic::{until_reader_leaves, write_atomic};
use crate::numbers::rounded;
use crate::train::folder::config::Precision;
use crate::{Error, Result};
use numbers::zero_or_more;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;

/// Where and with how many threads a command runs.
#[derive(clap::Args, Clone, Debug)]
pub struct DeviceArgs {
    /// Where to run: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    #[command(flatten)]
    pub threads: ThreadArgs,
    /// On a GPU, launch every kernel anew instead of replaying recorded steps (for debugging)
    #[arg(long)]
    pub no_graph: bool,
}

impl DeviceArgs {
    /// Starts the threads and finds the device.
    ///
    /// # Errors
    /// A device or precision that cannot be had; more threads than the system gives.
    pub fn open(&self, precision: Option<Precision>) -> Result<Unannounced> {
        let f64 = precision == Some(Precision::F64);
        let cpu_only = f64.then_some(F64_ON_CPU);
        let request: DeviceRequest = self.device.parse()?;
        self.threads.start()?;
        let mut chosen = Device::open(request, rayon::current_num_threads(), cpu_only)?;
        match (&mut chosen.device, precision) {
            (Device::Cpu { .. }, Some(Precision::Bf16)) => {
                return Err(Error::usage(
                    "--precision bf16 needs a GPU's tensor cores; on the CPU say f32 or f64",
                ));
            }
            (Device::Cuda { graph, .. }, _) => *graph = !self.no_graph,
            _ => {}
        }
        Ok(Unannounced {
            chosen,
            precision,
            announced: OnceLock::new(),
        })
    }
}

/// With how many threads a command runs.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct ThreadArgs {
    /// Threads on the CPU; 0 as without the flag [default: one per core]
    #[arg(long, visible_alias = "num-of-workers", value_name = "N", value_parser = zero_or_more::<usize>)]
    pub threads: Option<usize>,
}

impl ThreadArgs {
    /// Starts them.
    ///
    /// # Errors
    /// More than the system gives.
    pub fn start(self) -> Result<()> {
        match self.threads {
            None | Some(0) => Ok(()),
            Some(threads) => start_threads(threads),
        }
    }
}

/// So many threads for all that runs on the CPU.
fn start_threads(threads: usize) -> Result<()> {
    let refused = |why: String| Err(Error::invalid(format!("--threads {threads}: {why}")));
    let most = rayon::max_num_threads();
    if threads > most {
        return refused(format!("at most {most} can be used"));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    // Without a cause, this process has started its threads before, as the demo's commands do: they serve as well.
    match pool
        .build_global()
        .as_ref()
        .map_err(std::error::Error::source)
    {
        Err(Some(cause)) => refused(format!(
            "the system does not start so many threads ({cause}); give fewer"
        )),
        Ok(()) | Err(None) => Ok(()),
    }
}

/// A device that the user has not been told of: that comes once all that the command line names has been found to be
/// there, so that a slip in a flag is not the second line.
#[must_use]
pub struct Unannounced {
    chosen: Chosen,
    precision: Option<Precision>,
    announced: OnceLock<()>,
}

impl Unannounced {
    /// Says on stderr what the run uses, the first time that it is asked.
    pub fn announce(&self) -> Device {
        let precision = match self.precision {
            Some(Precision::F32) => ", f32",
            Some(Precision::F64) => ", f64",
            Some(Precision::Bf16) => ", bf16",
            None => "",
        };
        let Chosen { device, what, why } = &self.chosen;
        let why = why.as_ref().map_or(String::new(), |why| format!("; {why}"));
        self.announced
            .get_or_init(|| tell!("device: {what}{precision}{why}"));
        device.clone()
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

    /// As the flag has it.
    pub fn name(self) -> &'static str {
        match self {
            PrecisionArg::F64 => "f64",
            PrecisionArg::F32 => "f32",
            PrecisionArg::Bf16 => "bf16",
        }
    }

    /// What a trained model runs in.
    pub fn or_trained(given: Option<PrecisionArg>, trained: Precision) -> Precision {
        match (given, trained) {
            (Some(given), _) => given.precision(),
            // What was trained in bf16 is held in f32.
            (None, Precision::Bf16) => Precision::F32,
            (None, as_trained) => as_trained,
        }
    }
}

/// How many digits a measure has in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// In files and pipes: as many as bring the same number back.
    All,
    /// Likewise, in single precision.
    Single,
    /// On a terminal: as many as are read.
    Few,
}

impl Digits {
    /// Of a table that goes to a file, or to stdout where none is named.
    pub fn of_output(out: Option<&Path>) -> Digits {
        match out {
            None if io::stdout().is_terminal() => Digits::Few,
            _ => Digits::All,
        }
    }

    /// Of numbers that a model computed: in single precision they have no more digits.
    pub fn of_model(self, precision: Precision) -> Digits {
        match (self, precision) {
            (Digits::All, Precision::F32 | Precision::Bf16) => Digits::Single,
            (other, _) => other,
        }
    }

    /// The number as it is printed.
    pub fn of(self, number: f64) -> f64 {
        match self {
            Digits::All => number,
            // The shortest text of the f32, read as an f64, has the same shortest text.
            Digits::Single => (number as f32).to_string().parse().unwrap_or(number),
            Digits::Few => rounded(number),
        }
    }
}

/// Writes a table to a file, packed with gzip where its name ends in `.gz`, or to stdout where none is named. That nobody reads
/// on at stdout ends what goes there and nothing else.
pub fn emit(out: Option<&Path>, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    match out {
        Some(path) => write_atomic(path, |w| fill(w)),
        None => {
            let stdout = io::stdout().lock();
            let mut writer = io::BufWriter::new(stdout);
            until_reader_leaves(fill(&mut writer).and_then(|()| writer.flush()))
                .map_err(|e| Error::io("standard output", e))
        }
    }
}

/// Notes for the user, on stderr.
pub fn say(notes: &[String]) {
    for note in notes {
        tell!("{note}");
    }
}
