//! `cisgrad convert tisfm`.

use super::data_args::nameless;
use crate::args::numbers::one_or_more;
use crate::args::{outputs, say};
use crate::io::sources::Sources;
use crate::io::state_dict;
use crate::models::tisfm::{KIND, builtin, foreign};
use crate::numbers::counted;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::folder::config::InputFile;
use crate::train::folder::{BEST, LAST};
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::PathBuf;

/// A tiSFM state dict: safetensors, or the file that PyTorch wrote
#[derive(clap::Args)]
pub struct Args {
    /// A built-in architecture, or the path of a TOML file
    #[arg(long, value_name = "NAME")]
    architecture: String,
    /// The motifs' names and number; the weights themselves come from --weights
    #[arg(long, value_name = "FILE")]
    meme_file: Option<PathBuf>,
    /// State dict: safetensors, or the file that PyTorch wrote (a checkpoint that holds one, too)
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Length of the sequences
    #[arg(long, value_name = "BASES", value_parser = one_or_more::<usize>)]
    window_size: usize,
    /// Names of the outputs, with commas [default: output_1, output_2, ...]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    output_names: Vec<String>,
    /// Model folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let claim = Claim {
        folder: &args.out,
        flag: "--out",
        entry: Entry::Free,
        kind: &KIND,
        known,
    };
    claim.check_free()?;
    let inputs = [Some(&args.weights), args.meme_file.as_ref()];
    let inputs: Vec<PathBuf> = inputs.into_iter().flatten().cloned().collect();
    outputs::check_model_folder("--out", std::slice::from_ref(&args.out), &KIND, &inputs)?;
    outputs::check_holds_none("--out", &args.out, &inputs[..1])?;
    let spec = builtin::find(&args.architecture)?;
    let foreign = foreign::read(&spec, &args.weights)?;
    let sources = Sources::new();
    let mut model = foreign::Whole::new(spec, foreign, args.meme_file.as_deref(), &sources)?;
    let files = vec![InputFile::of(&sources, "--weights", &args.weights)?];
    let outputs = args.outputs(&model)?;
    say(&std::mem::take(&mut model.notes));
    let (mut config, weights, notes) = model.opened(args.window_size, outputs)?;
    say(&notes);
    config.files.splice(0..0, files);
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, e))?;
    for file in [BEST, LAST] {
        state_dict::write_safetensors(args.out.join(file), &weights)?;
    }
    config.write(&args.out)?;
    let count: usize = weights.tensors.iter().map(|t| t.values.len()).sum();
    tell!(
        "{}: {}, {:?}",
        args.out.display(),
        counted(count, "parameter"),
        config.precision
    );
    Ok(())
}

impl Args {
    /// As many outputs as the last bias of the spec has in the weights.
    fn outputs(&self, model: &foreign::Whole) -> Result<Vec<String>> {
        let count = model.outputs()?;
        if self.output_names.is_empty() {
            return Ok((0..count).map(nameless).collect());
        }
        if self.output_names.len() != count {
            return Err(Error::usage(format!(
                "--output-names: {} for {}",
                counted(self.output_names.len(), "name"),
                counted(count, "output")
            )));
        }
        Ok(self.output_names.clone())
    }
}
