//! `cisgrad motifs`: motifs against motifs, and motifs in sequences.

mod cluster;
mod export;
mod matching;
mod scan;

use crate::Result;
use crate::models::kinds::Export;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Which motifs resemble each other, with p-values (Tomtom's statistics)
    Match(matching::Args),
    /// Group the motifs of a collection that resemble each other
    Cluster(cluster::Args),
    /// Where motifs lie in sequences, with p-values (FIMO's statistics)
    Scan(scan::Args),
    /// Write the kernels of a trained model as motifs, by the sites where they fire
    Export(Box<Export>),
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Match(args) => matching::run(args),
        Command::Cluster(args) => cluster::run(args),
        Command::Scan(args) => scan::run(args),
        Command::Export(args) => export::run(args),
    }
}
