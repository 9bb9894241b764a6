//! A motif above others that it resembles, position on position.

use super::logo::{Rows, Size, axis, letters, with_letters};
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

/// A motif and, below it, those that it resembles.
pub struct Stack<'a> {
    pub title: String,
    pub rows: &'a Rows,
    pub others: Vec<Other<'a>>,
}

pub struct Other<'a> {
    pub title: String,
    pub rows: &'a Rows,
    /// It lies on the other strand, and is drawn so.
    pub reverse: bool,
    /// Which position of the motif above its first position, on its strand, lies on; negative: it begins before.
    pub offset: isize,
}

impl<'a> Other<'a> {
    /// `lower` below `upper`, where `upper` was laid on `lower`, on either strand (`reverse`), its first position on position `offset` of
    /// `lower`. It is `lower` that is turned in the picture.
    pub fn below(
        title: String,
        upper: &Rows,
        lower: &'a Rows,
        offset: isize,
        reverse: bool,
    ) -> Self {
        let offset = match reverse {
            false => -offset,
            // Seen from the other strand, both ends change places.
            true => offset + upper.len() as isize - lower.len() as isize,
        };
        Other {
            title,
            rows: lower,
            reverse,
            offset,
        }
    }
}

/// One picture of all stacks, one below the other.
pub fn aligned_svg(stacks: &[Stack]) -> String {
    let columns = stacks.iter().map(|stack| stack.columns()).max();
    let titles = stacks.iter().flat_map(|stack| {
        let others = stack.others.iter().map(|other| &other.title);
        others.chain([&stack.title])
    });
    let letters = titles.map(|title| title.chars().count()).max().unwrap_or(0);
    let width = (columns.unwrap_or(0) as f64 * SIZE.column).max(letters as f64 * LETTER);
    let height = |stack: &Stack| (1 + stack.others.len()) as f64 * (TITLE + SIZE.height) + GAP;
    let mut svg = with_letters(
        2.0 * MARGIN + width,
        stacks.iter().map(height).sum::<f64>() + GAP / 2.0,
    );
    let mut top = GAP / 2.0;
    for stack in stacks {
        stack.draw(&mut svg, top);
        top += height(stack);
    }
    svg.finish()
}

impl Stack<'_> {
    /// How many positions begin before the motif's first.
    fn before(&self) -> isize {
        let first = self.others.iter().map(|other| other.offset).min();
        -first.unwrap_or(0).min(0)
    }

    fn columns(&self) -> usize {
        let ends = self
            .others
            .iter()
            .map(|other| other.offset + other.rows.len() as isize);
        let last = ends.max().unwrap_or(0).max(self.rows.len() as isize);
        (last + self.before()).unsigned_abs()
    }

    fn draw(&self, svg: &mut Svg, top: f64) {
        let before = self.before();
        let line = |svg: &mut Svg, place: usize, title: &str, rows: &Rows, offset: isize| {
            let top = top + place as f64 * (TITLE + SIZE.height);
            svg.label((MARGIN, top + 12.0), 12.0, "start", title);
            axis(svg, (MARGIN, top + TITLE), SIZE.height);
            let left = MARGIN + 1.0 + (before + offset) as f64 * SIZE.column;
            letters(svg, rows, (left, top + TITLE), SIZE);
        };
        line(svg, 0, &self.title, self.rows, 0);
        for (place, other) in self.others.iter().enumerate() {
            match other.reverse {
                false => line(svg, place + 1, &other.title, other.rows, other.offset),
                true => {
                    let rows = reverse_complement(other.rows);
                    line(svg, place + 1, &other.title, &rows, other.offset);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dna::motif::consensus;

    fn rows(text: &str) -> Vec<[f64; 4]> {
        let row = |letter| match "ACGT".find(letter) {
            Some(best) => std::array::from_fn(|i| f64::from(u8::from(i == best))),
            None => [0.25; 4],
        };
        text.chars().map(row).collect()
    }

    /// Both motifs' letters as text, the one above first.
    fn shown(upper: &Rows, other: Other) -> [String; 2] {
        let stack = Stack {
            title: String::new(),
            rows: upper,
            others: vec![other],
        };
        let other = &stack.others[0];
        let spaces = |offset: isize| " ".repeat((stack.before() + offset).unsigned_abs());
        let lines = [
            spaces(0) + &consensus(stack.rows, false),
            spaces(other.offset) + &consensus(other.rows, other.reverse),
        ];
        let longest = lines.iter().map(String::len).max();
        assert_eq!(longest, Some(stack.columns()));
        lines
    }

    #[test]
    fn positions_lie_below_each_other() {
        let pair = |upper, lower, offset, reverse| {
            let lower = rows(lower);
            let other = Other {
                title: String::new(),
                rows: &lower,
                reverse,
                offset,
            };
            shown(&rows(upper), other)
        };
        assert_eq!(pair("CACG", "NNCACG", -2, false), ["  CACG", "NNCACG"]);
        assert_eq!(pair("CACG", "ACG", 1, false), ["CACG", " ACG"]);
        assert_eq!(pair("GGT", "AACCN", -1, true), [" GGT", "NGGTT"]);
    }

    /// `upper` was laid on `lower`; it is `lower` that is turned.
    #[test]
    fn an_alignment_can_be_drawn_from_either_side() {
        let below = |upper, lower, offset, reverse| {
            let (upper, lower) = (rows(upper), rows(lower));
            let other = Other::below(String::new(), &upper, &lower, offset, reverse);
            shown(&upper, other)
        };
        assert_eq!(below("CACG", "NNCACG", 2, false), ["  CACG", "NNCACG"]);
        assert_eq!(below("CACG", "ACG", -1, false), ["CACG", " ACG"]);
        // The other strand of GGT is ACC, which lies at position 1 of AACCN.
        assert_eq!(below("GGT", "AACCN", 1, true), [" GGT", "NGGTT"]);
        assert_eq!(below("GGTTT", "ACC", -2, true), ["GGTTT", "GGT"]);
    }

    #[test]
    fn titles_and_letters_are_in_the_picture() {
        let (a, b) = (rows("ACGT"), rows("CG"));
        let other = |reverse| Other {
            title: "MA1 <X>".into(),
            rows: &b,
            offset: 1,
            reverse,
        };
        let stack = Stack {
            title: "M0, 5 sites".into(),
            rows: &a,
            others: vec![other(false), other(true)],
        };
        let text = aligned_svg(&[stack]);
        assert!(text.contains("M0, 5 sites") && text.contains("MA1 &lt;X&gt;"));
        assert_eq!(text.matches("<use ").count(), 8);
        assert!(aligned_svg(&[]).ends_with("</svg>\n"));
    }
}
