//! Lines over one axis, the named ones with their names at their ends.

use super::svg::Svg;

/// Pixels.
const SIZE: (f64, f64) = (960.0, 540.0);
const LEFT: f64 = 80.0;
const RIGHT: f64 = 100.0;
const LETTER: f64 = 6.6;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 56.0;
const LABEL: f64 = 13.0;
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

/// An axis: how a number becomes a share of its length.
struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    /// Over all of these; a single number lies in the middle.
    fn over(numbers: impl Iterator<Item = f64> + Clone, log: bool) -> Axis {
        let scaled = numbers
            .filter(|x| x.is_finite())
            .map(|x| if log { x.ln() } else { x });
        let low = scaled.clone().fold(f64::INFINITY, f64::min);
        let high = scaled.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = match (low <= high, low < high) {
            (false, _) => (0.0, 1.0),
            (true, false) => (low - 0.5, low + 0.5),
            (true, true) => (low, high),
        };
        Axis { low, high, log }
    }

    /// With some space beyond both ends.
    fn wider(self) -> Axis {
        let more = (self.high - self.low) * 0.04;
        Axis {
            low: self.low - more,
            high: self.high + more,
            ..self
        }
    }

    fn share(&self, number: f64) -> f64 {
        let scaled = if self.log { number.ln() } else { number };
        (scaled - self.low) / (self.high - self.low)
    }

    /// Round numbers inside, at most some eight.
    fn ticks(&self) -> Vec<f64> {
        if self.log {
            let decades = (self.high - self.low) / std::f64::consts::LN_10;
            let digits: &[f64] = if decades < 2.5 {
                &[1.0, 2.0, 5.0]
            } else {
                &[1.0]
            };
            let every = (decades / 8.0).ceil().max(1.0) as i32;
            let lowest = (self.low / std::f64::consts::LN_10).floor() as i32;
            let highest = (self.high / std::f64::consts::LN_10).ceil() as i32;
            let all = (lowest..=highest).filter(|power| power.rem_euclid(every) == 0);
            let all = all.flat_map(|power| digits.iter().map(move |d| d * 10f64.powi(power)));
            return all
                .filter(|x| (0.0..=1.0).contains(&self.share(*x)))
                .collect();
        }
        let rough = (self.high - self.low) / 6.0;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
        let step = steps
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(steps[3]);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// A tick's number with the digits that tell it from its neighbours.
fn shown(number: f64, step: f64) -> String {
    let size = number.abs();
    if number == 0.0 {
        "0".to_string()
    } else if !(1e-3..1e5).contains(&size) {
        let text = format!("{number:.1e}");
        text.replace(".0e", "e")
    } else {
        let digits = (-step.log10().floor()).max(0.0) as usize;
        format!("{number:.digits$}")
    }
}

/// Lines over x; numbers that are not finite are left out of their line.
pub fn line_chart_svg(chart: &Chart) -> String {
    let mut svg = Svg::new(SIZE.0, SIZE.1);
    let names = chart.lines.iter().filter_map(|line| line.name.as_ref());
    let letters = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let right = SIZE.0 - RIGHT.max(28.0 + letters as f64 * LETTER).min(SIZE.0 / 2.0);
    let bottom = SIZE.1 - BOTTOM;
    let x_axis = Axis::over(chart.x.iter().copied(), chart.log_x).wider();
    let values = chart
        .lines
        .iter()
        .flat_map(|line| line.values.iter().copied());
    let y_axis = Axis::over(values, false).wider();
    let x = |number: f64| LEFT + x_axis.share(number) * (right - LEFT);
    let y = |number: f64| bottom - y_axis.share(number) * (bottom - TOP);
    svg.label((LEFT, 24.0), 15.0, "start", chart.title);
    svg.line((LEFT, TOP), (LEFT, bottom));
    svg.line((LEFT, bottom), (right, bottom));
    let ticks = x_axis.ticks();
    for &tick in &ticks {
        svg.line((x(tick), bottom), (x(tick), bottom + 5.0));
        let step = if chart.log_x { tick } else { apart(&ticks) };
        svg.label((x(tick), bottom + 18.0), 11.0, "middle", &shown(tick, step));
    }
    let ticks = y_axis.ticks();
    for &tick in &ticks {
        svg.line((LEFT - 5.0, y(tick)), (LEFT, y(tick)));
        svg.label(
            (LEFT - 8.0, y(tick) + 4.0),
            11.0,
            "end",
            &shown(tick, apart(&ticks)),
        );
    }
    svg.label(
        ((LEFT + right) / 2.0, SIZE.1 - 14.0),
        12.0,
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
        svg.label((right + 20.0, place + 4.0), 11.0, "start", name);
    }
    svg.finish()
}

fn apart(ticks: &[f64]) -> f64 {
    match ticks {
        [a, b, ..] => b - a,
        [one] => one.abs(),
        [] => 1.0,
    }
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
    fn ticks_are_round() {
        let axis = Axis::over([0.0, 0.31].into_iter(), false);
        let ticks: Vec<String> = axis.ticks().iter().map(|&t| shown(t, 0.1)).collect();
        assert_eq!(ticks, ["0", "0.1", "0.2", "0.3"]);
        let log = Axis::over([1e-4, 1.0].into_iter(), true);
        let ticks: Vec<String> = log.ticks().iter().map(|&t| shown(t, t)).collect();
        assert_eq!(ticks, ["1e-4", "0.001", "0.01", "0.1", "1"]);
    }
}
