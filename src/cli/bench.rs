//! `cisgrad bench`: whole steps on random rows, and a GPU's kernels one by one.

use crate::args::inputs::check_there;
use crate::args::numbers::one_or_more;
use crate::args::{DeviceArgs, PrecisionArg, emit};
use crate::models::kinds::BENCHES;
use crate::numbers::counted;
use crate::timing::{Load, Mode, Sizes, Table};
use crate::{Error, Result};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// A built-in tiSFM architecture, the path of a TOML file, or factornet-kK-rR: FactorNet with K kernels and R units
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
    /// Length of the sequences [default: 300; 1000 for FactorNet]
    #[arg(long, value_name = "BASES", value_parser = one_or_more::<usize>)]
    window_size: Option<usize>,
    /// Outputs of the model [default: 3; 1 for FactorNet]
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    outputs: Option<usize>,
    /// Train the motif kernels too (tiSFM)
    #[arg(long)]
    unfreeze_conv: bool,
    /// Sequences of a step
    #[arg(long, default_value_t = 254, value_name = "N", value_parser = one_or_more::<usize>)]
    batch_size: usize,
    /// Timed steps; the median is reported
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = one_or_more::<usize>)]
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

pub fn run(args: &Args) -> Result<()> {
    let precision = args.precision.precision();
    check_there(&args.meme_file)?;
    let device = args.device.open(Some(precision))?;
    let sizes = Sizes {
        architecture: &args.architecture,
        motifs: args.meme_file.as_deref(),
        window: args.window_size,
        outputs: args.outputs,
        motifs_learn: args.unfreeze_conv,
    };
    let load = Load {
        mode: args.mode,
        batch_size: args.batch_size,
        steps: args.steps,
        precision,
        device: &|| device.announce(),
        kernels: args.kernels,
    };
    // The first kind takes a name that no other one knows: it has architectures, and says which.
    let mut found = None;
    for kind in BENCHES.iter().rev() {
        found = kind(&sizes, &load)?;
        if found.is_some() {
            break;
        }
    }
    let Some((window, timed)) = found else {
        return Err(Error::usage(format!(
            "--architecture {}: no kind of model knows it",
            args.architecture
        )));
    };
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        device: timed.device,
        architecture: &args.architecture,
        mode: format!("{:?}", args.mode).to_lowercase(),
        precision: format!("{precision:?}").to_lowercase(),
        batch_size: args.batch_size,
        window,
        sequences_per_s: timed.rows_per_s,
        peak_rss_mb: peak_rss_mb(),
        table: timed.table,
    };
    emit(None, |w| report.write(args.json, w))?;
    match report.table.map_or(0, |table| table.faults.len()) {
        0 => Ok(()),
        faults => Err(Error::Device(format!(
            "{} in the table of kernels",
            counted(faults, "fault")
        ))),
    }
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
    table: Option<Table>,
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
