//! Contributions of bases side by side, the hits above them, coordinates, tracks and peaks below.

use super::hits::{self, Placed};
use super::scale::{LEFT, RIGHT, Scale, WIDTH};
use super::{Contributions, DOWN, SMALL, UP, WORDS, rectangle};
use crate::numbers::thousands;
use crate::report::axis::{Axis, shown};
use crate::report::svg::{Svg, fitted, width_of};
use std::ops::Range;

/// Pixels.
const CAPTION: f64 = 24.0;
const STACK: f64 = 130.0;
const BARS: f64 = 76.0;
/// The line of coordinates.
const COORDINATES: f64 = 26.0;
/// A curve below its name.
const TRACK: f64 = 50.0;
const CURVE: f64 = 32.0;
const PEAKS: f64 = 18.0;
/// Between the whole sequence and what is enlarged.
pub(super) const GAP: f64 = 22.0;

/// By code.
const LETTERS: [char; 4] = ['A', 'C', 'G', 'T'];
/// A letter's share of its column.
const LETTER: f64 = 0.93;

const MARKED: &str = "#fdf3d0";
const CURVES: &str = "#7d97b5";
const STRETCHES: &str = "#555555";

pub(super) struct Panel {
    pub scale: Scale,
    pub hits: Vec<Placed>,
    /// Not bars.
    letters: bool,
}

impl Panel {
    pub fn of(plot: &Contributions, bases: Range<usize>, letters: bool) -> Panel {
        let scale = Scale::of(bases);
        Panel {
            hits: hits::placed(plot.hits, &scale),
            scale,
            letters,
        }
    }

    /// Of the contributions alone.
    fn contributions_height(&self) -> f64 {
        if self.letters { STACK } else { BARS }
    }

    pub fn height(&self, plot: &Contributions) -> f64 {
        let peaks = if plot.peaks.is_empty() { 0.0 } else { PEAKS };
        let tracks = plot.tracks.len() as f64 * TRACK;
        let above = CAPTION + hits::height(&self.hits);
        above + self.contributions_height() + COORDINATES + tracks + peaks
    }

    /// Marks what the panel below enlarges.
    pub fn mark(&self, svg: &mut Svg, plot: &Contributions, top: f64, window: &Scale) {
        let [a, b] = [window.bases.start, window.bases.end].map(|base| self.scale.x(base));
        let bottom = top + self.height(plot);
        let top = top + CAPTION + hits::height(&self.hits);
        let (below, right) = (bottom + GAP, window.right());
        svg.push(format_args!(
            "<path fill=\"{MARKED}\" d=\"M{a:.1} {top:.1}H{b:.1}V{bottom:.1}L{right:.1} {below:.1}H{LEFT}L{a:.1} {bottom:.1}Z\"/>"
        ));
    }

    pub fn draw(&self, svg: &mut Svg, plot: &Contributions, top: f64) {
        svg.label((LEFT, top + 12.0), WORDS, "start", &self.caption(plot));
        let mut y = top + CAPTION + hits::height(&self.hits);
        for placed in &self.hits {
            placed.draw(svg, &plot.hits[placed.hit], y);
        }
        self.contributions(svg, plot, y);
        y += self.contributions_height();
        self.coordinates(svg, plot, y);
        y += COORDINATES;
        for (name, values) in plot.tracks {
            self.track(svg, name, values, y);
            y += TRACK;
        }
        let base = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX);
        for &(start, end) in plot.peaks {
            if let Some(peak) = self.scale.clipped(base(start), base(end)) {
                let size = (peak.len() as f64 * self.scale.column, 8.0);
                rectangle(svg, (self.scale.x(peak.start), y + 5.0), size, STRETCHES);
            }
        }
        if !plot.peaks.is_empty() {
            svg.label((LEFT - 6.0, y + 12.5), SMALL, "end", "peaks");
        }
    }

    fn caption(&self, plot: &Contributions) -> String {
        let bases = &self.scale.bases;
        let from = thousands(plot.coordinate(bases.start));
        let to = thousands(plot.coordinate(bases.end) - 1);
        let stretch = match plot.place {
            _ if bases.is_empty() => return "no bases".to_string(),
            Some((chromosome, _)) => format!("{}:{from}-{to}", fitted(chromosome, WORDS, 300.0)),
            None => format!("bases {from} to {to}"),
        };
        let what = match bases.len() < plot.values.len() {
            true => "enlarged, the largest contributions: ",
            false => "",
        };
        format!("{what}{stretch} (coordinates are 1-based)")
    }

    fn contributions(&self, svg: &mut Svg, plot: &Contributions, top: f64) {
        let (scale, height) = (&self.scale, self.contributions_height());
        let finite = |bases: Range<usize>| {
            let values = plot.values[bases].iter().copied();
            values.filter(|value| value.is_finite())
        };
        let axis = Axis::over(finite(scale.bases.clone()).chain([0.0]), false).wider();
        let y = |value: f64| top + (1.0 - axis.share(value)) * height;
        let zero = y(0.0);
        let ticks = axis.ticks();
        // So many that numbers do not touch, counted from 0 on.
        let every = (14.0 * ticks.len() as f64 / height).ceil() as usize;
        let middle = ticks.iter().position(|&tick| tick == 0.0).unwrap_or(0);
        for (place, (&tick, text)) in ticks.iter().zip(shown(&ticks, true)).enumerate() {
            if place.abs_diff(middle).is_multiple_of(every) {
                svg.line((LEFT - 4.0, y(tick)), (LEFT, y(tick)));
                svg.label((LEFT - 6.0, y(tick) + 3.5), SMALL, "end", &text);
            }
        }
        svg.upright_middle((LEFT - 56.0, top + height / 2.0), SMALL, "contribution");
        if self.letters {
            for base in scale.bases.clone() {
                let code = plot.codes.get(base).copied().map(usize::from);
                let letter = code.and_then(|code| LETTERS.get(code));
                if let (Some(letter), Some(value)) = (letter, finite(base..base + 1).next()) {
                    self.letter(svg, *letter, base, (zero, y(value)));
                }
            }
        } else {
            let highest = |bin: &Range<usize>| finite(bin.clone()).fold(0.0, f64::max);
            let lowest = |bin: &Range<usize>| finite(bin.clone()).fold(0.0, f64::min);
            self.bars(svg, zero, UP, |bin| Some(y(highest(bin))));
            self.bars(svg, zero, DOWN, |bin| Some(y(lowest(bin))));
        }
        svg.line((LEFT, top), (LEFT, top + height));
        svg.line((LEFT, zero), (scale.right(), zero));
        let mut known = finite(scale.bases.clone()).peekable();
        if known.peek().is_some() && known.all(|value| value == 0.0) {
            let at = (LEFT + 10.0, zero - 8.0);
            svg.label(at, WORDS, "start", "all contributions are 0");
        }
    }

    /// From a line to `y`, upside down below the line.
    fn letter(&self, svg: &mut Svg, letter: char, base: usize, (line, y): (f64, f64)) {
        if seen(line, y) {
            svg.push(format_args!(
                "<use href=\"#cisgrad-{letter}\" transform=\"translate({:.2} {y:.2}) scale({:.4} {:.5})\"/>",
                self.scale.x(base),
                self.scale.column * LETTER / 100.0,
                (line - y) / 100.0
            ));
        }
    }

    /// Bars from a line to `y` of each bin; one path, so that there are no seams between them.
    fn bars(
        &self,
        svg: &mut Svg,
        line: f64,
        color: &str,
        y: impl Fn(&Range<usize>) -> Option<f64>,
    ) {
        let mut path = String::new();
        for bin in self.scale.bins() {
            if let Some(y) = y(&bin).filter(|&y| seen(line, y)) {
                let (from, to) = (self.scale.x(bin.start), self.scale.x(bin.end));
                path += &format!("M{from:.1} {line:.1}V{y:.1}H{to:.1}V{line:.1}Z");
            }
        }
        if !path.is_empty() {
            svg.push(format_args!("<path fill=\"{color}\" d=\"{path}\"/>"));
        }
    }

    /// Round coordinates, below the middles of their bases.
    fn coordinates(&self, svg: &mut Svg, plot: &Contributions, top: f64) {
        let (bases, column) = (&self.scale.bases, self.scale.column);
        let widest = width_of(&thousands(plot.coordinate(bases.end)), SMALL);
        let mut steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u128.pow(power)));
        let room = |step: &u128| *step as f64 * column >= widest + 30.0;
        let step = steps.find(room).unwrap_or(1);
        svg.line((LEFT, top + 4.0), (self.scale.right(), top + 4.0));
        for base in bases.clone() {
            let number = plot.coordinate(base);
            if number.is_multiple_of(step) {
                let (x, text) = (self.scale.x(base) + column / 2.0, thousands(number));
                svg.line((x, top + 4.0), (x, top + 9.0));
                // Not beyond the picture's edge.
                let x = x.min(WIDTH - 4.0 - width_of(&text, SMALL) / 2.0);
                svg.label((x, top + 20.0), SMALL, "middle", &text);
            }
        }
    }

    /// The mean of each bin, on the scale of the whole sequence; what is not a number is left out.
    fn track(&self, svg: &mut Svg, name: &str, values: &[f32], top: f64) {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let low = f64::from(finite.clone().fold(0.0, f32::min));
        let high = f64::from(finite.fold(0.0, f32::max));
        let high = if high > low { high } else { low + 1.0 };
        let name = fitted(name, SMALL, RIGHT - LEFT);
        svg.label((LEFT + 4.0, top + 12.0), SMALL, "start", &name);
        let (top, bottom) = (top + TRACK - CURVE, top + TRACK - 2.0);
        let three_digits = |number: f64| format!("{number:.2e}").parse().unwrap_or(number);
        let ends = shown(&[low, high].map(three_digits), false);
        for (y, text) in [bottom, top + 6.0].into_iter().zip(&ends) {
            svg.label((LEFT - 6.0, y), SMALL, "end", text);
        }
        let y = |value: f64| bottom - (value - low) / (high - low) * (bottom - top);
        self.bars(svg, y(0.0), CURVES, |bin| {
            let values = values.get(bin.clone())?.iter();
            let finite: Vec<f64> = values
                .filter(|value| value.is_finite())
                .map(|&value| f64::from(value))
                .collect();
            (!finite.is_empty()).then(|| y(finite.iter().sum::<f64>() / finite.len() as f64))
        });
        svg.line((LEFT, top), (LEFT, bottom));
        svg.line((LEFT, y(0.0)), (self.scale.right(), y(0.0)));
    }
}

/// What is drawn from one height to another can be seen.
fn seen(line: f64, y: f64) -> bool {
    (y - line).abs() >= 0.05
}
