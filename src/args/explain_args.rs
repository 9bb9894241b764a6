//! Flags of `cisgrad explain` that every kind of model takes.

use super::numbers::{above_zero, one_or_more, zero_or_more};
use super::quoted::quoted;
use super::{DeviceArgs, PrecisionArg, Unannounced, outputs};
use crate::attribution::explainer::Settings;
use crate::attribution::folder::Parts;
use crate::attribution::method::{Baseline, Method};
use crate::attribution::named_hits::Named;
use crate::attribution::output::Output;
use crate::engine::Device;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::train::folder::config::Precision;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// More than enough for any network, and few enough to be found fast.
const MOST_STEPS: usize = 10_000;

fn steps(text: &str) -> std::result::Result<usize, String> {
    match one_or_more::<usize>(text) {
        Ok(steps) if steps > MOST_STEPS => Err(format!("expected {MOST_STEPS} at most")),
        other => other,
    }
}

#[derive(clap::Args, Clone, Debug)]
pub struct ExplainArgs {
    /// Model folder, or the folder of an ensemble, whose mean is explained
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Sequences of the model's length: name and sequence per line, FASTA, or BED with --genome
    #[arg(long, value_name = "FILE", required_unless_present = "bed")]
    pub sequences: Option<PathBuf>,
    /// Intervals of a genome (BED): of the model's length, or for FactorNet of any, around whose middle the input lies
    #[arg(long, value_name = "BED", conflicts_with = "sequences")]
    pub bed: Option<PathBuf>,
    /// Genome, FASTA (plain, gzip or bgzip) or 2bit [default: that of the training run]
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Folder for the results; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Outputs or factors to explain [default: all]
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub output: Vec<String>,
    /// How
    #[arg(long, value_enum, default_value_t = Method::Ism, value_name = "METHOD")]
    pub method: Method,
    /// Of integrated gradients: points on the way from the baseline [default: 50]
    #[arg(long, value_name = "N", value_parser = steps)]
    pub steps: Option<usize>,
    /// Of integrated gradients: where they begin [default: zero]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub baseline: Option<Baseline>,
    /// Of the shuffled baseline [default: 1]
    #[arg(long, value_name = "N", value_parser = zero_or_more::<u64>)]
    pub seed: Option<u64>,
    /// Known motifs (MEME) by which stretches of high attributions are named, in hits.tsv and in pictures
    #[arg(long, value_name = "MEME")]
    pub motifs: Option<PathBuf>,
    /// Windows of motifs are listed from this share of a sequence's summed absolute attributions (or shares of motifs) on
    #[arg(long, default_value_t = 0.01, value_name = "SHARE", value_parser = above_zero)]
    pub min_part: f64,
    /// Draw the first N sequences as SVG
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = zero_or_more::<usize>)]
    pub plot: usize,
    /// Go on with a run that was stopped, with the same flags
    #[arg(long)]
    pub resume: bool,
    /// Sequences that are computed at a time
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = one_or_more::<usize>)]
    pub batch_size: usize,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU) [default: as trained, f32 for bf16]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<PrecisionArg>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl ExplainArgs {
    /// The file of sequences or intervals.
    pub fn file(&self) -> &Path {
        // The parser has seen to it that one of the two is given.
        self.sequences
            .as_deref()
            .or(self.bed.as_deref())
            .unwrap_or(Path::new(""))
    }

    /// Looks at what is written and read, and finds the device. `read`: the model's files.
    ///
    /// # Errors
    /// A folder that is in use, or holds what is read; a device or precision that cannot be had.
    pub fn open(
        &self,
        trained: Precision,
        mut read: Vec<PathBuf>,
    ) -> Result<(Precision, Unannounced)> {
        Parts::check(&self.out, self.resume)?;
        let of_integrated = [
            ("--steps", self.steps.is_some()),
            ("--baseline", self.baseline.is_some()),
            ("--seed", self.seed.is_some()),
        ];
        let given = of_integrated.iter().find(|(_, given)| *given);
        if let (Some((flag, _)), true) = (given, self.method != Method::Integrated) {
            return Err(Error::usage(format!(
                "{flag} goes with --method integrated, and the method is {}",
                self.method.name()
            )));
        }
        if self.min_part > 1.0 {
            return Err(Error::usage(format!(
                "--min-part {}: a share is 1 at most",
                self.min_part
            )));
        }
        if self.method == Method::Motifs && self.motifs.is_some() {
            return Err(Error::usage(
                "--motifs names stretches for the other methods; --method motifs has the model's own motifs: leave it out",
            ));
        }
        read.push(self.file().to_path_buf());
        read.extend(self.motifs.clone());
        read.extend(self.genome.iter().flat_map(|g| outputs::genome_files(g)));
        outputs::check_holds_none("--out", &self.out, &read)?;
        let precision = PrecisionArg::or_trained(self.precision, trained);
        Ok((precision, self.device.open(Some(precision))?))
    }

    /// The motifs of --motifs.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn named(&self, sources: &Sources, notes: &mut Vec<String>) -> Result<Option<Named>> {
        let Some(file) = &self.motifs else {
            return Ok(None);
        };
        let motifs = parse_meme(sources.lines(file)?, notes)?;
        Ok(Some(Named::new(&motifs, self.min_part)))
    }

    /// How predictions are explained.
    pub fn explainer(&self, precision: Precision) -> Settings {
        let usual = Settings::new(self.method, self.batch_size, precision);
        Settings {
            steps: self.steps.unwrap_or(usual.steps),
            baseline: self.baseline.unwrap_or(usual.baseline),
            seed: self.seed.unwrap_or(usual.seed),
            ..usual
        }
    }

    /// What the results depend on beside the sequences, as one text.
    pub fn settings(
        &self,
        models: &str,
        (precision, device): (Precision, &Device),
        outputs: &[Output],
        named: Option<&Named>,
    ) -> String {
        let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
        let device = match device {
            Device::Cpu { .. } => "cpu",
            Device::Cuda { .. } => "cuda",
        };
        let mut text = format!(
            "{models}\n{}\n{precision:?} {device} {}\n{}\n{} {}\n{}",
            self.method.name(),
            self.batch_size,
            names.join("\n"),
            self.min_part,
            self.plot,
            named.map_or("", Named::fingerprint)
        );
        if self.method == Method::Integrated {
            let settings = self.explainer(precision);
            let baseline = settings.baseline;
            text += &format!("\n{} {baseline:?} {}", settings.steps, settings.seed);
        }
        text
    }

    /// The command that finds motifs in the attributions of sequences of this length, where they are of all four bases.
    pub fn tell_modisco(&self, outputs: &[Output], length: usize) {
        const WINDOW: usize = 400;
        if matches!(self.method, Method::InputXGradient | Method::Motifs) {
            return;
        }
        let Some(output) = outputs.first() else {
            return;
        };
        let name = |file: String| quoted(self.out.join(file).display());
        tell!(
            "motifs in the attributions, with tfmodisco-lite, from some hundred sequences on: modisco motifs -s {} -a {} -n 50000 -w {} -o {}",
            name("ohe.npz".to_string()),
            name(format!("attr.{}.npz", output.file)),
            WINDOW.min(length),
            name(format!("modisco.{}.h5", output.file))
        );
    }
}
