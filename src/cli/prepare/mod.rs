//! `cisgrad prepare`: from an experiment's files to what a model is trained on.

mod chosen;
mod named_file;
mod peaks;
mod signals;
mod track;
mod windows;

use crate::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Windows around peaks, their signals and sequences, and a split: what tisfm train reads
    Peaks(Box<peaks::Args>),
    /// Where the reads of a BAM or fragment file begin, as a bigWig
    Track(track::Args),
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Peaks(args) => peaks::run(args),
        Command::Track(args) => track::run(args),
    }
}
