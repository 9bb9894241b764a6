//! Whether a model's motif kernels were trained, and how far each has moved from its motif.

use super::MotifKernels;
use super::motif_kernels::SAME;
use super::network::MOTIF_WEIGHT;
use super::saved::SavedModel;
use crate::io::meme::parse_meme;
use crate::io::sources::Sources;
use crate::train::folder::config::InputFile;
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What became of the kernels of a model in which they were trained.
#[derive(Clone, Debug, PartialEq)]
pub enum Moved {
    /// By motif: the largest change of a number of its kernel, in units of a probability.
    By(HashMap<String, f64>),
    /// The file of motifs that the run read is not there any more, or has been changed.
    Unknown,
}

impl Moved {
    /// None for a model whose kernels are its motifs'. `meme`: the motifs that it started from; without, they are looked for among the
    /// files that the run read.
    ///
    /// # Errors
    /// `meme` that cannot be read, or with other motifs than the model's.
    pub fn of(model: &SavedModel, meme: Option<&Path>) -> Result<Option<Moved>> {
        let config = &model.config.model;
        let blueprint = config.blueprint();
        let (Some(strands), Some(weight)) =
            (blueprint.spec.strands(), model.weights.get(MOTIF_WEIGHT))
        else {
            return Ok(None);
        };
        let trained = config.trainable.moves_motifs();
        if !trained && meme.is_none() {
            return Ok(None);
        }
        let Some(kernels) = started_from(model, meme)? else {
            return Ok(trained.then_some(Moved::Unknown));
        };
        let moved = kernels.moved(strands, &weight.values.to_f64());
        let moved = moved.ok_or_else(|| {
            Error::invalid(format!(
                "{}: the motifs are not as wide as the kernels of the model",
                meme.unwrap_or(&model.file).display()
            ))
        })?;
        Ok(Some(Moved::By(
            config.motifs.iter().cloned().zip(moved).collect(),
        )))
    }

    /// How many moved by more than the rounding of a file of motifs.
    pub fn count(&self) -> Option<usize> {
        match self {
            Moved::By(moved) => Some(moved.values().filter(|&&x| x > SAME).count()),
            Moved::Unknown => None,
        }
    }
}

/// The motifs of a file with the model's identifiers in their order.
fn started_from(model: &SavedModel, meme: Option<&Path>) -> Result<Option<MotifKernels>> {
    let ids = &model.config.model.motifs;
    let sources = Sources::new();
    let read = |file: &Path| -> Result<Option<MotifKernels>> {
        let motifs = parse_meme(sources.lines(file)?, &mut Vec::new())?;
        let same = motifs.iter().map(|m| &m.id).eq(ids);
        Ok(same.then(|| MotifKernels::new(&motifs, false)))
    };
    if let Some(file) = meme {
        return match read(file)? {
            Some(kernels) => Ok(Some(kernels)),
            None => Err(Error::invalid(format!(
                "--meme-file {}: its motifs are not those of {}",
                file.display(),
                model.file.display()
            ))),
        };
    }
    let data = model.config.model.data.as_ref();
    let of_data = |path: &PathBuf| {
        data.is_some_and(|data| {
            *path == data.atac_file || *path == data.sequences || data.genome.as_ref() == Some(path)
        })
    };
    // What a pipe gave is gone; what cannot be read, has changed, or is no collection, is not the one.
    let files = model.config.files.iter().filter(|file| file.pipe.is_none());
    let files = files.filter(|file| !of_data(&file.path) && file.path.is_file());
    let as_it_was = |file: &&InputFile| {
        sources
            .sha256(&file.path)
            .is_ok_and(|sha256| sha256 == file.sha256)
    };
    Ok(files
        .filter(as_it_was)
        .find_map(|file| read(&file.path).ok().flatten()))
}
