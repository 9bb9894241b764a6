//! `cisgrad convert tisfm`.

use super::model_args::warn_of_other_motifs;
use crate::args::numbers::one_or_more;
use crate::args::outputs;
use crate::io::meme::read_meme;
use crate::io::state_dict::{self, NamedTensor, StateDict, Values};
use crate::models::tisfm::config::{Config, Description};
use crate::models::tisfm::network::{Blueprint, Trainable};
use crate::models::tisfm::network::{MOTIF_WEIGHT, Network};
use crate::models::tisfm::{Dimensions, KIND, MotifKernels, builtin};
use crate::numbers::counted;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::folder::config::{InputFile, Precision};
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
    /// State dict: safetensors, or the file that PyTorch wrote
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
    let mut spec = builtin::find(&args.architecture)?;
    let state = state_dict::read(&args.weights)?;
    spec.take_sizes(|name| state.shape(name));
    let mut files = vec![InputFile::of(&args.weights)?];
    let (kernels, motifs) = match (spec.strands(), &args.meme_file) {
        (Some(_), None) => {
            return Err(Error::usage(format!(
                "--architecture {} needs --meme-file",
                spec.name
            )));
        }
        (Some(_), Some(file)) => {
            files.push(InputFile::of(file)?);
            let motifs = read_meme(file)?;
            let own = MotifKernels::new(&motifs, false);
            let longest = own.width();
            // A state dict's kernels may be wider than this collection's longest motif.
            let width = state
                .get(MOTIF_WEIGHT)
                .and_then(|t| t.shape.last().copied())
                .unwrap_or(longest);
            let names: Vec<String> = motifs.into_iter().map(|m| m.id).collect();
            if let Some(strands) = spec.strands() {
                warn_of_other_motifs(&own, strands, &names, &state);
            }
            (Some(MotifKernels::empty(names.len(), width)), names)
        }
        (None, _) => (None, Vec::new()),
    };
    let outputs = args.outputs(&spec, &state)?;
    let blueprint = Blueprint {
        spec,
        dimensions: Dimensions {
            window: args.window_size,
            outputs: outputs.len(),
        },
        kernels,
        trainable: Trainable::default(),
    };
    let config = Config {
        version: env!("CARGO_PKG_VERSION").to_string(),
        kind: KIND.name.to_string(),
        model: Description {
            architecture: blueprint.spec.clone(),
            motifs,
            motif_width: blueprint.kernels.as_ref().map_or(0, MotifKernels::width),
            outputs,
            window: args.window_size,
            trainable: Trainable::default(),
            data: None,
        },
        precision: precision(&state),
        files,
        flags: serde_json::Map::new(),
    };
    let weights = match config.precision {
        Precision::F32 | Precision::Bf16 => {
            Network::<f32>::from_state_dict(blueprint, &state, &args.weights)?.state_dict()
        }
        Precision::F64 => {
            Network::<f64>::from_state_dict(blueprint, &state, &args.weights)?.state_dict()
        }
    };
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, e))?;
    for file in [BEST, LAST] {
        state_dict::write_safetensors(args.out.join(file), &weights)?;
    }
    config.write(&args.out)?;
    let count: usize = weights.tensors.iter().map(|t| t.values.len()).sum();
    eprintln!(
        "{}: {}, {:?}",
        args.out.display(),
        counted(count, "parameter"),
        config.precision
    );
    Ok(())
}

/// The file's own type is kept.
fn precision(state: &StateDict) -> Precision {
    let double = |t: &NamedTensor| matches!(t.values, Values::F64(_));
    if state.tensors.iter().any(double) {
        Precision::F64
    } else {
        Precision::F32
    }
}

impl Args {
    /// As many outputs as the last bias of the spec has in the weights.
    fn outputs(&self, spec: &crate::models::tisfm::Spec, state: &StateDict) -> Result<Vec<String>> {
        let last = spec.output_bias().and_then(|name| state.get(&name));
        let Some(count) = last.map(|t| t.values.len()) else {
            return Err(Error::format(
                &self.weights,
                format!(
                    "no parameter {}: the weights belong to another architecture",
                    spec.output_bias().unwrap_or_default()
                ),
            ));
        };
        if self.output_names.is_empty() {
            return Ok((1..=count).map(|i| format!("output_{i}")).collect());
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
