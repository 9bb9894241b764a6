//! `cisgrad convert tisfm`.

use super::model_args::warn_of_other_motifs;
use crate::args::numbers::one_or_more;
use crate::args::{outputs, say};
use crate::dna::motif::Motif;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::io::state_dict::{self, NamedTensor, StateDict, Values};
use crate::models::tisfm::config::{Config, Description, named_motifs};
use crate::models::tisfm::network::{Blueprint, Trainable};
use crate::models::tisfm::network::{MOTIF_WEIGHT, Network};
use crate::models::tisfm::{Dimensions, KIND, MotifKernels, Spec, builtin, foreign};
use crate::numbers::counted;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::folder::config::{InputFile, Precision};
use crate::train::folder::foreign::ForeignWeights;
use crate::train::folder::weights::Number;
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
    let mut spec = builtin::find(&args.architecture)?;
    let foreign = foreign::read(&spec, &args.weights)?;
    let state = &foreign.state;
    spec.take_sizes(|name| state.shape(name));
    let sources = Sources::new();
    let mut files = vec![InputFile::of(&sources, "--weights", &args.weights)?];
    let (kernels, motifs) = match (spec.strands(), &args.meme_file) {
        (Some(_), None) => {
            return Err(Error::usage(format!(
                "--architecture {} needs --meme-file",
                spec.name
            )));
        }
        (Some(_), Some(file)) => {
            files.push(InputFile::of(&sources, "--meme-file", file)?);
            let mut notes = Vec::new();
            let motifs = parse_meme(sources.lines(file)?, &mut notes)?;
            say(&notes);
            let own = MotifKernels::new(&motifs, false);
            let longest = own.width();
            // A state dict's kernels may be wider than this collection's longest motif.
            let width = state
                .get(MOTIF_WEIGHT)
                .and_then(|t| t.shape.last().copied())
                .unwrap_or(longest);
            if let Some(strands) = spec.strands() {
                let shown = |place: usize| motifs.get(place).map(Motif::shown);
                warn_of_other_motifs(&own, strands, shown, state);
            }
            (Some(MotifKernels::empty(motifs.len(), width)), motifs)
        }
        (None, _) => (None, Vec::new()),
    };
    let outputs = args.outputs(&spec, &foreign)?;
    let blueprint = Blueprint {
        spec,
        dimensions: Dimensions {
            window: args.window_size,
            outputs: outputs.len(),
        },
        kernels,
        trainable: Trainable::default(),
    };
    let (motifs, motif_names) = named_motifs(&motifs);
    let config = Config {
        version: env!("CARGO_PKG_VERSION").to_string(),
        kind: KIND.name.to_string(),
        model: Description {
            architecture: blueprint.spec.clone(),
            motifs,
            motif_names,
            motif_width: blueprint.kernels.as_ref().map_or(0, MotifKernels::width),
            outputs,
            window: args.window_size,
            trainable: Trainable::default(),
            data: None,
        },
        precision: precision(state),
        files,
        flags: serde_json::Map::new(),
    };
    let weights = match config.precision {
        Precision::F32 | Precision::Bf16 => converted::<f32>(blueprint, foreign)?,
        Precision::F64 => converted::<f64>(blueprint, foreign)?,
    };
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

/// The parameters under their names; says what was done to them.
fn converted<T: Number>(blueprint: Blueprint, weights: ForeignWeights) -> Result<StateDict> {
    let (network, notes) = Network::<T>::from_foreign(blueprint, weights)?;
    for note in notes {
        tell!("{note}");
    }
    Ok(network.state_dict())
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
    fn outputs(&self, spec: &Spec, weights: &ForeignWeights) -> Result<Vec<String>> {
        let Some(bias) = spec.output_bias() else {
            return Err(Error::invalid(format!(
                "{} ends in no block with a bias for each output (linear without a size, or effect), which would tell how many outputs the weights have",
                spec.name
            )));
        };
        let last = weights.state.get(&bias);
        let count = last.ok_or_else(|| weights.missing(&bias))?.values.len();
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
