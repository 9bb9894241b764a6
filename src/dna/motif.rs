//! A motif: what a factor binds, as probabilities of the bases at each position.

/// How far a row's sum may lie from 1: four probabilities of two digits can miss it by as much.
pub const ROW_SUM_TOLERANCE: f64 = 2e-2;

/// A motif as a matrix of probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Motif {
    /// The first word after `MOTIF`, unique in its file.
    pub id: String,
    /// The second word, where the line has exactly two: the factor's name.
    pub label: Option<String>,
    /// `nsites=`, where it is given; some writers give fractions.
    pub nsites: Option<f64>,
    /// One row a position, columns A, C, G, T; probabilities as the file has them, no logarithm.
    pub rows: Vec<[f64; 4]>,
}

impl Motif {
    /// As messages call it: `MA0139.2 (CTCF)`, or the identifier alone.
    pub fn shown(&self) -> String {
        shown(&self.id, self.label.as_deref())
    }
}

/// A motif's identifier with the factor's name beside it, where there is one.
pub fn shown(id: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{id} ({name})"),
        None => id.to_string(),
    }
}

/// The matrix as read from the other strand: rows reversed, A and T, C and G exchanged.
pub fn reverse_complement(matrix: &[[f64; 4]]) -> Vec<[f64; 4]> {
    matrix
        .iter()
        .rev()
        .map(|&[a, c, g, t]| [t, g, c, a])
        .collect()
}

/// Bits that a position tells, 2 + sum of p log2 p; no correction for few sites.
pub fn information(row: &[f64; 4]) -> f64 {
    let known = row.iter().filter(|&&p| p > 0.0);
    2.0 + known.map(|p| p * p.log2()).sum::<f64>()
}

/// The positions between flat flanks, which tell less than a tenth of a bit each; all where none tells more.
pub fn core(rows: &[[f64; 4]]) -> std::ops::Range<usize> {
    const FLAT: f64 = 0.1;
    let tells = |row: &[f64; 4]| information(row) >= FLAT;
    match (rows.iter().position(tells), rows.iter().rposition(tells)) {
        (Some(first), Some(last)) => first..last + 1,
        _ => 0..rows.len(),
    }
}

/// The likeliest base of each position, the first of equals; N where all four are. `reverse`: as read from the other strand.
pub fn consensus(rows: &[[f64; 4]], reverse: bool) -> String {
    let letter = |row: &[f64; 4]| {
        if row.iter().all(|&p| p == row[0]) {
            return 'N';
        }
        let best = (1..4).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        ['A', 'C', 'G', 'T'][best]
    };
    match reverse {
        true => reverse_complement(rows).iter().map(letter).collect(),
        false => rows.iter().map(letter).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factors_name_stands_beside_the_identifier() {
        assert_eq!(shown("MA0139.2", Some("CTCF")), "MA0139.2 (CTCF)");
        assert_eq!(shown("CTCF.H12CORE.0.P.B", None), "CTCF.H12CORE.0.P.B");
    }

    #[test]
    fn a_consensus_is_of_the_likeliest_bases() {
        let rows = [[0.4, 0.4, 0.1, 0.1], [0.25; 4], [0.0, 0.2, 0.2, 0.6]];
        assert_eq!(consensus(&rows, false), "ANT");
        assert_eq!(consensus(&rows, true), "ANG");
        assert_eq!(consensus(&[], true), "");
    }

    #[test]
    fn a_core_has_no_flat_flanks() {
        let flat = [0.27, 0.25, 0.24, 0.24];
        let sharp = [0.7, 0.1, 0.1, 0.1];
        assert_eq!(core(&[flat, sharp, flat, sharp, flat, flat]), 1..4);
        assert_eq!((core(&[flat, flat]), core(&[])), (0..2, 0..0));
        assert_eq!(information(&[0.5, 0.5, 0.0, 0.0]), 1.0);
    }

    #[test]
    fn turning_twice_gives_the_motif_back() {
        let rows = [[0.7, 0.1, 0.15, 0.05], [0.0, 1.0, 0.0, 0.0]];
        let turned = [[0.0, 0.0, 1.0, 0.0], [0.05, 0.15, 0.1, 0.7]];
        assert_eq!(reverse_complement(&rows), turned);
        assert_eq!(reverse_complement(&turned), rows);
    }
}
