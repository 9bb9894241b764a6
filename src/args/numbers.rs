//! Numbers of the command line: what each flag expects, said in one way.

use std::fmt::Display;
use std::str::FromStr;

/// Whole numbers that flags take.
pub trait Whole: FromStr + PartialOrd + From<u8> + Display {
    const LARGEST: Self;
}

impl Whole for usize {
    const LARGEST: usize = usize::MAX;
}

impl Whole for u64 {
    const LARGEST: u64 = u64::MAX;
}

impl Whole for u32 {
    const LARGEST: u32 = u32::MAX;
}

/// A count of something that there must be.
///
/// # Errors
/// "expected a whole number of 1 or more"; of a number that is too large, up to what.
pub fn one_or_more<N: Whole>(text: &str) -> Result<N, String> {
    at_least(1, text)
}

/// A count that may be 0, or a seed.
///
/// # Errors
/// "expected a whole number of 0 or more"; of a number that is too large, up to what.
pub fn zero_or_more<N: Whole>(text: &str) -> Result<N, String> {
    at_least(0, text)
}

/// A number, which its command looks at.
///
/// # Errors
/// "expected a number"; of one that is too large, up to what.
pub fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_string())?;
    // As a word (`inf`) it is what was meant.
    match number.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) {
        true => Err(format!("expected a number up to {:e}", f64::MAX)),
        false => Ok(number),
    }
}

/// A threshold that is above 0.
///
/// # Errors
/// "expected a number above 0".
pub fn above_zero(text: &str) -> Result<f64, String> {
    match number(text)? {
        number if number > 0.0 => Ok(number),
        _ => Err("expected a number above 0".to_string()),
    }
}

fn at_least<N: Whole>(least: u8, text: &str) -> Result<N, String> {
    match text.parse::<N>() {
        Ok(number) if number >= N::from(least) => Ok(number),
        Err(_) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => Err(format!(
            "expected a whole number from {least} to {}",
            N::LARGEST
        )),
        _ => Err(format!("expected a whole number of {least} or more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_said_in_plain_words() {
        assert_eq!(one_or_more::<usize>("12"), Ok(12));
        assert_eq!(zero_or_more::<u64>("0"), Ok(0));
        for text in ["0", "-1", "x", "", "1.5", "1e3"] {
            assert_eq!(
                one_or_more::<usize>(text).unwrap_err(),
                "expected a whole number of 1 or more",
                "{text}"
            );
        }
        assert_eq!(
            zero_or_more::<u32>("4294967296").unwrap_err(),
            "expected a whole number from 0 to 4294967295"
        );
        assert_eq!(number("-1e3"), Ok(-1e3));
        assert_eq!(number("x").unwrap_err(), "expected a number");
        let large = number("1e400").unwrap_err();
        assert_eq!(large, "expected a number up to 1.7976931348623157e308");
    }
}
