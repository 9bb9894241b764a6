//! Effects side by side: a dot for each, with a line of its standard deviation, on one scale with a line at 0.

use super::axis::{Axis, shown};
use super::svg::{Svg, fitted, width_of};

/// Pixels.
const MARGIN: f64 = 20.0;
const TITLE: f64 = 15.0;
const HEADING: f64 = 13.0;
const LABEL: f64 = 12.0;
const LINE: f64 = 22.0;
const PLOT: f64 = 320.0;
const GAP: f64 = 34.0;
const HEAD: f64 = 62.0;
const FOOT: f64 = 48.0;
/// Names at most.
const NAMES: f64 = 260.0;

/// A mean and the standard deviation around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    pub mean: f64,
    pub deviation: Option<f64>,
}

/// An output: its name, and a dot for each name of the picture.
pub struct Panel {
    pub title: String,
    pub dots: Vec<Dot>,
}

/// `what`: what the numbers are.
pub fn effects_svg(title: &str, what: &str, names: &[String], panels: &[Panel]) -> String {
    let widest = names.iter().map(|name| width_of(name, LABEL));
    let left = MARGIN + widest.fold(60.0, f64::max).min(NAMES);
    let width = left + panels.len() as f64 * (PLOT + GAP) + MARGIN;
    let bottom = HEAD + names.len() as f64 * LINE;
    let mut svg = Svg::new(
        width.max(2.0 * MARGIN + width_of(title, TITLE)),
        bottom + FOOT,
    );
    svg.label((MARGIN, 24.0), TITLE, "start", title);
    for (line, name) in names.iter().enumerate() {
        let y = HEAD + (line as f64 + 0.5) * LINE;
        let name = fitted(name, LABEL, NAMES);
        svg.label((left - 8.0, y + 4.0), LABEL, "end", &name);
    }
    for (place, panel) in panels.iter().enumerate() {
        let from = left + place as f64 * (PLOT + GAP) + GAP / 2.0;
        let ends = panel.dots.iter().flat_map(|dot| {
            let spread = dot.deviation.unwrap_or(0.0);
            [dot.mean - spread, dot.mean + spread]
        });
        let axis = Axis::over(ends.chain([0.0]), false).wider();
        let x = |number: f64| from + axis.share(number) * PLOT;
        svg.bold(
            (from, HEAD - 12.0),
            HEADING,
            &fitted(&panel.title, HEADING, PLOT),
        );
        svg.line((from, bottom), (from + PLOT, bottom));
        let ticks = axis.ticks();
        for (&tick, text) in ticks.iter().zip(shown(&ticks, false)) {
            svg.line((x(tick), bottom), (x(tick), bottom + 5.0));
            svg.label((x(tick), bottom + 18.0), 11.0, "middle", &text);
        }
        svg.label((from + PLOT / 2.0, bottom + 36.0), LABEL, "middle", what);
        svg.push(format_args!(
            "<path d=\"M{0:.1} {HEAD:.1}V{bottom:.1}\" stroke=\"#888\" stroke-dasharray=\"3 3\"/>",
            x(0.0)
        ));
        for (line, dot) in panel.dots.iter().enumerate() {
            let y = HEAD + (line as f64 + 0.5) * LINE;
            let color = if dot.mean < 0.0 { "#2166ac" } else { "#b2182b" };
            if let Some(spread) = dot.deviation.filter(|spread| spread.is_finite()) {
                svg.push(format_args!(
                    "<path d=\"M{:.1} {y:.1}H{:.1}\" stroke=\"{color}\" stroke-width=\"1.5\"/>",
                    x(dot.mean - spread),
                    x(dot.mean + spread)
                ));
            }
            if dot.mean.is_finite() {
                svg.push(format_args!(
                    "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{color}\"/>",
                    x(dot.mean)
                ));
            }
        }
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_effect_has_a_dot_and_its_spread() {
        let dot = |mean, deviation| Dot { mean, deviation };
        let panel = |dots| Panel {
            title: "a<b".into(),
            dots,
        };
        let text = effects_svg(
            "effects",
            "change",
            &["x".into(), "y".into()],
            &[panel(vec![dot(1.0, Some(0.5)), dot(-2.0, None)])],
        );
        assert_eq!(text.matches("<circle").count(), 2);
        assert_eq!(text.matches("stroke-width").count(), 1);
        assert!(text.contains("a&lt;b") && text.ends_with("</svg>\n"));
        assert!(effects_svg("", "", &[], &[]).ends_with("</svg>\n"));
    }
}
