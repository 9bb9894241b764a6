//! What a training run reads: motifs, signals, sequences and the split.

use crate::args::outputs;
use crate::data::prepared::{PREPARED, Prepared, SEQUENCES, SIGNALS};
use crate::data::split::rows::{files_of_rule, split_files};
use crate::io::signals::RowColumns;
use crate::{Error, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[derive(clap::Args, Clone, Debug)]
pub struct InputArgs {
    /// Motifs as MEME text (plain or gzip); not needed by architectures without known motifs
    #[arg(long, value_name = "FILE")]
    pub meme_file: Option<PathBuf>,
    /// Folder that cisgrad prepare peaks made: stands for --atac-file, --sequences and --split-folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["atac_file", "sequences", "genome", "split_folder"])]
    pub data: Option<PathBuf>,
    /// Signals: one row per sequence, one column per output; separated by tabs, commas or spaces
    #[arg(long, value_name = "FILE", required_unless_present = "data")]
    atac_file: Option<PathBuf>,
    /// Sequences: name and sequence a line, FASTA, or BED with --genome
    #[arg(long, value_name = "FILE", required_unless_present = "data")]
    sequences: Option<PathBuf>,
    /// Genome, FASTA (plain, gzip or bgzip) or 2bit, for a BED of sequences
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Folder with train_split, validation_split and test_split as .npy or .txt
    #[arg(long, value_name = "DIR", conflicts_with = "split")]
    split_folder: Option<PathBuf>,
    /// Split by rule: random:TRAIN,VALIDATION,TEST (per cent), chrom:VALIDATION:TEST, regions:VALIDATION.bed:TEST.bed,
    /// fold:I/K (fold I of K tests, the next one validates; blocks of 1 Mb), or a file FOLD.json with the lists train, valid and test
    #[arg(long, value_name = "RULE")]
    pub split: Option<String>,
    /// Column of the signals that says how much each row counts in the loss: 0 or more, 0 leaves the row out
    #[arg(long, value_name = "COLUMN")]
    weights: Option<String>,
    /// Column of the signals that names each row's batch, as the experiment it is of: what a batch's signals differ by on average
    /// is taken off before training
    #[arg(long, value_name = "COLUMN")]
    batch_column: Option<String>,
}

impl InputArgs {
    /// # Errors
    /// No split.
    pub fn check(&self) -> Result<()> {
        if self.split_folder().is_none() && self.split.is_none() {
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

    /// The table of signals.
    pub fn signals(&self) -> PathBuf {
        self.given_or_prepared(&self.atac_file, SIGNALS)
    }

    /// The file of sequences.
    pub fn sequences(&self) -> PathBuf {
        self.given_or_prepared(&self.sequences, SEQUENCES)
    }

    /// One of the two is given, which the parser sees to.
    fn given_or_prepared(&self, given: &Option<PathBuf>, name: &str) -> PathBuf {
        let prepared = self.data.as_ref().map(|folder| folder.join(name));
        given.clone().or(prepared).unwrap_or_default()
    }

    /// The folder of the split, where no rule is given in its place.
    pub fn split_folder(&self) -> Option<&Path> {
        let prepared = self.data.as_ref().filter(|_| self.split.is_none());
        self.split_folder
            .as_ref()
            .or(prepared)
            .map(PathBuf::as_path)
    }

    /// How the data set was made, where it was prepared here.
    ///
    /// # Errors
    /// Those of [`Prepared::read`].
    pub fn prepared(&self) -> Result<Option<Prepared>> {
        self.data.as_deref().map(Prepared::read).transpose()
    }

    /// The columns of the signals that are no outputs.
    pub fn columns(&self) -> RowColumns {
        RowColumns {
            weights: self.weights.clone(),
            batch: self.batch_column.clone(),
        }
    }

    /// The files that the flags name.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.signals(), self.sequences()];
        files.extend(self.data.iter().map(|folder| folder.join(PREPARED)));
        files.extend(self.meme_file.clone());
        files.extend(self.genome.iter().flat_map(|g| outputs::genome_files(g)));
        if let Some(folder) = self.split_folder() {
            files.extend(split_files(folder));
        }
        files.extend(self.split.as_deref().map_or(Vec::new(), files_of_rule));
        files
    }

    /// The flags as they would be typed.
    pub fn flags(&self) -> Vec<OsString> {
        let paths = [
            ("--meme-file", self.meme_file.as_deref()),
            ("--data", self.data.as_deref()),
            ("--atac-file", self.atac_file.as_deref()),
            ("--sequences", self.sequences.as_deref()),
            ("--genome", self.genome.as_deref()),
            ("--split-folder", self.split_folder.as_deref()),
            ("--split", self.split.as_deref().map(Path::new)),
            ("--weights", self.weights.as_deref().map(Path::new)),
            (
                "--batch-column",
                self.batch_column.as_deref().map(Path::new),
            ),
        ];
        let given = paths
            .into_iter()
            .filter_map(|(flag, value)| Some((flag, value?)));
        given
            .flat_map(|(flag, value)| [flag.into(), value.as_os_str().to_owned()])
            .collect()
    }
}
