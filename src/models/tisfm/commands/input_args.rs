//! What a training run reads: motifs, signals, sequences and the split.

use crate::args::outputs;
use crate::data::split::rows::split_files;
use crate::{Error, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[derive(clap::Args, Clone, Debug)]
pub struct InputArgs {
    /// Motifs as MEME text (plain or gzip); not needed by architectures without known motifs
    #[arg(long, value_name = "FILE")]
    pub meme_file: Option<PathBuf>,
    /// Signals: one row per sequence, one column per output; separated by tabs, commas or spaces
    #[arg(long, value_name = "FILE")]
    pub atac_file: PathBuf,
    /// Sequences: name and sequence a line, FASTA, or BED with --genome
    #[arg(long, value_name = "FILE")]
    pub sequences: PathBuf,
    /// Genome, FASTA (plain, gzip or bgzip) or 2bit, for a BED of sequences
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Folder with train_split, validation_split and test_split as .npy or .txt
    #[arg(long, value_name = "DIR", conflicts_with = "split")]
    pub split_folder: Option<PathBuf>,
    /// Split by rule: random:TRAIN,VALIDATION,TEST (per cent), chrom:VALIDATION:TEST, fold:I/K (fold I of K tests, the next one validates;
    /// blocks of 1 Mb), or a file FOLD.json with the lists train, valid and test
    #[arg(long, value_name = "RULE")]
    pub split: Option<String>,
}

impl InputArgs {
    /// # Errors
    /// No split.
    pub fn check(&self) -> Result<()> {
        if self.split_folder.is_none() && self.split.is_none() {
            return Err(Error::usage(
                "a split is needed: --split-folder DIR, --split random:80,10,10, --split chrom:VALIDATION:TEST or --split fold:1/5",
            ));
        }
        Ok(())
    }

    /// # Errors
    /// A split, where `flag` makes one.
    pub fn check_no_split(&self, flag: &str) -> Result<()> {
        match (&self.split, &self.split_folder) {
            (None, None) => Ok(()),
            (split, _) => Err(Error::usage(format!(
                "{flag} makes the splits itself: leave out {}",
                if split.is_some() {
                    "--split"
                } else {
                    "--split-folder"
                }
            ))),
        }
    }

    /// The files that the flags name.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.atac_file.clone(), self.sequences.clone()];
        files.extend(self.meme_file.clone());
        files.extend(self.genome.iter().flat_map(|g| outputs::genome_files(g)));
        if let Some(folder) = &self.split_folder {
            files.extend(split_files(folder));
        }
        files.extend(self.split_json());
        files
    }

    /// The file of a fold that --split names.
    fn split_json(&self) -> Option<PathBuf> {
        let split = self.split.as_deref()?;
        split.ends_with(".json").then(|| PathBuf::from(split))
    }

    /// The flags as they would be typed.
    pub fn flags(&self) -> Vec<OsString> {
        let paths = [
            ("--meme-file", self.meme_file.as_deref()),
            ("--atac-file", Some(self.atac_file.as_path())),
            ("--sequences", Some(self.sequences.as_path())),
            ("--genome", self.genome.as_deref()),
            ("--split-folder", self.split_folder.as_deref()),
            ("--split", self.split.as_deref().map(Path::new)),
        ];
        let given = paths
            .into_iter()
            .filter_map(|(flag, value)| Some((flag, value?)));
        given
            .flat_map(|(flag, value)| [flag.into(), value.as_os_str().to_owned()])
            .collect()
    }
}
