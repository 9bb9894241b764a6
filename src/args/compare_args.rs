//! Flags of `cisgrad compare` that every kind of model takes.

use super::numbers::{one_or_more, zero_or_more};
use super::{DeviceArgs, PrecisionArg, Unannounced};
use crate::Result;
use crate::train::folder::config::Precision;
use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug)]
pub struct CompareArgs {
    /// Model folders, or folders of ensembles, all of one kind; differences are to the first
    #[arg(num_args = 2.., required = true, value_name = "DIR")]
    pub models: Vec<PathBuf>,
    /// Write here instead of to stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Also draw the figures and the differences as SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Seed of the resampling
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = zero_or_more::<u64>)]
    pub seed: u64,
    /// Sequences or windows that are computed at a time
    #[arg(long, default_value_t = 254, value_name = "N", value_parser = one_or_more::<usize>)]
    pub batch_size: usize,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU) [default: as the first was trained, f32 for bf16]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<PrecisionArg>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl CompareArgs {
    /// Finds the device for models of which the first was trained with this precision.
    ///
    /// # Errors
    /// A device or precision that cannot be had.
    pub fn open(&self, trained: Precision) -> Result<(Precision, Unannounced)> {
        let precision = PrecisionArg::or_trained(self.precision, trained);
        Ok((precision, self.device.open(Some(precision))?))
    }

    /// The outputs that are named, with their flags.
    pub fn outputs(&self) -> Vec<(&'static str, &std::path::Path)> {
        let outputs = [("--out", &self.out), ("--plot", &self.plot)];
        let given = outputs.into_iter();
        given
            .filter_map(|(flag, file)| Some((flag, file.as_deref()?)))
            .collect()
    }

    /// What the models are called in the table: their paths as given, with the place among the models where two are alike.
    pub fn names(&self) -> Vec<String> {
        let shown = |path: &PathBuf| path.display().to_string().replace(char::is_control, " ");
        let all: Vec<String> = self.models.iter().map(shown).collect();
        let twice = |name: &String| all.iter().filter(|other| *other == name).count() > 1;
        let named = all
            .iter()
            .enumerate()
            .map(|(place, name)| match twice(name) {
                true => format!("{name} ({})", place + 1),
                false => name.clone(),
            });
        named.collect()
    }
}
