//! A value that a flag cannot take, said as everywhere: the flag as the user wrote it, the value, what was expected.

use crate::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;

/// The error of a value that a flag's own parser has refused; None for any other one, which the command line's parser
/// explains best. `short`: the flags of several letters behind one dash, with their long forms.
pub fn explain(
    error: &clap::Error,
    command: &clap::Command,
    arguments: &[OsString],
    short: &[&(&str, &str)],
) -> Option<Error> {
    if error.kind() != ErrorKind::ValueValidation {
        return None;
    }
    let (Some(ContextValue::String(arg)), Some(ContextValue::String(value))) = (
        error.get(ContextKind::InvalidArg),
        error.get(ContextKind::InvalidValue),
    ) else {
        return None;
    };
    let expected = error.source()?;
    let long = arg.split_whitespace().next()?;
    let flag = written(long, command, arguments, short);
    Some(Error::usage(format!("{flag} {value}: {expected}")))
}

/// The short form of a flag where the user wrote that.
fn written(
    long: &str,
    command: &clap::Command,
    arguments: &[OsString],
    short: &[&(&str, &str)],
) -> String {
    let words = || arguments.iter().filter_map(|word| word.to_str());
    let begins = |flag: &str| words().any(|word| word.split('=').next() == Some(flag));
    if begins(long) {
        return long.to_string();
    }
    if let Some((short, _)) = short.iter().find(|(short, l)| *l == long && begins(short)) {
        return (*short).to_string();
    }
    let named = |command: &clap::Command| {
        let mut args = command.get_arguments();
        args.find(|arg| arg.get_long() == long.strip_prefix("--"))
            .and_then(clap::Arg::get_short)
    };
    let mut below = command;
    for word in words().skip(1) {
        match below.find_subcommand(word) {
            Some(found) => below = found,
            None => break,
        }
    }
    named(below).map_or_else(|| long.to_string(), |letter| format!("-{letter}"))
}

#[cfg(test)]
mod tests {
    use crate::cli::{Refused, parse};

    fn said(words: &str) -> String {
        let words = words.split(' ').map(Into::into);
        match parse(words) {
            Err(Refused::Value(error)) => error.to_string(),
            Err(Refused::Line(error)) => panic!("{error}"),
            Ok(_) => panic!("it was taken"),
        }
    }

    #[test]
    fn the_flag_is_named_as_it_was_written() {
        let start = "cisgrad factornet train -i x -o y";
        for (flags, expected) in [
            ("-n 0", "-n 0: expected a whole number of 1 or more"),
            (
                "--negatives -3",
                "--negatives -3: expected a whole number of 1 or more",
            ),
            ("-ep -1", "-ep -1: expected a whole number of 0 or more"),
            ("-lr=x", "-lr x: expected a number"),
            (
                "--batch-size=0",
                "--batch-size 0: expected a whole number of 1 or more",
            ),
        ] {
            assert_eq!(said(&format!("{start} {flags}")), expected);
        }
    }
}
