//! `cisgrad factornet`: the commands of FactorNet, with its flags as it spells them.

pub mod args;
mod asked;
mod beside_bases;
mod beside_rules;
pub mod cell;
pub mod compare;
pub mod convert;
mod curves;
mod evaluate;
mod evaluated;
pub mod explain;
pub mod export;
pub mod marginalize;
mod members;
mod of_run;
mod outputs;
mod predict;
mod probabilities;
pub mod report;
mod scored_windows;
mod tested_on;
mod to_keras;
mod train;
mod trained_on;
pub mod variants;
mod visualize;
mod windows;

use crate::Result;
use crate::args::spelling::Spelling;
use crate::train::model::Kinds;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Command {
    /// Train a model on peaks of one factor, or of all factors of a cell line
    Train(Box<train::Args>),
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

/// The flags of the original's train.py, predict.py and visualize.py.
pub const SPELLING: Spelling = Spelling {
    short: &[
        ("-vi", "--validinputdirs"),
        ("-ep", "--patience"),
        ("-lr", "--learningrate"),
        ("-mo", "--motif"),
        ("-oc", "--outputdirc"),
    ],
    original: &[
        (
            "train",
            &[
                "inputdirs",
                "validinputdirs",
                "validchroms",
                "testchroms",
                "epochs",
                "patience",
                "learningrate",
                "negatives",
                "seqlen",
                "motifwidth",
                "kernels",
                "recurrent",
                "dense",
                "dropout",
                "seed",
                "factor",
                "meta",
                "gencode",
                "motif",
                "outputdir",
                "outputdirc",
            ],
        ),
        (
            "predict",
            &["inputdir", "modeldir", "factor", "bed", "outputfile"],
        ),
        (
            "visualize",
            &[
                "inputdir",
                "modeldir",
                "bed",
                "chrom",
                "outputdir",
                "outputdirc",
            ],
        ),
    ],
};
