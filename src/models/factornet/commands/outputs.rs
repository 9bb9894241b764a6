//! What FactorNet's commands read, so that no output is one of those files.

use super::args::SharedArgs;
use crate::args::outputs::{genome_files, model_files};
use crate::data::windows::annotations::FEATURES;
use crate::models::factornet::KIND;
use crate::models::factornet::cell_line::{CellFolder, Lists};
use crate::models::factornet::keras;
use std::path::{Path, PathBuf};

/// What Keras saved of a model, but for the lists, which our folders have, too.
pub const KERAS: [&str; 4] = [
    keras::NETWORK,
    keras::WEIGHTS[0],
    keras::WEIGHTS[1],
    keras::HISTORY,
];
const LISTS: [&str; 3] = ["bigwig.txt", "chip.txt", "meta.txt"];

/// The files of a model folder, ours or one that Keras saved.
pub fn of_model(model: &Path) -> Vec<PathBuf> {
    let mut files = model_files(model, &KIND);
    files.extend(KERAS.map(|name| model.join(name)));
    files
}

/// The peaks that a cell line's lists name. A list that the command does not need may be malformed.
pub fn of_lists(folder: &Path) -> Vec<PathBuf> {
    let cell = CellFolder::read(folder, Lists::ALL);
    let factors = cell.map_or(Vec::new(), |cell| cell.factors);
    let peaks = factors
        .into_iter()
        .map(|f| [Some(f.conservative), f.relaxed]);
    peaks.flatten().flatten().collect()
}

/// Every file that a command reads, besides the model's and those of its own flags: the cell lines' lists, tracks and
/// peaks, genome, sizes, blacklist, annotation.
pub fn inputs(args: &SharedArgs, cells: &[CellFolder]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for cell in cells {
        files.extend(LISTS.map(|name| cell.path.join(name)));
        files.extend(cell.tracks.iter().map(|track| track.path.clone()));
        for factor in &cell.factors {
            files.push(factor.conservative.clone());
            files.extend(factor.relaxed.clone());
        }
    }
    files.extend(
        args.genome_file()
            .iter()
            .flat_map(|genome| genome_files(genome)),
    );
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
