//! Sequence logos.

use super::svg::Svg;
use crate::dna::motif::{information, reverse_complement};

/// Probabilities of a motif, a row of A, C, G, T a position.
pub type Rows = [[f64; 4]];

/// Letters that fill a square of 100 by 100, y down, in the customary colors; each is drawn by its name.
pub(super) const SYMBOLS: &str = "<defs>\
<path id=\"cisgrad-A\" fill=\"#109648\" fill-rule=\"evenodd\" d=\"M0 100L38 0H62L100 100H78L69.500 76H30.500L22 100ZM36.500 58H63.500L50 19Z\"/>\
<path id=\"cisgrad-C\" fill=\"#255c99\" fill-rule=\"evenodd\" d=\"M100 64C97 87 79 100 54 100C20 100 0 80 0 50C0 20 20 0 54 0C79 0 96 12 99 34L77 37C74 24 66 18 54 18C34 18 22 30 22 50C22 70 34 82 54 82C67 82 75 75 77 61Z\"/>\
<path id=\"cisgrad-G\" fill=\"#f7b32b\" fill-rule=\"evenodd\" d=\"M100 46V87C89 96 73 100 56 100C21 100 0 80 0 50C0 20 21 0 56 0C80 0 95 11 99 32L77 36C75 24 67 18 56 18C35 18 22 30 22 50C22 70 35 82 56 82C66 82 74 80 79 76V63H55V46Z\"/>\
<path id=\"cisgrad-T\" fill=\"#d62839\" fill-rule=\"evenodd\" d=\"M0 0H100V18H61V100H39V18H0Z\"/></defs>";

/// The names' last letters, by base.
const NAMES: [char; 4] = ['A', 'C', 'G', 'T'];

/// A letter's share of its column.
const LETTER: f64 = 13.0 / 14.0;

/// Pixels: a position's width, and the height of 2 bits.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub column: f64,
    pub height: f64,
}

const SIZE: Size = Size {
    column: 14.0,
    height: 80.0,
};
/// Pixels.
const MARGIN: f64 = 34.0;
const TITLE: f64 = 22.0;

/// A motif as given and, beside it, reverse complemented.
///
/// A stack is as high as its position's information, 2 + Σ p log2 p bits (no correction for few sites), and each letter has
/// its probability's share of it, the likeliest on top. The axes go from 0 to 2 bits and from position 1 on.
pub fn logo_svg(title: &str, rows: &Rows) -> String {
    if rows.is_empty() {
        let mut svg = Svg::new(2.0 * MARGIN + letters_of(title), 2.0 * TITLE);
        svg.label((MARGIN, TITLE), 12.0, "start", title);
        return svg.finish();
    }
    let strand = MARGIN + rows.len() as f64 * SIZE.column;
    let line = TITLE + SIZE.height + TITLE;
    let mut svg = with_letters(2.0 * strand + MARGIN, line + TITLE);
    svg.label((MARGIN, TITLE + 12.0), 12.0, "start", title);
    let reverse = reverse_complement(rows);
    let right = MARGIN + strand;
    svg.label((right, TITLE + 12.0), 12.0, "start", "reverse complement");
    for (rows, left) in [(rows, MARGIN), (&reverse, right)] {
        let top = 2.0 * TITLE;
        axis(&mut svg, (left, top), SIZE.height);
        letters(&mut svg, rows, (left + 1.0, top), SIZE);
        positions(
            &mut svg,
            rows.len(),
            1,
            (left + 1.0, top + SIZE.height),
            SIZE,
        );
    }
    svg.finish()
}

/// A motif in a grid.
pub struct Cell<'a> {
    /// Up to two lines above it.
    pub titles: [String; 2],
    pub rows: &'a Rows,
    /// The number of its first position.
    pub first: usize,
}

/// Pixels.
const CELL: Size = Size {
    column: 11.0,
    height: 48.0,
};
const ACROSS: usize = 4;
const CELL_TITLE: f64 = 28.0;
const FOOT: f64 = 20.0;
/// Of a letter of a title.
const TITLE_LETTER: f64 = 6.0;

/// Many motifs, four side by side. `foot`: a last line.
pub fn logo_grid_svg(title: &str, cells: &[Cell], foot: &str) -> String {
    let longest = cells.iter().map(|cell| cell.rows.len()).max().unwrap_or(0);
    let titles = cells.iter().flat_map(|cell| &cell.titles);
    let widest = titles.map(|title| letters_of(title)).fold(0.0, f64::max);
    let width = MARGIN + (longest as f64 * CELL.column).max(widest) + FOOT;
    let height = CELL_TITLE + CELL.height + FOOT + 8.0;
    let across = cells.len().clamp(1, ACROSS);
    let head = 2.0 * TITLE;
    let down = cells.len().div_ceil(across);
    let mut svg = with_letters(
        (across as f64 * width + FOOT).max(letters_of(title.max(foot)) + 2.0 * MARGIN),
        head + down as f64 * height + 2.0 * FOOT,
    );
    svg.label((MARGIN, TITLE), 13.0, "start", title);
    for (place, cell) in cells.iter().enumerate() {
        let left = MARGIN + (place % across) as f64 * width;
        let top = head + (place / across) as f64 * height;
        for (line, title) in cell.titles.iter().enumerate() {
            svg.label((left, top + 12.0 * (line + 1) as f64), 11.0, "start", title);
        }
        let logo = (left, top + CELL_TITLE);
        axis(&mut svg, logo, CELL.height);
        letters(&mut svg, cell.rows, (left + 1.0, logo.1), CELL);
        let bottom = logo.1 + CELL.height;
        positions(
            &mut svg,
            cell.rows.len(),
            cell.first,
            (left + 1.0, bottom),
            CELL,
        );
    }
    if !foot.is_empty() {
        let y = head + down as f64 * height + FOOT;
        svg.label((MARGIN, y), 11.0, "start", foot);
    }
    svg.finish()
}

fn letters_of(text: &str) -> f64 {
    text.chars().count() as f64 * TITLE_LETTER
}

/// The numbers of the first position and of every fifth, below a logo.
fn positions(svg: &mut Svg, count: usize, first: usize, (left, bottom): (f64, f64), size: Size) {
    for place in 0..count {
        let number = first + place;
        if place == 0 || number.is_multiple_of(5) {
            let x = left + (place as f64 + 0.5) * size.column;
            svg.label((x, bottom + 11.0), 9.0, "middle", &number.to_string());
        }
    }
}

/// A picture in which letters can be drawn.
pub(super) fn with_letters(width: f64, height: f64) -> Svg {
    let mut svg = Svg::new(width, height);
    svg.push(format_args!("{SYMBOLS}"));
    svg
}

/// The axis of 0 to 2 bits, its upper end at `at`.
pub(super) fn axis(svg: &mut Svg, (left, top): (f64, f64), height: f64) {
    let bottom = top + height;
    svg.line((left, top), (left, bottom));
    svg.upright_middle((left - 18.0, top + height / 2.0), 9.0, "bits");
    for bits in 0..=2 {
        let y = bottom - f64::from(bits) * height / 2.0;
        svg.line((left - 4.0, y), (left, y));
        svg.label((left - 6.0, y + 3.5), 10.0, "end", &bits.to_string());
    }
}

/// The stacks of a motif; `at`: the left upper corner.
pub(super) fn letters(svg: &mut Svg, rows: &Rows, (left, top): (f64, f64), size: Size) {
    for (column, row) in rows.iter().enumerate() {
        let x = left + column as f64 * size.column;
        let mut y = top + size.height;
        for (letter, bits) in stack(row) {
            let height = bits * size.height / 2.0;
            y -= height;
            svg.push(format_args!(
                "<use href=\"#cisgrad-{}\" transform=\"translate({x:.2} {y:.2}) scale({:.4} {:.5})\"/>",
                NAMES[letter],
                size.column * LETTER / 100.0,
                height / 100.0
            ));
        }
    }
}

/// A position's letters from the bottom up with their heights in bits, those too small to see left out.
fn stack(row: &[f64; 4]) -> Vec<(usize, f64)> {
    const SEEN: f64 = 0.01;
    let bits = information(row);
    let mut letters: Vec<(usize, f64)> = row.iter().map(|p| p * bits).enumerate().collect();
    letters.retain(|&(_, height)| height >= SEEN);
    letters.sort_by(|a, b| a.1.total_cmp(&b.1));
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_shares_of_the_information() {
        assert_eq!(stack(&[0.0, 0.0, 1.0, 0.0]), [(2, 2.0)]);
        assert_eq!(stack(&[0.5, 0.0, 0.0, 0.5]), [(0, 0.5), (3, 0.5)]);
        assert!(stack(&[0.25; 4]).is_empty());
        // 2 + 0.75 log2 0.75 + 0.25 log2 0.25 = 1.188722.
        let found = stack(&[0.0, 0.25, 0.75, 0.0]);
        assert_eq!((found[0].0, found[1].0), (1, 2));
        assert!((found[1].1 - 0.75 * 1.188_721_875_540_867).abs() < 1e-12);
    }

    #[test]
    fn both_strands_are_drawn_with_paths_alone() {
        let rows = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.25; 4]];
        let text = logo_svg("M0, 5 sites", &rows);
        let drawn = |letter| text.matches(&format!("#cisgrad-{letter}\"")).count();
        // A and C on the strand as given, G and T on the other.
        assert_eq!(NAMES.map(drawn), [1; 4]);
        assert_eq!(text.matches(SYMBOLS).count(), 1);
        assert!(text.contains("M0, 5 sites") && text.contains("reverse complement"));
        // A full letter is 80 pixels high, from the top of its axis.
        assert!(
            text.contains("translate(35.00 44.00) scale(0.1300 0.80000)"),
            "{text}"
        );
        assert!(text.contains(">1</text>"));
        assert!(logo_svg("", &[]).ends_with("</svg>\n"));
    }

    #[test]
    fn a_grid_has_a_cell_for_each_motif() {
        let rows = [[1.0, 0.0, 0.0, 0.0]; 6];
        let cell = || Cell {
            titles: ["M<0".into(), "a name that is longer than the logo".into()],
            rows: &rows,
            first: 3,
        };
        let cells: Vec<Cell> = (0..5).map(|_| cell()).collect();
        let text = logo_grid_svg("logos", &cells, "Without sites: M5");
        assert_eq!(text.matches("#cisgrad-A\"").count(), 30);
        assert!(text.contains("M&lt;0") && text.contains("Without sites: M5"));
        // Positions 3, and 5: not 8.
        let numbers = |n: &str| text.matches(&format!(">{n}</text>")).count();
        assert_eq!([numbers("3"), numbers("5"), numbers("10")], [5, 5, 0]);
        assert_eq!(text.matches(">bits<").count(), 5);
        assert!(logo_grid_svg("", &[], "").ends_with("</svg>\n"));
    }
}
