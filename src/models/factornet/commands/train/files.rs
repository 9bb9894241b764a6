//! The input files of `factornet train`, as config.json keeps them for `--resume`.

use super::args::Args;
use crate::Result;
use crate::io::sources::{Sources, is_fleeting, is_there};
use crate::models::factornet::cell_line::{CellFolder, Needed};
use crate::train::folder::config::{InputFile, PIPE};
use std::path::Path;

/// The words of a choice of regions as a later run may give them again: a pipe's name says nothing then.
pub(super) fn lasting(words: &[String]) -> Vec<&str> {
    let pipe = |word: &str| is_fleeting(Path::new(word));
    let words = words.iter().map(String::as_str);
    words
        .map(|word| if pipe(word) { PIPE } else { word })
        .collect()
}

impl Args {
    /// What the run needs of each factor's peaks.
    pub(super) fn needed(&self) -> Needed {
        match self.factor {
            Some(_) => Needed::ALONE,
            None => Needed::TRAINED_WITH_OTHERS,
        }
    }

    /// Chromosomes, blacklist, GTF, the peaks that are learned and the BED files of the split, as they were. Genome, tracks
    /// and a folder of annotations are known by their paths.
    ///
    /// # Errors
    /// A file cannot be read; peaks that are not there name the line of their list.
    pub(super) fn files(&self, cells: &[CellFolder], sources: &Sources) -> Result<Vec<InputFile>> {
        let gtf = self.shared.gtf.clone().filter(|_| self.gencode);
        let shared = [
            ("--chrom-sizes", self.shared.sizes_file()),
            ("--blacklist", self.shared.blacklist_file()),
            ("--gtf", gtf),
        ];
        let mut files = Vec::new();
        for (flag, path) in &shared {
            if let Some(path) = path {
                files.push(InputFile::of(sources, flag, path)?);
            }
        }
        for cell in cells {
            let chosen = |name: &str| self.factor.as_deref().is_none_or(|factor| factor == name);
            for factor in cell.factors.iter().filter(|f| chosen(&f.name)) {
                for path in factor.read_files(self.needed()) {
                    factor.line.check(path)?;
                    files.push(InputFile::of(sources, "chip.txt", path)?);
                }
            }
        }
        for (flag, words) in [("-v", &self.validchroms), ("-t", &self.testchroms)] {
            for path in words.iter().map(Path::new).filter(|path| is_there(path)) {
                files.push(InputFile::of(sources, flag, path)?);
            }
        }
        Ok(files)
    }
}
