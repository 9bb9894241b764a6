//! Outputs, looked at before the work begins: that they can be written, and that they are none of the inputs.

use super::args::SharedArgs;
use crate::data::windows::annotations::FEATURES;
use crate::io::atomic::check_writable;
use crate::models::factornet::cell_line::CellFolder;
use crate::train::folder::claim::FILES;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// What Keras saved of a model.
const KERAS: [&str; 3] = ["model.json", "best_model.hdf5", "final_model.hdf5"];
const LISTS: [&str; 3] = ["bigwig.txt", "chip.txt", "meta.txt"];

/// Every file that a command reads, besides those of its own flags: the model's, the cell line's lists and tracks,
/// genome, sizes, blacklist, annotation.
pub fn inputs(args: &SharedArgs, model: &Path, cell: &CellFolder) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = FILES
        .iter()
        .chain(&KERAS)
        .map(|name| model.join(name))
        .collect();
    files.extend(LISTS.map(|name| cell.path.join(name)));
    files.extend(cell.tracks.iter().map(|track| track.path.clone()));
    files.extend(args.genome_file().ok());
    files.extend(args.sizes_file());
    files.extend(args.blacklist_file());
    files.extend(args.gtf.clone());
    let annotations = std::fs::read_dir(args.annotations_folder())
        .into_iter()
        .flatten();
    let feature = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().to_lowercase();
        FEATURES.iter().any(|feature| name.contains(feature))
    };
    let paths = annotations.flatten().map(|entry| entry.path());
    files.extend(paths.filter(feature));
    files
}

/// # Errors
/// A flag's output that is an input, by whatever path, or another flag's output; one whose folder is not there or cannot be
/// written to.
pub fn check(outputs: &[(&str, &Path)], inputs: &[PathBuf]) -> Result<()> {
    let place = |path: &Path| -> Option<PathBuf> {
        let metadata = std::fs::metadata(path);
        if metadata.is_ok_and(|found| !found.is_file()) {
            // A device takes what any number of writers send it.
            return None;
        }
        path.canonicalize().ok().or_else(|| {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(folder.join(path.file_name()?))
        })
    };
    let read: Vec<PathBuf> = inputs.iter().filter_map(|path| place(path)).collect();
    let mut written: Vec<(PathBuf, &str)> = Vec::new();
    for &(flag, path) in outputs {
        check_writable(path)?;
        let Some(found) = place(path) else { continue };
        let shown = path.display();
        if read.contains(&found) {
            return Err(Error::usage(format!(
                "{flag} {shown} is a file that this run reads: choose another"
            )));
        }
        if let Some((_, other)) = written.iter().find(|(other, _)| *other == found) {
            return Err(Error::usage(format!(
                "{flag} {shown} is the file of {other}"
            )));
        }
        written.push((found, flag));
    }
    Ok(())
}
