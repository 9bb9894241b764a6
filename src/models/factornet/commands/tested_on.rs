//! On what trained models are looked at: flags of `compare` and `report`.

use super::beside_bases::BesideBases;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(next_help_heading = "Of FactorNet models")]
#[group(skip)]
pub(super) struct TestedOn {
    /// Folder of the cell line, with its peaks [default: the first model's first of training]
    #[arg(short = 'i', long, value_name = "DIR")]
    pub inputdir: Option<PathBuf>,
    /// The factor to look at [default: every factor of the first model that the folder has peaks for]
    #[arg(short = 'f', long, value_name = "NAME")]
    pub factor: Option<String>,
    /// Chromosomes, regions (chr22:30000000-35000000), folds (fold:1/5) or BED files [default: those that tested the first model; of a
    /// cross-validation those that test each model]
    #[arg(short = 't', long, num_args = 1.., value_name = "REGION")]
    pub testchroms: Vec<String>,
    /// The chromosomes in use, with their sizes [default: those of the genome]
    #[arg(long, value_name = "FILE")]
    pub chrom_sizes: Option<PathBuf>,
    /// BED file of regions to leave out [default: that of the first model's training]
    #[arg(long, value_name = "BED")]
    pub blacklist: Option<PathBuf>,
    #[command(flatten)]
    pub beside: BesideBases,
}

impl TestedOn {
    /// The flags that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("--inputdir", self.inputdir.is_some()),
            ("--factor", self.factor.is_some()),
            ("--testchroms", !self.testchroms.is_empty()),
            ("--chrom-sizes", self.chrom_sizes.is_some()),
            ("--blacklist", self.blacklist.is_some()),
        ]
        .into_iter()
        .filter_map(|(flag, given)| given.then_some(flag))
        .chain(self.beside.given())
    }
}
