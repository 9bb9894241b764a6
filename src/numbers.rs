//! Numbers as messages show them.

use std::cmp::Ordering;
use std::fmt::Display;

/// A count with its noun: "1 sequence", "2 sequences". `noun`: in the singular, its last word with a plural in s.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let s = if is_one(&count) { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// What follows a count: "is" after one, "are" after any other.
pub fn is_or_are<N: PartialEq + From<u8>>(count: N) -> &'static str {
    if is_one(&count) { "is" } else { "are" }
}

/// Likewise "has" and "have".
pub fn has_or_have<N: PartialEq + From<u8>>(count: N) -> &'static str {
    if is_one(&count) { "has" } else { "have" }
}

fn is_one<N: PartialEq + From<u8>>(count: &N) -> bool {
    *count == N::from(1)
}

/// With a comma before each group of three digits: "1,234".
pub fn thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit in which they have two digits or more: "640 KB", "21 MB", "139 GB".
pub fn bytes(count: usize) -> String {
    let units = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    match units.into_iter().find(|(unit, _)| count >= 10 * unit) {
        Some((unit, name)) => format!("{} {name}", count.div_ceil(unit)),
        None => format!("{count} bytes"),
    }
}

/// A rate with its unit: "1,234 samples/s", "0.25 samples/s".
pub fn rate(per_second: f64, rows: &str) -> String {
    match per_second {
        slow if slow < 10.0 => format!("{slow:.2} {rows}/s"),
        fast => format!("{} {rows}/s", thousands(fast.round() as u128)),
    }
}

/// To the five significant digits that a line on a terminal shows; files keep all.
pub fn rounded(number: f64) -> f64 {
    format!("{number:.4e}").parse().unwrap_or(number)
}

/// The order of a ranking, largest first; 0 and -0 are equal, so that a stable sort leaves them as they stood. What is not a
/// number has a place too.
pub fn descending(a: f64, b: f64) -> Ordering {
    // 0 + -0 is 0.
    (b + 0.0).total_cmp(&(a + 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_is_singular() {
        let shown = [0_usize, 1, 2].map(|n| counted(n, "test sequence"));
        assert_eq!(
            shown,
            ["0 test sequences", "1 test sequence", "2 test sequences"]
        );
        assert_eq!((is_or_are(1_u64), is_or_are(0_u32)), ("is", "are"));
        assert_eq!((has_or_have(1_u64), has_or_have(2_u64)), ("has", "have"));
    }

    #[test]
    fn zeros_of_both_signs_stay_in_their_order() {
        let mut ranked = [(0, -0.0), (1, 0.0), (2, -1.0), (3, 2.0), (4, -0.0)];
        ranked.sort_by(|a: &(i32, f64), b| descending(a.1, b.1));
        assert_eq!(
            ranked.iter().map(|r| r.0).collect::<Vec<_>>(),
            [3, 0, 1, 4, 2]
        );
    }

    #[test]
    fn rates_have_a_unit_and_few_digits() {
        assert_eq!(rate(1234.6, "samples"), "1,235 samples/s");
        assert_eq!(rate(0.254, "sequences"), "0.25 sequences/s");
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(123), "123");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn five_digits_are_left_of_any_number() {
        assert_eq!(rounded(0.123_456_789).to_string(), "0.12346");
        assert_eq!(format!("{:e}", rounded(0.001 * 0.1)), "1e-4");
        assert_eq!(rounded(-12_345_678.0), -12_346_000.0);
        assert_eq!(rounded(0.0).to_string(), "0");
        assert!(rounded(f64::NAN).is_nan() && rounded(f64::INFINITY).is_infinite());
    }
}
