//! `cisgrad convert factornet`: a model that Keras saved becomes a model folder, or with `--to keras` the other way.

use super::outputs::{KERAS, of_model};
use super::to_keras;
use crate::args::outputs;
use crate::io::sources::Sources;
use crate::io::state_dict::write_safetensors;
use crate::models::factornet::config::{Description, write_lists};
use crate::models::factornet::{KIND, keras};
use crate::numbers::counted;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::folder::config::InputFile;
use crate::train::folder::{BEST, CONFIG, LAST};
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// A FactorNet model as Keras 1.x saved it (HDF5), or one of ours for Keras
#[derive(clap::Args)]
pub struct Args {
    /// Folder of a published model: model.json, best_model.hdf5, final_model.hdf5, chip.txt and so on; with --to keras a
    /// model folder of ours
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What to make: a model folder, or with keras what the original program reads (Keras 1.2.2) [default: a model folder]
    #[arg(long, value_name = "FORM")]
    to: Option<Form>,
    /// Folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Keras,
}

/// `cisgrad convert factornet`.
pub fn run(args: &Args, known: Kinds) -> Result<()> {
    check_out(&args.out, known)?;
    let inputs = of_model(&args.folder);
    outputs::check_model_folder("--out", std::slice::from_ref(&args.out), &KIND, &inputs)?;
    let made = KERAS.map(|name| args.out.join(name));
    let made: Vec<(&str, &Path)> = made.iter().map(|path| ("--out", path.as_path())).collect();
    outputs::check_apart(&made, &inputs)?;
    outputs::check_holds_none("--out", &args.out, &inputs)?;
    let model = match args.to {
        Some(Form::Keras) => to_keras::write(&args.folder, &args.out, known)?,
        None => from_keras(args)?,
    };
    tell_made(&args.out, &model);
    Ok(())
}

/// That the folder to make holds no model, ours or Keras's, nor files that would be written over.
fn check_out(out: &Path, known: Kinds) -> Result<()> {
    let claim = Claim {
        folder: out,
        flag: "--out",
        entry: Entry::Free,
        kind: &KIND,
        known,
    };
    if out.exists() && !out.is_dir() {
        return Err(Error::invalid(format!(
            "{} is a file; expected a folder: choose another --out",
            out.display()
        )));
    }
    if out.join(keras::NETWORK).exists() {
        return Err(Error::invalid(format!(
            "{} holds a model that Keras saved: choose another --out",
            out.display()
        )));
    }
    claim.check_free()?;
    let mut files = KERAS.iter().map(|name| out.join(name));
    match files.find(|file| file.exists()) {
        None => Ok(()),
        Some(file) => Err(Error::invalid(format!(
            "{} exists; nothing was changed: choose another --out",
            file.display()
        ))),
    }
}

fn from_keras(args: &Args) -> Result<Description> {
    let folder = &args.folder;
    if folder.join(CONFIG).exists() && !keras::is_keras_folder(folder) {
        return Err(Error::invalid(format!(
            "{}: a model folder of ours, expected one that Keras saved: add --to keras to make a Keras folder of it",
            folder.display()
        )));
    }
    let keras::Saved {
        mut model,
        last,
        files,
    } = keras::open_whole(folder)?;
    for file in &files {
        let file = InputFile::of(&Sources::new(), "DIR", file)?;
        model.config.files.push(file);
    }
    if let [only] = &files[..] {
        tell!(
            "note: {} is all the weights there are: {BEST} and {LAST} both hold them",
            only.display()
        );
    }
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, e))?;
    write_safetensors(args.out.join(BEST), &model.weights)?;
    write_safetensors(args.out.join(LAST), &last)?;
    write_lists(&model.config.model, &args.out)?;
    let network = &model.config.model.network;
    if let Some(note) = keras::write_as_ours(network, folder, &args.out)? {
        tell!("{note}");
    }
    model.config.write(&args.out)?;
    Ok(model.config.model)
}

/// The last line of either way: what the model is.
fn tell_made(out: &Path, model: &Description) {
    let network = &model.network;
    tell!(
        "{}: {} of {}, inputs of {} and {}, {}, {}: {}",
        out.display(),
        counted(network.kernels, "kernel"),
        counted(network.motif_width, "base"),
        counted(network.length, "base"),
        counted(network.tracks.len(), "track"),
        counted(network.meta, "meta number"),
        counted(network.factors, "factor"),
        model.factors.join(", ")
    );
}
