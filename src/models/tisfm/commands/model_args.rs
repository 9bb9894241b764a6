//! Arguments of the commands that run a trained model.

use crate::Result;
use crate::args::numbers::one_or_more;
use crate::args::outputs;
use crate::args::{DeviceArgs, PrecisionArg, Unannounced};
use crate::io::state_dict::StateDict;
use crate::models::tisfm::KIND;
use crate::models::tisfm::MotifKernels;
use crate::models::tisfm::network::MOTIF_WEIGHT;
use crate::models::tisfm::saved::{self, SavedModel};
use crate::models::tisfm::spec::Strands;
use crate::train::folder::config::Precision;
use crate::train::model::Kinds;
use std::path::PathBuf;

/// How a command runs a trained model, and where its table goes.
#[derive(clap::Args, Clone, Debug)]
pub struct ModelArgs {
    /// Model folder
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Genome, FASTA (plain, gzip or bgzip) or 2bit, for a BED of sequences
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Sequences that are computed at a time
    #[arg(long, default_value_t = 254, value_name = "N", value_parser = one_or_more::<usize>)]
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
    /// Opens the model and finds the device.
    ///
    /// # Errors
    /// An output that is one of `inputs` or of the model's files; no such model; a device that cannot be used.
    pub fn open(
        &self,
        known: Kinds,
        mut inputs: Vec<PathBuf>,
    ) -> Result<(SavedModel, Precision, Unannounced)> {
        let model = saved::open(&self.model, known)?;
        inputs.extend(outputs::model_files(&self.model, &KIND));
        inputs.extend(self.genome.iter().flat_map(|g| outputs::genome_files(g)));
        let data = model.config.model.data.as_ref();
        let genome = data.and_then(|data| data.genome.as_ref());
        inputs.extend(genome.into_iter().flat_map(|g| outputs::genome_files(g)));
        inputs.extend(model.config.files.iter().map(|file| file.path.clone()));
        if let Some(out) = &self.out {
            outputs::check(&[("--out", out)], &inputs)?;
        }
        let precision = PrecisionArg::or_trained(self.precision, model.config.precision);
        let device = self.device.open(Some(precision))?;
        let architecture = &model.config.model.architecture;
        if architecture.depends_on_batch() {
            tell!(
                "warning: {} uses each batch's first sequence for all: predictions depend on the order and --batch-size",
                architecture.name
            );
        }
        Ok((model, precision, device))
    }
}

/// Says so where the motifs of a MEME file are not those of the weights: the weights win, and
/// names in another order would call every factor by another's name. `shown` names a motif by its place.
pub fn warn_of_other_motifs(
    kernels: &MotifKernels,
    strands: Strands,
    shown: impl Fn(usize) -> Option<String>,
    weights: &StateDict,
) {
    let Some(weight) = weights.get(MOTIF_WEIGHT) else {
        return;
    };
    let differing = kernels.differing(strands, &weight.values.to_f64());
    if let Some(first) = differing.first().and_then(|&motif| shown(motif)) {
        tell!(
            "warning: the kernels of {} of {} motifs in the weights are not those of the MEME file (first: {first}); the weights win. Another file or order would give the factors wrong names; kernels that were trained differ too",
            differing.len(),
            kernels.len()
        );
    }
}
