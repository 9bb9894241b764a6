//! `cisgrad factornet`: the commands of FactorNet, with its flags as it spells them.

pub mod args;
mod asked;
pub mod convert;
mod evaluate;
mod outputs;
mod predict;
mod start;
mod train;
mod train_args;
mod train_files;
mod visualize;

use crate::Result;
use crate::train::model::Kinds;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Train a model on peaks of one factor, or of all factors of a cell line
    Train(Box<train_args::Args>),
    /// Score the intervals of a BED file
    Predict(Box<predict::Args>),
    /// Compare a model with the peaks of test chromosomes, window by window
    Evaluate(Box<evaluate::Args>),
    /// Turn a model's kernels into motifs, with the signals under them
    Visualize(Box<visualize::Args>),
}

pub fn run(command: &Command, known: Kinds) -> Result<()> {
    match command {
        Command::Train(args) => train::run(args, known),
        Command::Predict(args) => predict::run(args, known),
        Command::Evaluate(args) => evaluate::run(args, known),
        Command::Visualize(args) => visualize::run(args, known),
    }
}

/// Flags of several letters behind one dash, as the original has them, and what they are here.
pub const SHORT_FLAGS: &[(&str, &str)] = &[
    ("-vi", "--validinputdirs"),
    ("-ep", "--patience"),
    ("-lr", "--learningrate"),
    ("-mo", "--motif"),
    ("-oc", "--outputdirc"),
];
