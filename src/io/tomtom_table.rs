//! The table of matches as MEME's Tomtom writes it.

use crate::dna::motif::consensus;
use crate::numbers::rounded;
use std::io::{self, Write};

/// One line: a query and a target.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    pub query: &'a str,
    pub target: &'a str,
    /// The target's position under the query's first position, on the target's strand.
    pub offset: isize,
    pub p_value: f64,
    pub e_value: f64,
    pub q_value: f64,
    pub overlap: usize,
    pub query_rows: &'a [[f64; 4]],
    pub target_rows: &'a [[f64; 4]],
    /// The target lies on the other strand; its consensus is written on that strand.
    pub reverse: bool,
}

/// Tabs between the columns, one line per pair, in the order given.
pub fn write<'a>(w: &mut dyn Write, rows: impl Iterator<Item = Row<'a>>) -> io::Result<()> {
    writeln!(
        w,
        "Query_ID\tTarget_ID\tOptimal_offset\tp-value\tE-value\tq-value\tOverlap\tQuery_consensus\tTarget_consensus\tOrientation"
    )?;
    for row in rows {
        writeln!(
            w,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            row.query,
            row.target,
            row.offset,
            Probability(row.p_value),
            Probability(row.e_value),
            Probability(row.q_value),
            row.overlap,
            consensus(row.query_rows, false),
            consensus(row.target_rows, row.reverse),
            if row.reverse { '-' } else { '+' },
        )?;
    }
    Ok(())
}

/// Five digits, with an exponent where the number is small.
pub struct Probability(pub f64);

impl std::fmt::Display for Probability {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        if self.0 != 0.0 && self.0 < 1e-4 {
            write!(f, "{:.4e}", self.0)
        } else {
            write!(f, "{}", rounded(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_tomtoms() {
        let (a, b) = (
            [[0.7, 0.1, 0.1, 0.1], [0.0, 1.0, 0.0, 0.0]],
            [[0.0, 0.0, 1.0, 0.0]],
        );
        let row = Row {
            query: "M0",
            target: "MA1.1",
            offset: -1,
            p_value: 1.234_567_8e-9,
            e_value: 0.012_345_678,
            q_value: 1.0,
            overlap: 1,
            query_rows: &a,
            target_rows: &b,
            reverse: true,
        };
        let mut text = Vec::new();
        write(&mut text, [row].into_iter()).unwrap();
        let text = String::from_utf8(text).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert_eq!(line, "M0\tMA1.1\t-1\t1.2346e-9\t0.012346\t1\t1\tAC\tC\t-");
    }
}
