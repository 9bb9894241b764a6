//! The first motifs of each output: name, logo, and the weight as a bar.

use super::logo::{Rows, Size, letters, with_letters};
use super::svg::Svg;

/// Pixels.
const LINE: f64 = 44.0;
const LOGO: Size = Size {
    column: 9.0,
    height: 34.0,
};
/// Wider motifs are drawn with narrower columns.
const LOGO_WIDTH: f64 = 150.0;
const NAME_WIDTH: f64 = 130.0;
const BAR_WIDTH: f64 = 110.0;
const GAP: f64 = 12.0;
const MARGIN: f64 = 20.0;
const HEAD: f64 = 34.0;
/// Letters of a name that fit above the bar's column.
const NAME_LETTERS: usize = 20;
/// Outputs side by side.
const ACROSS: usize = 3;

/// The ranking of one output.
pub struct Panel<'a> {
    pub title: &'a str,
    /// Best first.
    pub lines: Vec<Line<'a>>,
}

/// A motif in a ranking.
pub struct Line<'a> {
    pub rank: usize,
    pub name: &'a str,
    /// In small letters below the name.
    pub id: &'a str,
    /// None: there is no logo to draw.
    pub rows: Option<&'a Rows>,
    pub weight: f64,
}

/// Three outputs side by side; all bars on one scale, negative weights to the left of the line of 0.
pub fn ranking_svg(title: &str, panels: &[Panel]) -> String {
    let across = panels.len().clamp(1, ACROSS);
    let longest = panels.iter().map(|panel| panel.lines.len()).max();
    let height = HEAD + longest.unwrap_or(0) as f64 * LINE + GAP;
    let width = NAME_WIDTH + LOGO_WIDTH + BAR_WIDTH + 4.0 * GAP;
    let down = panels.len().div_ceil(across);
    let mut svg = with_letters(
        MARGIN + across as f64 * (width + MARGIN),
        HEAD + down as f64 * height + MARGIN,
    );
    svg.label((MARGIN, 24.0), 13.0, "start", title);
    let weights = panels.iter().flat_map(|panel| &panel.lines);
    let weights = weights.map(|line| line.weight);
    let scale = Bars::over(weights);
    for (place, panel) in panels.iter().enumerate() {
        let left = MARGIN + (place % across) as f64 * (width + MARGIN);
        let top = HEAD + (place / across) as f64 * height;
        draw(&mut svg, panel, (left, top), &scale);
    }
    svg.finish()
}

fn draw(svg: &mut Svg, panel: &Panel, (left, top): (f64, f64), scale: &Bars) {
    svg.bold((left, top + 18.0), 14.0, panel.title);
    let logo_left = left + NAME_WIDTH + GAP;
    let bar_left = logo_left + LOGO_WIDTH + GAP;
    let zero = bar_left + scale.at(0.0);
    let first = top + HEAD - 6.0;
    svg.line(
        (zero, first),
        (zero, first + panel.lines.len() as f64 * LINE),
    );
    for (place, line) in panel.lines.iter().enumerate() {
        let top = first + place as f64 * LINE;
        let middle = top + LINE / 2.0;
        let name = format!("{}  {}", line.rank, shortened(line.name));
        svg.label((left, middle), 12.0, "start", &name);
        if line.id != line.name {
            svg.label((left, middle + 13.0), 9.0, "start", &shortened(line.id));
        }
        if let Some(rows) = line.rows {
            let column = LOGO.column.min(LOGO_WIDTH / rows.len().max(1) as f64);
            letters(
                svg,
                rows,
                (logo_left, top + (LINE - LOGO.height) / 2.0),
                Size { column, ..LOGO },
            );
        }
        let end = bar_left + scale.at(line.weight);
        svg.push(format_args!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\" fill=\"{}\"/>",
            zero.min(end),
            middle - 7.0,
            (end - zero).abs(),
            if line.weight < 0.0 {
                "#2357a0"
            } else {
                "#b22834"
            }
        ));
        let at = zero.max(end) + 5.0;
        svg.label(
            (at, middle + 4.0),
            10.0,
            "start",
            &format!("{:.3}", line.weight),
        );
    }
}

/// Where the end of a bar lies.
struct Bars {
    low: f64,
    high: f64,
}

impl Bars {
    /// From the smallest number, or 0, to the largest, or 0.
    fn over(numbers: impl Iterator<Item = f64>) -> Bars {
        let (mut low, mut high) = (0.0f64, 0.0f64);
        for x in numbers.filter(|x| x.is_finite()) {
            low = low.min(x);
            high = high.max(x);
        }
        if low == high {
            high = 1.0;
        }
        Bars { low, high }
    }

    /// Pixels from the left end; the number that stands behind a bar has its place beside the longest.
    fn at(&self, number: f64) -> f64 {
        const NUMBER: f64 = 40.0;
        (number - self.low) / (self.high - self.low) * (BAR_WIDTH - NUMBER)
    }
}

/// What fits into the column of names.
fn shortened(name: &str) -> String {
    match name.chars().count() > NAME_LETTERS {
        true => name.chars().take(NAME_LETTERS - 1).chain(['…']).collect(),
        false => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_share_a_scale_and_a_line_of_zero() {
        let line = |rank, name, weight| Line {
            rank,
            name,
            id: "MA0001.1",
            rows: Some(&[[1.0, 0.0, 0.0, 0.0]; 4]),
            weight,
        };
        let panels = [
            Panel {
                title: "K562",
                lines: vec![line(1, "GATA1", 1.5), line(2, "TAL1", -0.5)],
            },
            Panel {
                title: "a<b",
                lines: vec![line(1, "SPI1", 0.75)],
            },
        ];
        let text = ranking_svg("weights", &panels);
        let widths: Vec<f64> = text
            .split("height=\"14\"")
            .filter_map(|part| {
                part.rsplit("width=\"")
                    .next()?
                    .split('"')
                    .next()?
                    .parse()
                    .ok()
            })
            .collect();
        // 70 pixels are from -0.5 to 1.5.
        assert_eq!(widths[..3], [52.5, 17.5, 26.2]);
        assert!(text.contains("1  GATA1") && text.contains("a&lt;b"));
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn long_names_and_nothing_at_all_are_no_trouble() {
        assert_eq!(shortened("FOS::JUN"), "FOS::JUN");
        assert_eq!(shortened(&"x".repeat(30)).chars().count(), 20);
        let line = Line {
            rank: 1,
            name: "m",
            id: "m",
            rows: None,
            weight: 0.0,
        };
        let panels = [Panel {
            title: "one",
            lines: vec![line],
        }];
        assert!(!ranking_svg("", &panels).contains("NaN"));
        assert!(ranking_svg("", &[]).ends_with("</svg>\n"));
    }
}
