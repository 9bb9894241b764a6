//! The command line: one file a command, its arguments and `run`.

mod bench;
mod demo;
mod devices;
mod selftest;
mod short_flags;

use crate::io::text::printable;
use crate::models::kinds;
use crate::{Error, Result};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// Sequence-to-function models of regulatory DNA.
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
    /// Bring a model trained by the original program over into a model folder
    #[command(subcommand)]
    Convert(kinds::Convert),
    /// Time whole training steps and predictions on random data
    Bench(bench::Args),
    /// Say which devices can be used, and why others cannot
    Devices,
    /// Check every op and every golden case on this machine
    Selftest(selftest::Args),
}

/// Runs the program: exit code 0 done, 1 failed, 2 wrong usage, 130 interrupted.
pub fn main() -> ExitCode {
    let arguments = short_flags::spelled_out(std::env::args_os(), kinds::SHORT_FLAGS);
    let matches = Cli::command().get_matches_from(arguments);
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}", printable(&error.to_string()));
            ExitCode::from(match error {
                Error::Usage(_) => 2,
                Error::Interrupted => 130,
                _ => 1,
            })
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Kind(command) => kinds::run(&command),
        Command::Convert(convert) => kinds::convert(&convert),
        Command::Bench(args) => bench::run(&args),
        Command::Devices => devices::run(),
        Command::Selftest(args) => selftest::run(&args),
    }
}
