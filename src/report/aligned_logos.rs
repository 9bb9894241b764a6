//! Motifs above the known ones that they resemble, position on position.

use super::logo::{Rows, Size, axis, letters};
use super::svg::Svg;
use crate::dna::motif::reverse_complement;

/// Pixels.
const SIZE: Size = Size {
    column: 14.0,
    height: 60.0,
};
const MARGIN: f64 = 34.0;
const TITLE: f64 = 20.0;
const GAP: f64 = 26.0;
/// Of a letter of a title.
const LETTER: f64 = 6.6;

/// A motif and the known one beside it.
pub struct Pair<'a> {
    pub title: String,
    pub rows: &'a Rows,
    pub known_title: String,
    pub known: &'a Rows,
    /// Which position of the motif the first position of the known one, on its strand, lies on; negative: it begins before.
    pub offset: isize,
    /// The known motif lies on the other strand.
    pub reverse: bool,
}

/// One picture of all pairs, one below the other. Known motifs are drawn as their collection has them; where they lie on the other
/// strand it is the motif above that is reverse complemented.
pub fn aligned_svg(pairs: &[Pair]) -> String {
    let placed: Vec<Placed> = pairs.iter().map(Placed::of).collect();
    let columns = placed.iter().map(|p| p.columns).max().unwrap_or(0);
    let titles = pairs.iter().flat_map(|p| [&p.title, &p.known_title]);
    let letters = titles.map(|title| title.chars().count()).max().unwrap_or(0);
    let width = (columns as f64 * SIZE.column).max(letters as f64 * LETTER);
    let line = 2.0 * (TITLE + SIZE.height) + GAP;
    let mut svg = Svg::new(
        2.0 * MARGIN + width,
        (line * pairs.len() as f64 + GAP / 2.0).max(GAP),
    );
    for (place, (pair, placed)) in pairs.iter().zip(&placed).enumerate() {
        let top = GAP / 2.0 + line * place as f64;
        for (part, title) in placed.parts.iter().zip([&pair.title, &pair.known_title]) {
            let top = top + part.line as f64 * (TITLE + SIZE.height);
            svg.label((MARGIN, top + 12.0), 12.0, "start", title);
            axis(&mut svg, (MARGIN, top + TITLE), SIZE.height);
            let left = MARGIN + 1.0 + part.first as f64 * SIZE.column;
            self::letters(&mut svg, &part.rows, (left, top + TITLE), SIZE);
        }
    }
    svg.finish()
}

/// A motif as it is drawn: above or below, from which column on.
struct Part {
    line: usize,
    rows: Vec<[f64; 4]>,
    first: usize,
}

struct Placed {
    parts: [Part; 2],
    columns: usize,
}

impl Placed {
    fn of(pair: &Pair) -> Placed {
        let (length, known) = (pair.rows.len() as isize, pair.known.len() as isize);
        let (rows, offset) = match pair.reverse {
            false => (pair.rows.to_vec(), pair.offset),
            // Seen from the other strand, both ends change places.
            true => (reverse_complement(pair.rows), length - pair.offset - known),
        };
        let first = offset.min(0);
        let part = |line, rows, first: isize| Part {
            line,
            rows,
            first: first.unsigned_abs(),
        };
        Placed {
            columns: (length.max(offset + known) - first).unsigned_abs(),
            parts: [
                part(0, rows, -first),
                part(1, pair.known.to_vec(), offset - first),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<[f64; 4]> {
        let row = |letter| match "ACGT".find(letter) {
            Some(best) => std::array::from_fn(|i| f64::from(u8::from(i == best))),
            None => [0.25; 4],
        };
        text.chars().map(row).collect()
    }

    /// A pair's letters as text, the motif above the known one.
    fn shown(motif: &str, known: &str, offset: isize, reverse: bool) -> [String; 2] {
        let (rows, known) = (rows(motif), rows(known));
        let placed = Placed::of(&Pair {
            title: String::new(),
            rows: &rows,
            known_title: String::new(),
            known: &known,
            offset,
            reverse,
        });
        placed.parts.map(|part| {
            let letter = |row: &[f64; 4]| match row.iter().position(|&p| p == 1.0) {
                Some(i) => "ACGT".as_bytes()[i] as char,
                None => 'N',
            };
            let letters: String = part.rows.iter().map(letter).collect();
            let text = format!("{}{letters}", " ".repeat(part.first));
            assert!(text.len() <= placed.columns);
            text
        })
    }

    #[test]
    fn positions_lie_below_each_other_on_either_strand() {
        assert_eq!(shown("NNCACG", "CACG", 2, false), ["NNCACG", "  CACG"]);
        assert_eq!(shown("ACG", "CACG", -1, false), [" ACG", "CACG"]);
        // AACC holds GGT on the other strand: ACC at offset 1.
        assert_eq!(shown("AACCN", "GGT", 1, true), ["NGGTT", " GGT"]);
        assert_eq!(shown("ACC", "GGTTT", -2, true), ["GGT", "GGTTT"]);
        assert_eq!(shown("ACC", "TTGGT", 0, true), ["  GGT", "TTGGT"]);
    }

    #[test]
    fn titles_and_letters_are_in_the_picture() {
        let (a, b) = (rows("ACGT"), rows("CG"));
        let pair = |reverse| Pair {
            title: "M0, 5 sites".into(),
            rows: &a,
            known_title: "MA1 <X>".into(),
            known: &b,
            offset: 1,
            reverse,
        };
        let text = aligned_svg(&[pair(false), pair(true)]);
        assert!(text.contains("M0, 5 sites") && text.contains("MA1 &lt;X&gt;"));
        assert_eq!(text.matches("fill-rule").count(), 12);
        assert!(aligned_svg(&[]).ends_with("</svg>\n"));
    }
}
