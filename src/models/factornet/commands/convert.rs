//! Trained models: ours, or published ones as Keras saved them.

use crate::io::state_dict::write_safetensors;
use crate::models::factornet::config::write_lists;
use crate::models::factornet::keras::is_keras_folder;
use crate::models::factornet::saved::FactorNet;
use crate::train::folder::claim::refuse_input_folder;
use crate::train::folder::config::InputFile;
use crate::train::folder::{BEST, CONFIG, LAST};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Convert {
    /// Folder of a published model: model.json, best_model.hdf5 (or final_model.hdf5), chip.txt and so on
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Model folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Opens a model folder of ours, or a Keras folder.
pub fn open(folder: &Path) -> Result<FactorNet> {
    if !folder.join(CONFIG).exists() && is_keras_folder(folder) {
        FactorNet::from_keras(folder)
    } else {
        FactorNet::open(folder)
    }
}

/// `cisgrad convert factornet`.
pub fn convert(args: &Convert) -> Result<()> {
    if args.out.join(CONFIG).exists() {
        return Err(Error::invalid(format!(
            "{} holds a model already: choose another --out",
            args.out.display()
        )));
    }
    if args.out.join("model.json").exists() {
        return Err(Error::invalid(format!(
            "{} holds a model that Keras saved: choose another --out",
            args.out.display()
        )));
    }
    refuse_input_folder(&args.out)?;
    let mut model = FactorNet::from_keras(&args.folder)?;
    let sources = ["best_model.hdf5", "final_model.hdf5"].map(|name| args.folder.join(name));
    if let Some(source) = sources.iter().find(|path| path.exists()) {
        model.config.files.push(InputFile::of(source)?);
    }
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io(&args.out, e))?;
    write_safetensors(args.out.join(BEST), &model.weights)?;
    write_safetensors(args.out.join(LAST), &model.weights)?;
    write_lists(&model.config, &args.out)?;
    model.config.write(&args.out)?;
    let network = &model.config.network;
    eprintln!(
        "{}: {} kernels of {} bases, inputs of {} bases and {} tracks, {} meta numbers, factors {}",
        args.out.display(),
        network.kernels,
        network.motif_width,
        network.length,
        network.tracks.len(),
        network.meta,
        model.config.factors.join(", ")
    );
    Ok(())
}

/// Which of the model's factors a command is about; without a name all of them.
///
/// # Errors
/// A factor that the model does not know: lists those that it knows.
pub fn chosen(model: &FactorNet, factor: Option<&str>) -> Result<Vec<usize>> {
    let factors = &model.config.factors;
    match factor {
        None => Ok((0..factors.len()).collect()),
        Some(name) => match factors.iter().position(|f| f == name) {
            Some(index) => Ok(vec![index]),
            None => Err(Error::usage(format!(
                "-f {name}: the model predicts {}",
                factors.join(", ")
            ))),
        },
    }
}
