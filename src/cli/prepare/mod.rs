//! `cisgrad prepare`: from an experiment's files to what a model is trained on.

mod named_file;
mod peaks;
mod signals;
mod windows;

use crate::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Windows around peaks, their signals and sequences, and a split: what tisfm train reads
    Peaks(Box<peaks::Args>),
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Peaks(args) => peaks::run(args),
    }
}
