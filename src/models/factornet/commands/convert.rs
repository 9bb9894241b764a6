//! `cisgrad convert factornet`: a model that Keras saved becomes a model folder.

use super::outputs::of_model;
use crate::args::outputs;
use crate::io::sources::Sources;
use crate::io::state_dict::write_safetensors;
use crate::models::factornet::config::write_lists;
use crate::models::factornet::{KIND, keras};
use crate::numbers::counted;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::folder::config::InputFile;
use crate::train::folder::{BEST, LAST};
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::PathBuf;

/// A FactorNet model as Keras 1.x saved it (HDF5)
#[derive(clap::Args)]
pub struct Args {
    /// Folder of a published model: model.json, best_model.hdf5 (or final_model.hdf5), chip.txt and so on
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Model folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// `cisgrad convert factornet`.
pub fn run(args: &Args, known: Kinds) -> Result<()> {
    let claim = Claim {
        folder: &args.out,
        flag: "--out",
        entry: Entry::Free,
        kind: &KIND,
        known,
    };
    if args.out.join("model.json").exists() {
        return Err(Error::invalid(format!(
            "{} holds a model that Keras saved: choose another --out",
            args.out.display()
        )));
    }
    claim.check_free()?;
    let inputs = of_model(&args.folder);
    outputs::check_model_folder("--out", std::slice::from_ref(&args.out), &KIND, &inputs)?;
    outputs::check_holds_none("--out", &args.out, &inputs)?;
    let mut model = keras::open(&args.folder)?;
    let sources = ["best_model.hdf5", "final_model.hdf5"].map(|name| args.folder.join(name));
    if let Some(source) = sources.iter().find(|path| path.exists()) {
        let file = InputFile::of(&Sources::new(), "DIR", source)?;
        model.config.files.push(file);
    }
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, e))?;
    write_safetensors(args.out.join(BEST), &model.weights)?;
    write_safetensors(args.out.join(LAST), &model.weights)?;
    write_lists(&model.config.model, &args.out)?;
    model.config.write(&args.out)?;
    let network = &model.config.model.network;
    tell!(
        "{}: {} of {}, inputs of {} and {}, {}, {}: {}",
        args.out.display(),
        counted(network.kernels, "kernel"),
        counted(network.motif_width, "base"),
        counted(network.length, "base"),
        counted(network.tracks.len(), "track"),
        counted(network.meta, "meta number"),
        counted(network.factors, "factor"),
        model.config.model.factors.join(", ")
    );
    Ok(())
}
