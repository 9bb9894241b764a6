//! `cisgrad tisfm` and `cisgrad convert tisfm`.

pub mod architectures;
pub mod convert;
pub mod model_args;
pub mod motifs;
pub mod predict;
pub mod test;
pub mod train;
mod train_args;

use crate::Result;
use crate::train::model::Kinds;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Train a model, or a path of models over a range of penalties
    Train(Box<train::Args>),
    /// Compare a model's predictions with the signals of its test sequences
    Test(test::Args),
    /// Predict signals from sequences
    Predict(predict::Args),
    /// Rank the motifs by their weight in each output
    Motifs(motifs::Args),
    /// List the built-in architectures, or print one as TOML
    Architectures(architectures::Args),
}

pub fn run(command: &Command, known: Kinds) -> Result<()> {
    match command {
        Command::Train(args) => train::run(args, known),
        Command::Test(args) => test::run(args, known),
        Command::Predict(args) => predict::run(args, known),
        Command::Motifs(args) => motifs::run(args, known),
        Command::Architectures(args) => architectures::run(args),
    }
}

/// Every flag is spelled as the parser knows it.
pub const SHORT_FLAGS: &[(&str, &str)] = &[];
