//! `cisgrad prepare`: from an experiment's files to what a model is trained on.

mod chosen;
mod peaks;
mod track;

use crate::Result;
use crate::models::factornet::commands::cell;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Windows around peaks, their signals and sequences, and a split: what tisfm train reads
    Peaks(Box<peaks::Args>),
    /// Where the reads of a BAM or fragment file begin, as a bigWig
    Track(track::Args),
    /// A cell line's folder for FactorNet: tracks, peaks and meta values with their lists
    Cell(cell::Args),
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Peaks(args) => peaks::run(args),
        Command::Track(args) => track::run(args),
        Command::Cell(args) => cell::run(args),
    }
}
