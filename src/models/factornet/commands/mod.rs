//! `cisgrad factornet`: the commands of FactorNet, with its flags as it spells them.

pub mod args;
mod convert;
mod evaluate;
mod outputs;
mod predict;
mod train;
mod train_args;
mod visualize;

pub use convert::{Convert, convert};

use crate::Result;
use clap::Subcommand;
use std::ffi::OsString;

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

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Train(args) => train::run(args),
        Command::Predict(args) => predict::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Visualize(args) => visualize::run(args),
    }
}

/// Flags of several letters behind one dash, as the original has them, and what they are here.
const SHORT: [(&str, &str); 5] = [
    ("-vi", "--validinputdirs"),
    ("-ep", "--patience"),
    ("-lr", "--learningrate"),
    ("-mo", "--motif"),
    ("-oc", "--outputdirc"),
];

/// Writes out the short flags of several letters where the command is FactorNet's.
pub fn spelled_out(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    if arguments
        .get(1)
        .is_some_and(|command| command == "factornet")
    {
        for argument in &mut arguments[2..] {
            let Some(text) = argument.to_str() else {
                continue;
            };
            let (flag, value) = match text.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (text, None),
            };
            if let Some((_, long)) = SHORT.iter().find(|(short, _)| *short == flag) {
                *argument = match value {
                    Some(value) => format!("{long}={value}").into(),
                    None => (*long).into(),
                };
            }
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        let words = text.split(' ').map(OsString::from);
        let out = spelled_out(words);
        let out: Vec<_> = out.iter().map(|w| w.to_string_lossy()).collect();
        out.join(" ")
    }

    #[test]
    fn short_flags_of_two_letters_become_long_ones_for_factornet_alone() {
        assert_eq!(
            spelled("cisgrad factornet train -vi a -ep 3 -lr=0.1 -mo -oc out -e 5 -i x"),
            "cisgrad factornet train --validinputdirs a --patience 3 --learningrate=0.1 --motif --outputdirc out -e 5 -i x"
        );
        let other = "cisgrad tisfm train -lr 3";
        assert_eq!(spelled(other), other);
    }
}
