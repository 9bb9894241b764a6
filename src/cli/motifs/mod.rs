//! `cisgrad motifs`: motifs against motifs, and motifs in sequences.

mod matching;

use crate::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Which motifs resemble each other, with p-values (Tomtom's statistics)
    Match(matching::Args),
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Match(args) => matching::run(args),
    }
}
