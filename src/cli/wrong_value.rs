//! A value that a flag cannot take, said as everywhere: the flag as the user wrote it, the value, what was expected.

use crate::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use std::ffi::OsString;

/// The error of a value that a flag's own parser has refused; None for any other one, which the command line's parser
/// explains best. `given`: the words as the user wrote them; `spelled`: the same ones, as the parser has seen them.
pub fn explain(
    error: &clap::Error,
    command: &clap::Command,
    spelled: &[OsString],
    given: &[OsString],
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
    let flag = written(long, command, spelled, given).unwrap_or(long);
    Some(Error::usage(format!("{flag} {value}: {expected}")))
}

/// A flag in the user's words: its short form, an underscore in it, the original's name for it, or its beginning alone.
fn written<'a>(
    long: &str,
    command: &clap::Command,
    spelled: &[OsString],
    given: &'a [OsString],
) -> Option<&'a str> {
    let words = || spelled.iter().map(|word| word.to_str().unwrap_or_default());
    let mut below = command;
    for word in words().skip(1) {
        match below.find_subcommand(word) {
            Some(found) => below = found,
            None => break,
        }
    }
    let long = long.strip_prefix("--")?;
    let mut args = below.get_arguments();
    let arg = args.find(|arg| arg.get_long() == Some(long))?;
    let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
    let is = |word: &str| match (word.strip_prefix("--"), word.strip_prefix('-')) {
        (Some(name), _) => longs.contains(&name.split('=').next().unwrap_or(name)),
        (None, Some(letters)) => {
            arg.get_short().is_some() && letters.chars().next() == arg.get_short()
        }
        (None, None) => false,
    };
    let places: Vec<usize> = (0..spelled.len())
        .zip(words())
        .filter(|(_, w)| is(w))
        .map(|(i, _)| i)
        .collect();
    let word = given.get(*places.last()?)?.to_str()?;
    let flag = word.split('=').next().unwrap_or(word);
    // A value may stand right behind a short flag's letter, but not behind several letters that are a flag's own.
    let spelled = spelled.get(*places.last()?)?.to_str()?;
    match word == spelled && !word.starts_with("--") {
        true => flag.get(..2),
        false => Some(flag),
    }
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
            ("-n0", "-n 0: expected a whole number of 1 or more"),
            (
                "--num_of_workers -4",
                "--num_of_workers -4: expected a whole number of 0 or more",
            ),
            (
                "--batch_size 0",
                "--batch_size 0: expected a whole number of 1 or more",
            ),
            (
                "--batch-size=0",
                "--batch-size 0: expected a whole number of 1 or more",
            ),
        ] {
            assert_eq!(said(&format!("{start} {flags}")), expected);
        }
    }
}
