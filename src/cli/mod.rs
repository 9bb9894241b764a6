//! The command line: one file a command, its arguments and `run`.

mod bench;
mod compare;
mod demo;
mod devices;
mod motifs;
mod prepare;
mod report;
mod selftest;
mod wrong_value;

use crate::args::spelling::spelled_out;
use crate::models::kinds;
use crate::train::interrupt;
use crate::{Error, Result};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::any::TypeId;
use std::ffi::OsString;
use std::process::ExitCode;

/// Sequence-to-function models of regulatory DNA: tiSFM and FactorNet.
#[derive(Parser)]
#[command(version, about, long_about = None, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Simulate peaks with a planted motif grammar, train on them, test, and rank the motifs
    Demo(demo::Args),
    #[command(flatten)]
    Kind(kinds::Command),
    /// Make a model folder of a model of the original programs, or of a FactorNet model one for Keras
    #[command(subcommand)]
    Convert(kinds::Convert),
    /// Compare trained models, or ensembles, on the samples that test them: figures, and differences with intervals
    Compare(Box<kinds::Compare>),
    /// Write one page about a model: data, training, how good it is, what it learned, how to repeat it
    Report(Box<kinds::Report>),
    /// Say which bases, track values and motifs make a model's predictions, sequence by sequence
    Explain(Box<kinds::Explain>),
    /// Put motifs into many sequences and say what they do to a model's predictions
    Marginalize(Box<kinds::Marginalize>),
    /// Say what genetic variants change in a model's predictions
    Variants(Box<kinds::Variants>),
    /// Compare motifs with motifs, find them in sequences, and write what a model's kernels became
    #[command(subcommand)]
    Motifs(motifs::Command),
    /// Make a data set from an experiment's files: peaks, tracks and a genome
    #[command(subcommand)]
    Prepare(prepare::Command),
    /// Time whole training steps and predictions on random data
    Bench(bench::Args),
    /// Say which devices can be used, and why others cannot
    Devices(devices::Args),
    /// Check every op and every golden case on this machine
    Selftest(selftest::Args),
}

/// Runs the program: exit code 0 done, 1 failed, 2 wrong usage, 130 interrupted.
pub fn main() -> ExitCode {
    interrupt::install();
    let done = match parse(std::env::args_os()) {
        Ok(cli) => run(cli.command),
        Err(Refused::Value(error)) => Err(error),
        Err(Refused::Line(error)) => error.exit(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The user has ended it, and has been told how to go on: nothing went wrong.
        Err(Error::Interrupted) => {
            tell!("{}", Error::Interrupted);
            ExitCode::from(130)
        }
        Err(error) => {
            tell!("error: {error}");
            ExitCode::from(match error {
                Error::Usage(_) => 2,
                _ => 1,
            })
        }
    }
}

/// Why a command line was not taken.
enum Refused {
    /// For a value that its flag cannot take.
    Value(Error),
    /// For any other reason; also a request for help.
    Line(clap::Error),
}

fn parse(arguments: impl Iterator<Item = OsString>) -> std::result::Result<Cli, Refused> {
    let given: Vec<OsString> = arguments.collect();
    let command = as_the_originals(with_negative_numbers(Cli::command()));
    let flags = |kind: &str, name: &str| flags_of(&command, kind, name);
    let spelled = spelled_out(given.iter().cloned(), kinds::SPELLINGS, flags);
    let spelled = spelled.map_err(Refused::Value)?;
    let repeated = repeated_list(&command, &spelled, &given);
    let matches = command.clone().try_get_matches_from(&spelled);
    let parsed = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    if parsed.is_ok() && given.iter().filter(|value| *value == "-").count() > 1 {
        return Err(Refused::Value(Error::usage(
            "- is standard input, which gives its text once: it can be the value of one flag, and of none that names an output (/dev/stdout does)",
        )));
    }
    if let (Ok(_), Some((flag, times))) = (&parsed, repeated) {
        tell!(
            "note: {flag} is given {times} times: the last one holds; several values stand behind one {flag}, with spaces between them"
        );
    }
    parsed.map_err(
        |error| match wrong_value::explain(&error, &command, &spelled, &given) {
            Some(explained) => Refused::Value(explained),
            None => Refused::Line(error),
        },
    )
}

/// In the commands of kinds the last of a flag that is given twice holds, as in the original programs.
fn as_the_originals(command: clap::Command) -> clap::Command {
    let of_kinds = |name: &str| kinds::SPELLINGS.iter().any(|(kind, _)| *kind == name);
    command.mut_subcommands(|kind| match of_kinds(kind.get_name()) {
        true => kind.mut_subcommands(|command| {
            // Several values come behind one flag, not with several.
            let set = |arg: clap::Arg| match arg.get_action() {
                ArgAction::Append => arg.action(ArgAction::Set),
                _ => arg,
            };
            command.mut_args(set).args_override_self(true)
        }),
        false => kind,
    })
}

/// A flag of a kind's command that takes several values and is there more than once, as it was `given`, and how often; `spelled`:
/// the same words as the parser sees them.
fn repeated_list(
    command: &clap::Command,
    spelled: &[OsString],
    given: &[OsString],
) -> Option<(String, usize)> {
    let word = |i: usize| spelled.get(i).and_then(|word| word.to_str());
    let (kind, name) = (word(1)?, word(2)?);
    if !kinds::SPELLINGS.iter().any(|(of, _)| *of == kind) {
        return None;
    }
    let command = command.find_subcommand(kind)?.find_subcommand(name)?;
    let several = |arg: &&clap::Arg| arg.get_num_args().is_some_and(|n| n.max_values() > 1);
    command.get_arguments().filter(several).find_map(|arg| {
        let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
        let is = |word: &OsString| {
            let Some(word) = word.to_str() else {
                return false;
            };
            let flag = word.split('=').next().unwrap_or(word);
            let long = |name: &str| longs.contains(&name);
            flag.strip_prefix("--").is_some_and(long)
                || flag.strip_prefix('-').and_then(|rest| rest.chars().next()) == arg.get_short()
                    && arg.get_short().is_some()
        };
        let places: Vec<usize> = (3..spelled.len()).filter(|&i| is(&spelled[i])).collect();
        let first = given.get(*places.first()?)?.to_str()?;
        let shown = first.split('=').next().unwrap_or(first);
        (places.len() > 1).then(|| (shown.to_string(), places.len()))
    })
}

/// The long flags of a kind's command, without dashes.
fn flags_of(command: &clap::Command, kind: &str, name: &str) -> Vec<String> {
    let below = command.find_subcommand(kind);
    let Some(command) = below.and_then(|kind| kind.find_subcommand(name)) else {
        return Vec::new();
    };
    let mut flags = vec!["help".to_string(), "version".to_string()];
    for arg in command.get_arguments() {
        let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
        flags.extend(longs.into_iter().map(String::from));
    }
    flags
}

/// Lets every flag that takes a number see a negative one, so that the message is about the number and not about an
/// unknown flag `-1`.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        let takes = arg.get_value_parser().type_id();
        let numeric = [
            TypeId::of::<usize>(),
            TypeId::of::<u64>(),
            TypeId::of::<u32>(),
            TypeId::of::<i64>(),
            TypeId::of::<f64>(),
        ];
        if numeric.iter().any(|number| takes == *number) {
            arg.allow_negative_numbers(true)
        } else {
            arg
        }
    });
    command.mut_subcommands(with_negative_numbers)
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Kind(command) => kinds::run(&command),
        Command::Convert(convert) => kinds::convert(&convert),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Explain(args) => kinds::explain(&args),
        Command::Marginalize(args) => kinds::marginalize(&args),
        Command::Variants(args) => kinds::variants(&args),
        Command::Motifs(command) => motifs::run(&command),
        Command::Prepare(command) => prepare::run(&command),
        Command::Bench(args) => bench::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Selftest(args) => selftest::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::error::{ContextKind, ErrorKind};

    /// The flags of a command and of those below it that take one number: the words that lead there, and the flag.
    fn numeric(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        for arg in command.get_arguments() {
            let takes = arg.get_value_parser().type_id();
            let whole = [
                TypeId::of::<usize>(),
                TypeId::of::<u64>(),
                TypeId::of::<u32>(),
            ];
            if let Some(long) = arg.get_long()
                && whole.iter().any(|number| takes == *number)
            {
                found.push((path.to_string(), format!("--{long}")));
            }
        }
        for below in command.get_subcommands() {
            numeric(below, &format!("{path} {}", below.get_name()), found);
        }
    }

    #[test]
    fn every_flag_that_counts_says_what_it_expects_of_a_negative_number() {
        let command = with_negative_numbers(Cli::command());
        let mut flags = Vec::new();
        numeric(&command, "cisgrad", &mut flags);
        assert!(flags.len() > 30, "{flags:?}");
        for (path, flag) in flags {
            let words = format!("{path} {flag} -1");
            let error = command.clone().try_get_matches_from(words.split(' '));
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ValueValidation, "{words}: {error}");
            assert!(error.get(ContextKind::InvalidValue).is_some(), "{words}");
            let said = error.to_string();
            assert!(said.contains("expected a whole number of "), "{said}");
        }
    }
}
