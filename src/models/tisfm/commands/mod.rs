//! `cisgrad tisfm` and `cisgrad convert tisfm`.

pub mod activities;
pub mod architectures;
pub mod compare;
pub mod convert;
mod data_args;
pub mod explain;
pub mod export;
mod input_args;
pub mod interactions;
mod looked_at;
pub mod marginalize;
pub mod model_args;
pub mod motifs;
pub mod predict;
pub mod report;
pub mod select;
pub mod test;
pub mod train;
pub mod variants;

use crate::Result;
use crate::args::spelling::Spelling;
use crate::train::model::Kinds;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Train a model, or a path of models over a range of penalties
    Train(Box<train::Args>),
    /// Choose motifs by a penalty path, fit a model of those that stay, and train its kernels for a short while
    Select(Box<select::Args>),
    /// Compare a model's predictions with the signals of its test sequences
    Test(Box<test::Args>),
    /// Predict signals from sequences
    Predict(Box<predict::Args>),
    /// Rank the motifs, or families of them, by what they do to each output
    Motifs(Box<motifs::Args>),
    /// Which motif opens or closes the gate of which other one
    Interactions(interactions::Args),
    /// What enters the last layer: the activity of each motif in each sequence
    Activities(activities::Args),
    /// List the built-in architectures, or print one as TOML
    Architectures(architectures::Args),
}

pub fn run(command: &Command, known: Kinds) -> Result<()> {
    match command {
        Command::Train(args) => train::run(args, known),
        Command::Select(args) => select::run(args, known),
        Command::Test(args) => test::run(args, known),
        Command::Predict(args) => predict::run(args, known),
        Command::Motifs(args) => motifs::run(args, known),
        Command::Interactions(args) => interactions::run(args, known),
        Command::Activities(args) => activities::run(args, known),
        Command::Architectures(args) => architectures::run(args),
    }
}

/// The flags of the original's train_model.py and test_model.py.
pub const SPELLING: Spelling = Spelling {
    short: &[],
    original: &[
        (
            "train",
            &[
                "meme-file",
                "atac-file",
                "sequences",
                "model-output",
                "split-folder",
                "architecture",
                "window-size",
                "number-of-epochs",
                "batch-size",
                "num-of-workers",
                "penalty-param",
                "penalty-param-range",
                "log-penalty-param-range",
                "mcp-param",
                "penalty-type",
                "model",
                "lr",
                "step-lr",
                "unfreeze-conv",
                "class-name",
                "save-all",
                "early-stopping",
                "early-stopping-threshold",
                "penalize-layers",
                "freeze-all-except-final-layer",
                "unfreeze-all",
            ],
        ),
        (
            "test",
            &[
                "meme-file",
                "atac-file",
                "sequences",
                "model",
                "split-folder",
                "architecture",
                "window-size",
                "batch-size",
                "num-of-workers",
                "stat-out",
                "ai-atac",
                "class-name",
                "use-validation",
                "plot-path",
                "plot-final-layer",
                "plot-x-log",
                "top-motifs",
                "model-index",
                "extract-final-layer",
            ],
        ),
    ],
};
