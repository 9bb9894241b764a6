//! Arguments of the commands that run a trained model.

use crate::Result;
use crate::args::numbers::one_or_more;
use crate::args::outputs;
use crate::args::{DeviceArgs, PrecisionArg, Unannounced};
use crate::data::split::rows::split_files;
use crate::models::tisfm::KIND;
use crate::models::tisfm::members::Members;
use crate::models::tisfm::saved::SavedModel;
use crate::train::folder::config::Precision;
use crate::train::model::Kinds;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How a command runs a trained model, and where its table goes.
#[derive(clap::Args, Clone, Debug)]
pub struct ModelArgs {
    /// Model folder, weights in one (DIR/model.7), or the folder of an ensemble (--seeds, --folds)
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
    /// Opens the model, or those of an ensemble, and finds the device.
    ///
    /// # Errors
    /// Those of [`ModelArgs::prepare`]; no such model.
    pub fn open(
        &self,
        known: Kinds,
        inputs: Vec<PathBuf>,
    ) -> Result<(Members, Precision, Unannounced)> {
        let members = Members::open(&self.model, known)?;
        let (precision, device) = self.prepare(&members.models, inputs, &[])?;
        Ok((members, precision, device))
    }

    /// Looks at the outputs, `more` beside --out, and finds the device for models, at least one.
    ///
    /// # Errors
    /// An output that is one of `inputs` or of the model's files; a device that cannot be used.
    pub fn prepare(
        &self,
        models: &[SavedModel],
        mut inputs: Vec<PathBuf>,
        more: &[(&str, PathBuf)],
    ) -> Result<(Precision, Unannounced)> {
        inputs.extend(self.genome.iter().flat_map(|g| outputs::genome_files(g)));
        inputs.extend(models.iter().flat_map(files_of_run));
        let model = &models[0];
        let out = self.out.iter().map(|out| ("--out", out.as_path()));
        let more = more.iter().map(|(flag, path)| (*flag, path.as_path()));
        outputs::check(&out.chain(more).collect::<Vec<_>>(), &inputs)?;
        let precision = PrecisionArg::or_trained(self.precision, model.config.precision);
        let device = self.device.open(Some(precision))?;
        let architecture = &model.config.model.architecture;
        if architecture.depends_on_batch() {
            tell!(
                "warning: {} uses each batch's first sequence for all: predictions depend on the order and --batch-size",
                architecture.name
            );
        }
        Ok((precision, device))
    }
}

/// The files of a model and those that its training run read: what its config.json names, its split and the weights that it
/// started from among them.
pub fn files_of_run(model: &SavedModel) -> Vec<PathBuf> {
    let config = &model.config;
    let mut files = outputs::model_files(model.folder(), &KIND);
    files.extend(config.files.iter().map(|file| file.path.clone()));
    let genome = config.model.data.as_ref().and_then(|d| d.genome.as_ref());
    files.extend(genome.into_iter().flat_map(|g| outputs::genome_files(g)));
    let named = |flag| {
        config
            .flags
            .get(flag)
            .and_then(Value::as_str)
            .map(Path::new)
    };
    files.extend(named("split_folder").into_iter().flat_map(split_files));
    files.extend(named("model").map(Path::to_path_buf));
    files
}
