//! Lines over one axis, the named ones with their names at their ends.

use super::axis::{Axis, shown};
use super::svg::{Svg, shortened, width_of};

/// Pixels.
const SIZE: (f64, f64) = (960.0, 540.0);
const LEFT: f64 = 80.0;
const RIGHT: f64 = 100.0;
const LETTER: f64 = 6.6;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 56.0;
const LABEL: f64 = 13.0;
const TITLE: f64 = 15.0;
/// The axes' names.
const NAME: f64 = 12.0;
/// Letters of a line's name, the others are left out.
const NAME_LETTERS: usize = 60;
/// As in matplotlib's table of ten, without its grey.
const COLOURS: [&str; 9] = [
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#bcbd22",
    "#17becf",
];
const OTHERS: &str = "#c4c4c4";

/// Values at every place of the chart's x.
pub struct Line {
    /// Lines without a name are drawn in grey, below the others.
    pub name: Option<String>,
    pub values: Vec<f64>,
}

pub struct Chart<'a> {
    pub title: &'a str,
    pub x_name: &'a str,
    pub y_name: &'a str,
    /// In rising order; above 0 where the axis is logarithmic.
    pub x: &'a [f64],
    pub log_x: bool,
    /// A place of x that a dashed line marks.
    pub marked: Option<f64>,
    pub lines: &'a [Line],
}

/// Lines over x; numbers that are not finite are left out of their line.
pub fn line_chart_svg(chart: &Chart) -> String {
    let name = |line: &Line| Some(shortened(line.name.as_ref()?, NAME_LETTERS));
    let names: Vec<String> = chart.lines.iter().filter_map(name).collect();
    let letters = names.iter().map(|name| name.chars().count()).max();
    // The plot keeps its size: beside long names, below a long title and with many names the picture is larger.
    let right = SIZE.0 - RIGHT;
    let beside = RIGHT.max(28.0 + letters.unwrap_or(0) as f64 * LETTER);
    let titled = 2.0 * LEFT + width_of(chart.title, TITLE).max(width_of(chart.x_name, NAME));
    let size = (
        (right + beside).max(titled),
        SIZE.1.max(TOP + BOTTOM + names.len() as f64 * LABEL),
    );
    let bottom = size.1 - BOTTOM;
    let mut svg = Svg::new(size.0, size.1);
    let x_axis = Axis::over(chart.x.iter().copied(), chart.log_x).wider();
    let values = chart
        .lines
        .iter()
        .flat_map(|line| line.values.iter().copied());
    let y_axis = Axis::over(values, false).wider();
    let x = |number: f64| LEFT + x_axis.share(number) * (right - LEFT);
    let y = |number: f64| bottom - y_axis.share(number) * (bottom - TOP);
    svg.label((LEFT, 24.0), TITLE, "start", chart.title);
    svg.line((LEFT, TOP), (LEFT, bottom));
    svg.line((LEFT, bottom), (right, bottom));
    let ticks = x_axis.ticks();
    for (&tick, text) in ticks.iter().zip(shown(&ticks, !chart.log_x)) {
        svg.line((x(tick), bottom), (x(tick), bottom + 5.0));
        svg.label((x(tick), bottom + 18.0), 11.0, "middle", &text);
    }
    let ticks = y_axis.ticks();
    for (&tick, text) in ticks.iter().zip(shown(&ticks, true)) {
        svg.line((LEFT - 5.0, y(tick)), (LEFT, y(tick)));
        svg.label((LEFT - 8.0, y(tick) + 4.0), 11.0, "end", &text);
    }
    svg.label(
        ((LEFT + right) / 2.0, size.1 - 14.0),
        NAME,
        "middle",
        chart.x_name,
    );
    svg.upright_middle((20.0, (TOP + bottom) / 2.0), 12.0, chart.y_name);
    if let Some(marked) = chart.marked {
        svg.push(format_args!(
            "<path d=\"M{0:.1} {TOP}V{bottom}\" stroke=\"#222\" stroke-dasharray=\"5 4\" fill=\"none\"/>",
            x(marked)
        ));
    }
    let named = chart.lines.iter().filter(|line| line.name.is_some());
    for line in chart.lines.iter().filter(|line| line.name.is_none()) {
        draw(&mut svg, chart.x, line, OTHERS, &x, &y);
    }
    let mut ends = Vec::new();
    for (line, colour) in named.zip(COLOURS.iter().cycle()) {
        draw(&mut svg, chart.x, line, colour, &x, &y);
        let last = line.values.iter().rev().find(|value| value.is_finite());
        if let (Some(name), Some(&last)) = (&line.name, last) {
            ends.push((y(last), name, *colour));
        }
    }
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let places = spread(
        &ends.iter().map(|end| end.0).collect::<Vec<_>>(),
        TOP,
        bottom,
    );
    for ((end, name, colour), place) in ends.into_iter().zip(places) {
        svg.push(format_args!(
            "<path d=\"M{right:.1} {end:.1}L{:.1} {place:.1}\" stroke=\"{colour}\" stroke-width=\"0.8\" fill=\"none\"/>",
            right + 16.0
        ));
        svg.label(
            (right + 20.0, place + 4.0),
            11.0,
            "start",
            &shortened(name, NAME_LETTERS),
        );
    }
    svg.finish()
}

fn draw(
    svg: &mut Svg,
    at: &[f64],
    line: &Line,
    colour: &str,
    x: &impl Fn(f64) -> f64,
    y: &impl Fn(f64) -> f64,
) {
    let both = at
        .iter()
        .zip(&line.values)
        .filter(|(_, value)| value.is_finite());
    let points: Vec<(f64, f64)> = both.map(|(&at, &value)| (x(at), y(value))).collect();
    let text: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    svg.push(format_args!(
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\" points=\"{}\"/>",
        if line.name.is_some() { 1.8 } else { 0.8 },
        text.join(" ")
    ));
    for (x, y) in points.iter().filter(|_| line.name.is_some()) {
        svg.push(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\" fill=\"{colour}\"/>"
        ));
    }
}

/// Places of labels, a label's height apart, near those of rising numbers and between both ends as far as there is room.
fn spread(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut places = wanted.to_vec();
    for i in 1..places.len() {
        places[i] = places[i].max(places[i - 1] + LABEL);
    }
    let mut limit = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - LABEL;
    }
    let beyond = places.first().map_or(0.0, |first| (top - first).max(0.0));
    places.iter().map(|place| place + beyond).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: Option<&str>, values: &[f64]) -> Line {
        Line {
            name: name.map(String::from),
            values: values.to_vec(),
        }
    }

    #[test]
    fn named_lines_have_colours_and_names_that_do_not_overlap() {
        let lines = [
            line(None, &[0.0, 1.0, 2.0]),
            line(Some("B & T"), &[0.0, 1.0, 1.0]),
            line(Some("NK"), &[0.0, 0.5, 1.0]),
        ];
        let text = line_chart_svg(&Chart {
            title: "path",
            x_name: "lambda",
            y_name: "MSE",
            x: &[0.001, 0.01, 0.1],
            log_x: true,
            marked: Some(0.01),
            lines: &lines,
        });
        assert_eq!(text.matches("<polyline").count(), 3);
        assert!(text.contains(OTHERS) && text.contains(COLOURS[1]) && !text.contains(COLOURS[2]));
        assert!(
            text.contains(">B &amp; T<") && text.contains(">0.01<") && text.contains("dasharray")
        );
        assert_eq!(spread(&[100.0, 101.0], 0.0, 200.0), [100.0, 113.0]);
        assert_eq!(spread(&[198.0, 199.0], 0.0, 200.0), [187.0, 200.0]);
        assert_eq!(spread(&[-5.0], 0.0, 200.0), [0.0]);
    }

    #[test]
    fn a_single_place_equal_numbers_and_none_are_pictures_too() {
        for (x, values) in [
            (&[0.5][..], &[2.0][..]),
            (&[0.0, 1.0], &[3.0, 3.0]),
            (&[1.0], &[f64::NAN]),
        ] {
            let lines = [line(Some("a"), values)];
            let text = line_chart_svg(&Chart {
                title: "",
                x_name: "",
                y_name: "",
                x,
                log_x: false,
                marked: None,
                lines: &lines,
            });
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }

    #[test]
    fn numbers_that_no_axis_can_tell_apart_are_a_picture() {
        for numbers in [
            [0.0, 1e-323],
            [1.0, 1.0 + f64::EPSILON],
            [-f64::MAX, f64::MAX],
            [0.0, f64::MAX],
            [1e-320, 1e-300],
            [f64::MAX, f64::MAX],
        ] {
            for log_x in [false, true] {
                let x: Vec<f64> = numbers.into_iter().filter(|x| !log_x || *x > 0.0).collect();
                let lines = [line(Some("a"), &numbers[..x.len()])];
                let text = line_chart_svg(&Chart {
                    title: "",
                    x_name: "",
                    y_name: "",
                    x: &x,
                    log_x,
                    marked: x.first().copied(),
                    lines: &lines,
                });
                assert!(
                    !text.contains("NaN") && !text.contains("inf"),
                    "{numbers:?} {text}"
                );
                assert!(text.len() < 10_000, "{numbers:?}: {}", text.len());
            }
        }
    }

    #[test]
    fn many_long_names_are_inside_the_picture() {
        let lines: Vec<Line> = (0..81)
            .map(|i| line(Some(&format!("{i} {}", "long ".repeat(60))), &[0.0, 1.0]))
            .collect();
        let title = "title ".repeat(40);
        let text = line_chart_svg(&Chart {
            title: &title,
            x_name: "",
            y_name: "",
            x: &[0.0, 1.0],
            log_x: false,
            marked: None,
            lines: &lines,
        });
        let size = |name: &str| -> f64 {
            let part = text.split(&format!("{name}=\"")).nth(1).unwrap();
            part.split('"').next().unwrap().parse().unwrap()
        };
        assert!(size("width") > 7.0 * title.len() as f64);
        let labels = text.split("<text x=\"").skip(1).map(|part| {
            let y = part.split("y=\"").nth(1).unwrap();
            y.split('"').next().unwrap().parse::<f64>().unwrap()
        });
        assert!(labels.fold(0.0, f64::max) < size("height"));
        assert!(text.contains('…'));
    }
}
