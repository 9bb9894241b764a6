//! What a trained model's inputs have beside bases: flags of the commands that look at trained models.

use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Of FactorNet models")]
#[group(skip)]
pub struct BesideBases {
    /// Folder with BED files of CpG islands, CDS, introns, promoters and UTRs, of models with such features [default: that of the
    /// training run]
    #[arg(long, value_name = "DIR")]
    pub annotations: Option<PathBuf>,
    /// Take all of that but the CpG islands from this annotation instead
    #[arg(long, value_name = "GTF")]
    pub gtf: Option<PathBuf>,
    /// Multiply tracks: none, mean (to a mean of 1), or NAME=FACTOR[,...] [default: as the model was trained]
    #[arg(long, value_name = "SCALE")]
    pub track_scale: Option<String>,
}

impl BesideBases {
    /// The flags that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("--annotations", self.annotations.is_some()),
            ("--gtf", self.gtf.is_some()),
            ("--track-scale", self.track_scale.is_some()),
        ]
        .into_iter()
        .filter_map(|(flag, given)| given.then_some(flag))
    }

    /// The files that they name.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.annotations.iter().chain(&self.gtf)
    }
}
