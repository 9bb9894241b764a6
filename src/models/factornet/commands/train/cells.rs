//! The cell lines of `factornet train`.

use super::args::Args;
use crate::io::sources::{is_fleeting, is_stream};
use crate::models::factornet::cell_line::{CellFolder, Lists, check_names_agree};
use crate::train::folder::config::named;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The input folders.
pub(super) struct Cells {
    pub train: Vec<CellFolder>,
    /// Empty: those of training.
    pub validation: Vec<CellFolder>,
}

impl Cells {
    pub fn read(args: &Args) -> Result<Cells> {
        let lists = Lists {
            factors: true,
            meta: args.meta,
        };
        let read = |folders: &[PathBuf]| {
            let cells = folders.iter().map(|folder| CellFolder::read(folder, lists));
            cells.collect::<Result<Vec<_>>>()
        };
        let cells = Cells {
            train: read(&args.inputdirs)?,
            validation: read(&args.validinputdirs)?,
        };
        for (flag, folders) in [("-i", &args.inputdirs), ("-vi", &args.validinputdirs)] {
            if let Some(folder) = repeated(folders) {
                tell!(
                    "note: {flag} names {} more than once: its samples are taken as often",
                    folder.display()
                );
            }
        }
        let all = cells.all();
        check_names_agree(&all, args.meta)?;
        let first = &all[0];
        if args.meta && first.meta.is_empty() {
            return Err(Error::invalid(format!(
                "-m: no values in {}",
                first.list("meta.txt")
            )));
        }
        if first.factors.is_empty() {
            return Err(Error::invalid(format!(
                "{}: no factor to train on",
                first.list("chip.txt")
            )));
        }
        Ok(cells)
    }

    /// Those that samples of validation are from, with their numbers.
    pub fn held(&self) -> Vec<(u32, &CellFolder)> {
        match self.validation.is_empty() {
            true => (0..).zip(&self.train).collect(),
            false => (self.train.len() as u32..).zip(&self.validation).collect(),
        }
    }

    /// Those of training first, then those of validation: as samples number them.
    pub fn all(&self) -> Vec<CellFolder> {
        self.train.iter().chain(&self.validation).cloned().collect()
    }
}

/// The first folder that an earlier path names too.
fn repeated(folders: &[PathBuf]) -> Option<&PathBuf> {
    let same = |a: &PathBuf, b: &PathBuf| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    };
    let mut later = folders.iter().enumerate();
    later.find_map(|(i, folder)| {
        folders[..i]
            .iter()
            .any(|earlier| same(earlier, folder))
            .then_some(folder)
    })
}

/// The name by which a run that goes on knows a file again whose content is not compared.
///
/// # Errors
/// It leads to another file in the next run. (A stream is refused where it would be read.)
pub(super) fn lasting_name(path: &Path) -> Result<String> {
    if is_fleeting(path) && !is_stream(path) {
        let message = "the next run finds something else under this name, and genomes and tracks are known by theirs: name the file itself";
        return Err(Error::format(path, message));
    }
    named(path)
}

/// The files of each cell line's tracks.
pub(super) fn tracks_of(cells: &[CellFolder]) -> Result<Vec<Vec<String>>> {
    let of = |cell: &CellFolder| cell.tracks.iter().map(|t| lasting_name(&t.path)).collect();
    cells.iter().map(of).collect()
}

/// Each cell line's meta values.
pub(super) fn values_of(cells: &[CellFolder]) -> Vec<Vec<f32>> {
    let of = |cell: &CellFolder| cell.meta.iter().map(|m| m.value).collect();
    cells.iter().map(of).collect()
}
