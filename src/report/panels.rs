//! Small pictures side by side: points or lines over two axes.

use super::axis::{Axis, shown};
use super::svg::{Svg, shortened, width_of};

/// Pixels.
const PLOT: f64 = 190.0;
const LEFT: f64 = 58.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 44.0;
const GAP: f64 = 18.0;
const TITLE: f64 = 12.0;
const SMALL: f64 = 9.5;
/// Pictures side by side.
const ACROSS: usize = 3;
const COLOUR: &str = "#1f77b4";

/// One picture.
pub struct Panel {
    pub title: String,
    pub x_name: String,
    pub y_name: String,
    pub points: Vec<(f64, f64)>,
    pub drawn: Drawn,
    /// Both axes from 0 to 1.
    pub unit: bool,
    /// A dashed line where both are the same.
    pub diagonal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Many points.
    Dots,
    /// Few points.
    Points,
    Line,
    LineWithDots,
}

/// Points that are not finite are left out.
pub fn panels_svg(panels: &[Panel]) -> String {
    let across = panels.len().clamp(1, ACROSS);
    let down = panels.len().div_ceil(across).max(1);
    let (width, height) = (LEFT + PLOT + GAP, TOP + PLOT + BOTTOM);
    let mut svg = Svg::new(across as f64 * width, down as f64 * height);
    for (place, panel) in panels.iter().enumerate() {
        let left = LEFT + (place % across) as f64 * width;
        let top = TOP + (place / across) as f64 * height;
        draw(&mut svg, panel, (left, top));
    }
    svg.finish()
}

fn draw(svg: &mut Svg, panel: &Panel, (left, top): (f64, f64)) {
    let points = panel.points.iter();
    let points: Vec<(f64, f64)> = points
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .copied()
        .collect();
    let axis = |of: fn(&(f64, f64)) -> f64| match panel.unit {
        true => Axis::over([0.0, 1.0].into_iter(), false),
        false => Axis::over(points.iter().map(of), false).wider(),
    };
    let (x_axis, y_axis) = (axis(|point| point.0), axis(|point| point.1));
    let x = |number: f64| left + x_axis.share(number) * PLOT;
    let y = |number: f64| top + (1.0 - y_axis.share(number)) * PLOT;
    let letters = ((PLOT + LEFT / 2.0) / width_of("n", TITLE)) as usize;
    svg.bold(
        (left - LEFT / 3.0, top - 12.0),
        TITLE,
        &shortened(&panel.title, letters),
    );
    svg.line((left, top), (left, top + PLOT));
    svg.line((left, top + PLOT), (left + PLOT, top + PLOT));
    let ticks = x_axis.ticks();
    for (&tick, text) in ticks.iter().zip(shown(&ticks, true)) {
        svg.line((x(tick), top + PLOT), (x(tick), top + PLOT + 4.0));
        svg.label((x(tick), top + PLOT + 15.0), SMALL, "middle", &text);
    }
    let ticks = y_axis.ticks();
    for (&tick, text) in ticks.iter().zip(shown(&ticks, true)) {
        svg.line((left - 4.0, y(tick)), (left, y(tick)));
        svg.label((left - 6.0, y(tick) + 3.5), SMALL, "end", &text);
    }
    let below = (left + PLOT / 2.0, top + PLOT + 31.0);
    svg.label(below, SMALL + 1.0, "middle", &panel.x_name);
    svg.upright_middle(
        (left - LEFT + 14.0, top + PLOT / 2.0),
        SMALL + 1.0,
        &panel.y_name,
    );
    if panel.diagonal {
        let low = x_axis.low.max(y_axis.low);
        let high = x_axis.high.min(y_axis.high);
        if low < high {
            svg.push(format_args!(
                "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#999\" stroke-dasharray=\"4 3\" fill=\"none\"/>",
                x(low), y(low), x(high), y(high)
            ));
        }
    }
    if matches!(panel.drawn, Drawn::Line | Drawn::LineWithDots) {
        let places = points
            .iter()
            .map(|&(a, b)| format!("{:.1},{:.1}", x(a), y(b)));
        svg.push(format_args!(
            "<polyline fill=\"none\" stroke=\"{COLOUR}\" stroke-width=\"1.6\" points=\"{}\"/>",
            places.collect::<Vec<_>>().join(" ")
        ));
    }
    let (radius, opacity) = match panel.drawn {
        Drawn::Line => return,
        Drawn::Dots => (1.6, 0.35),
        Drawn::Points => (3.0, 0.9),
        Drawn::LineWithDots => (2.8, 1.0),
    };
    // One path for all: a circle of its own for each would be most of the page.
    let round = |radius: f64| {
        let dots = points
            .iter()
            .map(|&(a, b)| format!("M{:.1} {:.1}h0", x(a), y(b)));
        format!(
            "<path d=\"{}\" stroke=\"{COLOUR}\" stroke-opacity=\"{opacity}\" stroke-width=\"{}\" stroke-linecap=\"round\" fill=\"none\"/>",
            dots.collect::<String>(),
            2.0 * radius
        )
    };
    svg.push(format_args!("{}", round(radius)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: &[(f64, f64)], drawn: Drawn) -> Panel {
        Panel {
            title: "a & b".into(),
            x_name: "measured".into(),
            y_name: "predicted".into(),
            points: points.to_vec(),
            drawn,
            unit: false,
            diagonal: true,
        }
    }

    #[test]
    fn pictures_stand_side_by_side_and_hold_what_is_finite() {
        let points = [(0.0, 1.0), (1.0, 3.0), (f64::NAN, 2.0), (2.0, 0.0)];
        let many: Vec<Panel> = (0..4).map(|_| panel(&points, Drawn::Dots)).collect();
        let text = panels_svg(&many);
        assert_eq!(text.matches(">a &amp; b<").count(), 4);
        assert_eq!(text.matches("h0").count(), 4 * 3);
        assert!(!text.contains("NaN"));
        let text = panels_svg(&[panel(&points, Drawn::LineWithDots)]);
        assert!(text.contains("<polyline") && text.contains("stroke-dasharray"));
    }

    #[test]
    fn no_points_and_equal_ones_are_pictures_too() {
        for points in [&[][..], &[(1.0, 1.0), (1.0, 1.0)], &[(f64::NAN, 1.0)]] {
            let text = panels_svg(&[panel(points, Drawn::Dots)]);
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
        panels_svg(&[]);
    }
}
