//! The first motifs of each output: name, logo, and the weight as a bar.

use super::logo::{Rows, Size, letters, with_letters};
use super::svg::{Svg, fitted, shortened, width_of};

/// Pixels.
const LINE: f64 = 44.0;
const LOGO: Size = Size {
    column: 9.0,
    height: 34.0,
};
/// Wider motifs are drawn with narrower columns.
const LOGO_WIDTH: f64 = 150.0;
/// The column of names has as much space as they need, from here on.
const NAME_WIDTH: f64 = 130.0;
/// From the smallest to the largest weight.
const BAR_WIDTH: f64 = 70.0;
const GAP: f64 = 12.0;
const MARGIN: f64 = 20.0;
const HEAD: f64 = 34.0;
/// Letters of a name, the others are left out.
const NAME_LETTERS: usize = 28;
const NAME: f64 = 12.0;
const ID: f64 = 9.0;
const NUMBER: f64 = 10.0;
const HEADING: f64 = 14.0;
const TITLE: f64 = 13.0;
/// Between a bar and its number.
const BESIDE: f64 = 5.0;
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

/// What all panels share.
struct Columns {
    names: f64,
    numbers: f64,
    bars: Bars,
}

impl Columns {
    fn of(panels: &[Panel]) -> Columns {
        let lines = || panels.iter().flat_map(|panel| &panel.lines);
        let widest = |widths: &mut dyn Iterator<Item = f64>| widths.fold(0.0, f64::max);
        let names = widest(
            &mut lines()
                .map(|line| width_of(&ranked_name(line), NAME).max(width_of(&shown_id(line), ID))),
        );
        let number = |line: &Line| width_of(&shown_weight(line.weight), NUMBER);
        Columns {
            names: names.max(NAME_WIDTH),
            numbers: BESIDE + widest(&mut lines().map(number)),
            bars: Bars::over(lines().map(|line| line.weight)),
        }
    }

    fn panel(&self) -> f64 {
        self.names + LOGO_WIDTH + BAR_WIDTH + self.numbers + 4.0 * GAP
    }
}

/// Three outputs side by side; all bars on one scale, negative weights to the left of the line of 0.
pub fn ranking_svg(title: &str, panels: &[Panel]) -> String {
    let across = panels.len().clamp(1, ACROSS);
    let longest = panels.iter().map(|panel| panel.lines.len()).max();
    let height = HEAD + longest.unwrap_or(0) as f64 * LINE + GAP;
    let columns = Columns::of(panels);
    let width = columns.panel();
    let down = panels.len().div_ceil(across);
    let mut svg = with_letters(
        (MARGIN + across as f64 * (width + MARGIN)).max(2.0 * MARGIN + width_of(title, TITLE)),
        HEAD + down as f64 * height + MARGIN,
    );
    svg.label((MARGIN, 24.0), TITLE, "start", title);
    for (place, panel) in panels.iter().enumerate() {
        let left = MARGIN + (place % across) as f64 * (width + MARGIN);
        let top = HEAD + (place / across) as f64 * height;
        draw(&mut svg, panel, (left, top), &columns);
    }
    svg.finish()
}

fn ranked_name(line: &Line) -> String {
    format!("{}  {}", line.rank, shortened(line.name, NAME_LETTERS))
}

/// The identifier, where it says more than the name.
fn shown_id(line: &Line) -> String {
    match line.id == line.name {
        true => String::new(),
        false => shortened(line.id, NAME_LETTERS),
    }
}

/// Three digits, whatever the size.
fn shown_weight(weight: f64) -> String {
    match weight.abs() {
        0.0 => "0".to_string(),
        size if (0.01..1000.0).contains(&size) => format!("{weight:.3}"),
        _ => format!("{weight:.2e}"),
    }
}

fn draw(svg: &mut Svg, panel: &Panel, (left, top): (f64, f64), columns: &Columns) {
    let scale = &columns.bars;
    let heading = fitted(panel.title, HEADING, columns.panel());
    svg.bold((left, top + 18.0), HEADING, &heading);
    let logo_left = left + columns.names + GAP;
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
        svg.label((left, middle), NAME, "start", &ranked_name(line));
        let id = shown_id(line);
        if !id.is_empty() {
            svg.label((left, middle + 13.0), ID, "start", &id);
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
        let at = zero.max(end) + BESIDE;
        svg.label(
            (at, middle + 4.0),
            NUMBER,
            "start",
            &shown_weight(line.weight),
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
        (number - self.low) / (self.high - self.low) * BAR_WIDTH
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
    fn no_name_runs_into_a_logo_and_no_number_into_the_next_panel() {
        let line = |weight| Line {
            rank: 12,
            name: "ZN302.H13CORE.0.P.B",
            id: "Hivep1+M6544_1.02+I and more than that",
            rows: Some(&[[1.0, 0.0, 0.0, 0.0]; 4]),
            weight,
        };
        let title = "an output of a long name ".repeat(9);
        let panels: Vec<Panel> = [0.000_123, -1_234_567.0, 0.5]
            .map(|weight| Panel {
                title: &title,
                lines: vec![line(weight)],
            })
            .into();
        let columns = Columns::of(&panels);
        assert!(columns.names >= width_of("12  ZN302.H13CORE.0.P.B", NAME));
        let text = ranking_svg("", &panels);
        for shown in [">1.23e-4<", ">-1.23e6<", ">0.500<", "…<"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        assert!(!text.contains(&title));
        let letters = (columns.panel() / width_of("x", HEADING)) as usize;
        assert!(text.contains(&fitted(&title, HEADING, columns.panel())) && letters > 40);
        assert_eq!([0.0, -0.0].map(shown_weight), ["0", "0"]);
    }

    #[test]
    fn long_names_and_nothing_at_all_are_no_trouble() {
        assert_eq!(shortened("FOS::JUN", NAME_LETTERS), "FOS::JUN");
        assert_eq!(shortened(&"x".repeat(30), 20).chars().count(), 20);
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
