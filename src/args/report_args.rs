//! Flags of `cisgrad report` that every kind of model takes.

use super::numbers::one_or_more;
use super::{DeviceArgs, PrecisionArg, Unannounced};
use crate::Result;
use crate::train::folder::config::Precision;
use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug)]
pub struct ReportArgs {
    /// Model folder, or the folder of an ensemble
    #[arg(value_name = "DIR")]
    pub model: PathBuf,
    /// The page to write
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub out: PathBuf,
    /// Motifs, families and kernels that are drawn; the others are in tables
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = one_or_more::<usize>)]
    pub top: usize,
    /// Genome, FASTA (plain, gzip or bgzip) or 2bit [default: that of the training run]
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Sequences or windows that are computed at a time
    #[arg(long, default_value_t = 254, value_name = "N", value_parser = one_or_more::<usize>)]
    pub batch_size: usize,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU) [default: as trained, f32 for bf16]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<PrecisionArg>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl ReportArgs {
    /// Finds the device for a model that was trained with this precision.
    ///
    /// # Errors
    /// A device or precision that cannot be had.
    pub fn open(&self, trained: Precision) -> Result<(Precision, Unannounced)> {
        let precision = PrecisionArg::or_trained(self.precision, trained);
        Ok((precision, self.device.open(Some(precision))?))
    }
}
