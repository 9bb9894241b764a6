//! What each base of a sequence contributes to a prediction, with named stretches, tracks and peaks.

mod hits;
mod panel;
mod scale;

use super::logo::with_letters;
use super::svg::{Svg, fitted, width_of};
use crate::numbers::{counted, is_or_are};
use panel::{GAP, Panel};
use scale::{LEFT, RIGHT, WIDTH};
use std::ops::Range;

/// Pixels.
const HEAD: f64 = 56.0;
const FOOT: f64 = 26.0;
const TITLE: f64 = 15.0;
/// Of letters of captions, and of names and numbers.
const WORDS: f64 = 12.0;
const SMALL: f64 = 10.0;

/// Bases that are drawn as letters where these are all; of a longer sequence, those of the window.
const MOST: usize = 160;
const WINDOW: usize = 120;

/// Of what is above zero and below.
const UP: &str = "#b2182b";
const DOWN: &str = "#2166ac";

/// An explained sequence of L bases.
pub struct Contributions<'a> {
    pub title: &'a str,
    /// Under the title: what is drawn (output, method, prediction).
    pub subtitle: &'a str,
    /// (L) base codes 0 to 3, 4 none, which has no letter.
    pub codes: &'a [u8],
    /// (L) contribution of the base that is there; what is not a number is not drawn.
    pub values: &'a [f64],
    /// Chromosome and 0-based start of the sequence, where it has a place.
    pub place: Option<(&'a str, u64)>,
    pub hits: &'a [Hit],
    /// Names and (L) values.
    pub tracks: &'a [(String, Vec<f32>)],
    /// Stretches of the sequence, 0-based and half-open; they may reach beyond it.
    pub peaks: &'a [(i64, i64)],
}

/// A named stretch of the sequence, 0-based and half-open.
pub struct Hit {
    pub start: usize,
    pub end: usize,
    pub name: String,
    /// '+' or '-', anything else where there is none.
    pub strand: char,
    pub importance: f64,
}

impl Contributions<'_> {
    /// 1-based, on the chromosome or else within the sequence.
    fn coordinate(&self, base: usize) -> u128 {
        let start = self.place.map_or(0, |(_, start)| start);
        u128::from(start) + base as u128 + 1
    }
}

/// A row of letters as high as their contributions, those below zero upside down; above it the hits, below it tracks and
/// peaks.
///
/// Of a sequence that is too long for letters, bars of all contributions and, below them, the letters of the window with the largest
/// sum of |contribution|, each on a scale of its own. Hits lie in lanes, the most important nearest to the letters; those for which there is
/// no room are counted in the last line. A track has one scale in the whole picture.
pub fn contributions_svg(plot: &Contributions) -> String {
    let all = 0..plot.values.len();
    let panels = match all.len() <= MOST {
        true => vec![Panel::of(plot, all, true)],
        false => vec![
            Panel::of(plot, all, false),
            Panel::of(plot, strongest(plot.values), true),
        ],
    };
    let heights: f64 = panels.iter().map(|panel| panel.height(plot) + GAP).sum();
    let height = HEAD + heights - GAP + FOOT;
    let mut svg = with_letters(WIDTH, height);
    head(&mut svg, plot);
    let mut top = HEAD;
    if let [whole, window] = &panels[..] {
        whole.mark(&mut svg, plot, top, &window.scale);
    }
    for panel in &panels {
        panel.draw(&mut svg, plot, top);
        top += panel.height(plot) + GAP;
    }
    let without = without_room(plot, &panels);
    if without > 0 {
        let (hits, are) = (counted(without, "hit"), is_or_are(without));
        let note = format!("{hits} of less importance {are} not drawn: no room");
        svg.label((LEFT, height - 10.0), SMALL, "start", &note);
    }
    svg.finish()
}

/// The window whose contributions have the largest sum of sizes, the first of several; moved so that what is strong lies in its middle,
/// where that costs little of the sum.
fn strongest(values: &[f64]) -> Range<usize> {
    const KEPT: f64 = 0.95;
    let size = |value: &f64| if value.is_finite() { value.abs() } else { 0.0 };
    let sum = |start: usize| values[start..start + WINDOW].iter().map(size).sum::<f64>();
    let mut best = (f64::NEG_INFINITY, 0);
    for (start, window) in values.windows(WINDOW).enumerate() {
        let sum: f64 = window.iter().map(size).sum();
        if sum > best.0 {
            best = (sum, start);
        }
    }
    let (largest, start) = best;
    let sizes = values[start..start + WINDOW].iter().map(size);
    let moment: f64 = sizes.enumerate().map(|(i, x)| i as f64 * x).sum();
    let middle = match largest > 0.0 {
        true => start + (moment / largest) as usize,
        false => start + WINDOW / 2,
    };
    let moved = middle.saturating_sub(WINDOW / 2).min(values.len() - WINDOW);
    let start = if sum(moved) >= KEPT * largest {
        moved
    } else {
        start
    };
    start..start + WINDOW
}

/// How many hits of the sequence are in no panel.
fn without_room(plot: &Contributions, panels: &[Panel]) -> usize {
    let mut drawn = vec![false; plot.hits.len()];
    for placed in panels.iter().flat_map(|panel| &panel.hits) {
        drawn[placed.hit] = true;
    }
    let inside = |hit: &Hit| hit.start < hit.end.min(plot.values.len());
    let hits = plot.hits.iter().zip(drawn);
    hits.filter(|(hit, drawn)| !drawn && inside(hit)).count()
}

fn head(svg: &mut Svg, plot: &Contributions) {
    svg.bold(
        (LEFT, 22.0),
        TITLE,
        &fitted(plot.title, TITLE, RIGHT - LEFT),
    );
    let mut right = RIGHT;
    for (color, text) in [(DOWN, "lowers it"), (UP, "raises the prediction")] {
        right -= width_of(text, WORDS);
        svg.label((right, 42.0), WORDS, "start", text);
        rectangle(svg, (right - 14.0, 32.0), (10.0, 10.0), color);
        right -= 30.0;
    }
    let subtitle = fitted(plot.subtitle, WORDS, right - LEFT);
    svg.label((LEFT, 42.0), WORDS, "start", &subtitle);
}

fn rectangle(svg: &mut Svg, (x, y): (f64, f64), (width, height): (f64, f64), color: &str) {
    svg.push(format_args!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{color}\"/>"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: Contributions = Contributions {
        title: "t",
        subtitle: "s",
        codes: &[],
        values: &[],
        place: None,
        hits: &[],
        tracks: &[],
        peaks: &[],
    };

    fn hit(start: usize, end: usize, name: &str) -> Hit {
        Hit {
            start,
            end,
            name: name.to_string(),
            strand: '+',
            importance: 1.0,
        }
    }

    /// The places and sizes of letters.
    fn letters(text: &str) -> Vec<&str> {
        let found = text.split("<use href=\"#cisgrad-").skip(1);
        found.filter_map(|rest| rest.split("\"/>").next()).collect()
    }

    #[test]
    fn letters_stand_on_zero_or_hang_from_it() {
        let text = contributions_svg(&Contributions {
            codes: &[0, 3, 4, 2, 1],
            values: &[1.0, -1.0, 1.0, 0.0, f64::NAN],
            ..EMPTY
        });
        // From 80 to 210, of which 4 % on both ends are empty: zero at 145, one 65 / 1.08 above it.
        assert_eq!(
            letters(&text),
            [
                "A\" transform=\"translate(74.00 84.81) scale(0.1860 0.60185)",
                "T\" transform=\"translate(94.00 205.19) scale(0.1860 -0.60185)"
            ]
        );
        assert!(text.contains(">bases 1 to 5 (coordinates are 1-based)<"));
        assert!(text.contains(">0.5<") && text.contains(">-1.0<"));
    }

    #[test]
    fn of_a_long_sequence_the_strongest_window_is_enlarged() {
        let mut values = vec![0.01; 1000];
        values[600] = -2.0;
        values[650] = 1.0;
        values[100] = 1.5;
        let codes = vec![0; 1000];
        let plot = Contributions {
            codes: &codes,
            values: &values,
            place: Some(("chr<7>", 9_999)),
            peaks: &[(-20, 500), (i64::MIN, 0), (900, i64::MAX)],
            hits: &[hit(98, 104, "A & B"), hit(598, 606, "C")],
            tracks: &[("DNase".to_string(), vec![40.0; 1000])],
            ..EMPTY
        };
        let window = strongest(&values);
        assert!(window.start < 580 && window.end > 665, "{window:?}");
        let text = contributions_svg(&plot);
        assert_eq!(letters(&text).len(), 120);
        assert!(text.contains(">chr&lt;7&gt;:10,000-10,999 (coordinates are 1-based)<"));
        assert!(text.contains("contributions: chr&lt;7&gt;:10,549-10,668 ("));
        let count = |what: &str| text.matches(what).count();
        // The window and both panels' parts of peaks, tracks and hits: the first hit lies before the window.
        assert_eq!(count("#fdf3d0"), 1);
        assert_eq!(count("fill=\"#555555\""), 2);
        assert_eq!([count(">DNase<"), count(">40<")], [2, 2]);
        assert_eq!([count(">A &amp; B<"), count(">C<")], [1, 2]);
        assert!(!text.contains("not drawn"));
    }

    #[test]
    fn hits_without_room_are_counted() {
        let mut hits: Vec<Hit> = (0..7).map(|i| hit(2, 8, &format!("TF{i}"))).collect();
        hits.push(hit(40, 50, "beyond the sequence"));
        let plot = |hits| Contributions {
            codes: &[1; 20],
            values: &[0.5; 20],
            hits,
            ..EMPTY
        };
        let text = contributions_svg(&plot(&hits));
        assert!(text.contains(">TF3<") && !text.contains(">TF4<"));
        assert!(text.contains(">3 hits of less importance are not drawn: no room<"));
        let text = contributions_svg(&plot(&hits[..5]));
        assert!(text.contains(">1 hit of less importance is not drawn: no room<"));
    }

    #[test]
    fn nothing_to_show_is_still_a_picture() {
        let nan = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 0.0];
        let empty_track = [("short".to_string(), vec![f32::NAN; 2])];
        for (values, zero) in [
            (&[][..], false),
            (&[0.0], true),
            (&[0.0; 500], true),
            (&nan, false),
            (&[f64::NAN; 400], false),
        ] {
            let text = contributions_svg(&Contributions {
                values,
                codes: &[0; 3],
                place: Some(("chr1", u64::MAX)),
                tracks: &empty_track,
                ..EMPTY
            });
            assert!(text.ends_with("</svg>\n"));
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            assert_eq!(text.contains("all contributions are 0"), zero);
        }
    }
}
