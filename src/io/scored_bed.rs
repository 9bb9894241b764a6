//! What `predict` writes: the columns of a BED line with scores in the fourth.

use std::fmt::Write;

use super::bed::Row;

/// Appends a line to `out`: the columns of `row`, parted by tabs, with the scores in place of
/// column 4 (a column each; where there are only three columns, after them).
pub fn write_scored(row: &Row, scores: &[f32], out: &mut String) {
    let mut columns = row.columns();
    out.push_str(row.chromosome);
    let _ = write!(out, "\t{}\t{}", row.start, row.end); // a String takes every write
    for &score in scores {
        out.push('\t');
        scientific(score, out);
    }
    // The three that are written already, and the one that the scores replace.
    let _ = columns.nth(3);
    for column in columns {
        out.push('\t');
        out.push_str(column);
    }
    out.push('\n');
}

/// Appends a number as C prints it with `%.3e`: `1.234e-03`.
pub fn scientific(value: f32, out: &mut String) {
    let text = format!("{value:.3e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            let _ = write!(out, "{digits}e{sign}{exponent:0>2}");
        }
        None => out.push_str(&text.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::bed::Reader;
    use crate::io::text::Lines;

    fn scored(line: &'static str, scores: &[f32]) -> String {
        let mut reader = Reader::new(Lines::new("p.bed", line.as_bytes()));
        let mut out = String::new();
        write_scored(&reader.read().unwrap().unwrap(), scores, &mut out);
        out
    }

    #[test]
    fn column_four_is_replaced_or_added() {
        assert_eq!(scored("chr1\t5\t9\n", &[0.5]), "chr1\t5\t9\t5.000e-01\n");
        assert_eq!(scored("chr1 5 9\n", &[0.5]), "chr1\t5\t9\t5.000e-01\n");
        assert_eq!(
            scored("chr1\t5\t9\tx y\t\t+\n", &[0.0]),
            "chr1\t5\t9\t0.000e+00\t\t+\n"
        );
        assert_eq!(
            scored("chr1\t5\t9\tx\t7\n", &[1.0, 0.25]),
            "chr1\t5\t9\t1.000e+00\t2.500e-01\t7\n"
        );
    }

    #[test]
    fn numbers_are_written_as_c_does() {
        let text = |value| {
            let mut out = String::new();
            scientific(value, &mut out);
            out
        };
        for (value, expected) in [
            (0.0, "0.000e+00"),
            (0.001234, "1.234e-03"),
            (-12345.6, "-1.235e+04"),
            (9.9999e-5, "1.000e-04"),
            (1e-12, "1.000e-12"),
            (f32::INFINITY, "inf"),
            (f32::NAN, "nan"),
        ] {
            assert_eq!(text(value), expected);
        }
    }
}
