//! Flags of `cisgrad motifs export` that every kind of model takes.

use super::numbers::one_or_more;
use super::{DeviceArgs, PrecisionArg, Unannounced};
use crate::Result;
use crate::train::folder::config::Precision;
use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug)]
pub struct ExportArgs {
    /// Model folder; of tiSFM also weights in one (DIR/model.7), of FactorNet also one that Keras saved
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Write here instead of to stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Leave out flat flanks: positions that tell less than a tenth of a bit
    #[arg(long)]
    pub trim: bool,
    /// Genome, FASTA (plain, gzip or bgzip) or 2bit [default: the training run's]
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Sequences or windows that are computed at a time
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = one_or_more::<usize>)]
    pub batch_size: usize,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU) [default: as trained, f32 for bf16]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<PrecisionArg>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl ExportArgs {
    /// Finds the device for a model that was trained with this precision.
    ///
    /// # Errors
    /// A device or precision that cannot be had.
    pub fn open(&self, trained: Precision) -> Result<(Precision, Unannounced)> {
        let precision = PrecisionArg::or_trained(self.precision, trained);
        Ok((precision, self.device.open(Some(precision))?))
    }
}
