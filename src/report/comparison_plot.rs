//! Models side by side: a bar for each figure with the spread of its models, and beside it the difference to the first one with its interval.

use super::svg::{Svg, fitted, width_of};

/// Pixels.
const MARGIN: f64 = 16.0;
const TITLE: f64 = 15.0;
const HEADING: f64 = 13.0;
const LABEL: f64 = 12.0;
const HEAD: f64 = 58.0;
/// Of a model.
const LINE: f64 = 22.0;
/// Between the panels.
const GAP: f64 = 34.0;
const BARS: f64 = 260.0;
const DIFFERENCES: f64 = 260.0;
const NUMBER: f64 = 60.0;
/// The text of a difference.
const WORDS: f64 = 190.0;
/// Names of models at most.
const NAMES: (f64, f64) = (60.0, 320.0);
const FIRST: &str = "#7f7f7f";
const OTHERS: &str = "#1f77b4";

/// A model's figure.
pub struct Bar {
    pub value: f64,
    /// Standard deviation over the models of an ensemble.
    pub spread: Option<f64>,
    /// To the first model: value, low, high.
    pub difference: Option<[f64; 3]>,
}

/// An output.
pub struct Panel {
    pub title: String,
    /// By model.
    pub bars: Vec<Bar>,
}

/// From numbers to pixels.
struct Scale {
    low: f64,
    high: f64,
    width: f64,
}

impl Scale {
    /// Over these and 0.
    fn over(numbers: impl Iterator<Item = f64> + Clone, width: f64) -> Scale {
        let finite = numbers.filter(|x| x.is_finite());
        let low = finite.clone().fold(0.0, f64::min);
        let high = finite.fold(0.0, f64::max);
        let high = if high > low { high } else { low + 1.0 };
        Scale { low, high, width }
    }

    fn at(&self, x: f64) -> f64 {
        (x - self.low) / (self.high - self.low) * self.width
    }
}

/// `measure`: what the figures are; `models`: in the order of every panel's bars.
pub fn comparison_svg(measure: &str, models: &[String], panels: &[Panel]) -> String {
    let widest = models
        .iter()
        .map(|name| width_of(name, LABEL))
        .fold(0.0, f64::max);
    let names = widest.clamp(NAMES.0, NAMES.1);
    let bars = || panels.iter().flat_map(|panel| &panel.bars);
    let ends = bars().flat_map(|bar| [bar.value, bar.value + bar.spread.unwrap_or(0.0)]);
    let figures = Scale::over(ends, BARS);
    let ends = bars().flat_map(|bar| bar.difference).flatten();
    let differences = Scale::over(ends, DIFFERENCES);
    let left = [
        MARGIN + names + 10.0,
        MARGIN + names + 10.0 + BARS + NUMBER + 30.0,
    ];
    let panel = models.len() as f64 * LINE + GAP;
    let mut svg = Svg::new(
        left[1] + DIFFERENCES + WORDS + MARGIN,
        HEAD + panels.len() as f64 * panel + MARGIN,
    );
    svg.label(
        (MARGIN, 24.0),
        TITLE,
        "start",
        &format!("{measure} of {} models", models.len()),
    );
    svg.label(
        (left[0], 46.0),
        LABEL,
        "start",
        &format!("{measure} (line: standard deviation over an ensemble's models)"),
    );
    svg.label(
        (left[1], 46.0),
        LABEL,
        "start",
        "difference to the first (line: 95 % interval)",
    );
    for (place, of) in panels.iter().enumerate() {
        let top = HEAD + place as f64 * panel;
        svg.bold(
            (MARGIN, top + 14.0),
            HEADING,
            &fitted(&of.title, HEADING, names + BARS),
        );
        let (first, last) = (top + 20.0, top + 24.0 + models.len() as f64 * LINE);
        for (scale, left) in [(&figures, left[0]), (&differences, left[1])] {
            let zero = left + scale.at(0.0);
            svg.line((zero, first), (zero, last));
        }
        for (line, (bar, name)) in of.bars.iter().zip(models).enumerate() {
            let y = top + 24.0 + line as f64 * LINE;
            let colour = if line == 0 { FIRST } else { OTHERS };
            draw(&mut svg, bar, (y, colour), (left, &figures, &differences));
            let name = fitted(name, LABEL, names);
            svg.label((MARGIN, y + 14.0), LABEL, "start", &name);
        }
    }
    svg.finish()
}

fn draw(
    svg: &mut Svg,
    bar: &Bar,
    (y, colour): (f64, &str),
    (left, figures, differences): ([f64; 2], &Scale, &Scale),
) {
    if bar.value.is_finite() {
        let (a, b) = (figures.at(0.0), figures.at(bar.value));
        svg.push(format_args!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\" fill=\"{colour}\"/>",
            left[0] + a.min(b),
            y + 3.0,
            (b - a).abs()
        ));
        if let Some(spread) = bar.spread.filter(|spread| spread.is_finite()) {
            let ends = [bar.value - spread, bar.value + spread].map(|x| left[0] + figures.at(x));
            svg.line((ends[0], y + 10.0), (ends[1], y + 10.0));
        }
    }
    let end = figures.at(bar.value.max(0.0) + bar.spread.unwrap_or(0.0));
    let end = if end.is_finite() { end } else { 0.0 };
    svg.label(
        (left[0] + end + 6.0, y + 14.0),
        LABEL,
        "start",
        &format!("{:.3}", bar.value),
    );
    let Some([value, low, high]) = bar.difference else {
        return;
    };
    let at = |x: f64| left[1] + differences.at(x);
    svg.line((at(low), y + 10.0), (at(high), y + 10.0));
    svg.push(format_args!(
        "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"/>",
        at(value),
        y + 10.0
    ));
    svg.label(
        (left[1] + DIFFERENCES + 10.0, y + 14.0),
        LABEL,
        "start",
        &format!("{value:+.3} ({low:+.3} to {high:+.3})"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_a_bar_and_the_others_a_difference() {
        let bar = |value: f64, difference| Bar {
            value,
            spread: Some(0.05),
            difference,
        };
        let panels = [Panel {
            title: "K562".to_string(),
            bars: vec![
                bar(0.4, None),
                bar(0.5, Some([0.1, -0.02, 0.2])),
                bar(f64::NAN, None),
            ],
        }];
        let names = ["a", "b", "c"].map(String::from);
        let text = comparison_svg("r", &names, &panels);
        assert_eq!(text.matches("height=\"14\"").count(), 2, "{text}");
        assert_eq!(text.matches("<circle").count(), 1);
        assert!(text.contains("+0.100 (-0.020 to +0.200)") && !text.contains("x=\"NaN"));
    }
}
