//! A track around each kernel's sites, as small plots with scales of their own.

use super::svg::{Svg, width_of};
use crate::numbers::rounded;

/// Pixels.
const PANEL: (f64, f64) = (190.0, 84.0);
const GAP: (f64, f64) = (56.0, 46.0);
const MARGIN: (f64, f64) = (56.0, 58.0);
const COLUMNS: usize = 4;
const TITLE: f64 = 13.0;

/// One kernel's plot.
pub struct Panel<'a> {
    pub name: String,
    /// By base, from as many before the middle as behind it; nothing where there are no sites.
    pub mean: &'a [f64],
    /// How far the band around the mean reaches on either side.
    pub band: &'a [f64],
}

/// Means with their bands, each panel from 0 (or the lowest end of its band, where that is below) to the highest end.
pub fn signal_svg(title: &str, panels: &[Panel]) -> String {
    let columns = panels.len().clamp(1, COLUMNS);
    let lines = panels.len().div_ceil(columns);
    let axes = "mean of the track per base; across: bases from the middle of the site; band: 95 % interval of the mean";
    let mut svg = Svg::new(
        (MARGIN.0 + columns as f64 * (PANEL.0 + GAP.0))
            .max(2.0 * MARGIN.0 + width_of(title, TITLE).max(width_of(axes, 10.0))),
        MARGIN.1 + lines as f64 * (PANEL.1 + GAP.1),
    );
    svg.label((MARGIN.0, 18.0), TITLE, "start", title);
    svg.label((MARGIN.0, 34.0), 10.0, "start", axes);
    for (place, panel) in panels.iter().enumerate() {
        let left = MARGIN.0 + (place % columns) as f64 * (PANEL.0 + GAP.0);
        let top = MARGIN.1 + (place / columns) as f64 * (PANEL.1 + GAP.1);
        draw(&mut svg, panel, (left, top));
    }
    svg.finish()
}

fn draw(svg: &mut Svg, panel: &Panel, (left, top): (f64, f64)) {
    let bottom = top + PANEL.1;
    svg.label((left, top - 5.0), 10.0, "start", &panel.name);
    svg.line((left, top), (left, bottom));
    svg.line((left, bottom), (left + PANEL.0, bottom));
    let ends = || {
        let ends = panel.mean.iter().zip(panel.band);
        ends.filter(|(mean, band)| mean.is_finite() && band.is_finite())
    };
    if ends().next().is_none() {
        return;
    }
    let low = ends().map(|(mean, band)| mean - band).fold(0.0, f64::min);
    let high = ends().map(|(mean, band)| mean + band).fold(low, f64::max);
    let high = if high > low { high } else { low + 1.0 };
    for (y, number) in [(top + 4.0, high), (bottom, low)] {
        svg.label(
            (left - 5.0, y),
            9.0,
            "end",
            &format!("{:.3}", rounded(number)),
        );
    }
    let around = panel.mean.len() / 2;
    for (share, number) in [(0.0, -(around as i64)), (0.5, 0), (1.0, around as i64)] {
        let x = left + share * PANEL.0;
        svg.line((x, bottom), (x, bottom + 4.0));
        svg.label((x, bottom + 14.0), 9.0, "middle", &number.to_string());
    }
    let step = PANEL.0 / (panel.mean.len().max(2) - 1) as f64;
    let point = |(position, value): (usize, f64)| {
        let y = bottom - (value - low) / (high - low) * PANEL.1;
        format!("{:.1},{y:.1}", left + position as f64 * step)
    };
    let side = |sign: f64| {
        panel
            .mean
            .iter()
            .zip(panel.band)
            .map(move |(m, b)| m + sign * b)
    };
    let lower: Vec<String> = side(-1.0).enumerate().map(point).collect();
    let upper = side(1.0).enumerate().map(point);
    let around: Vec<String> = upper.chain(lower.into_iter().rev()).collect();
    svg.push(format_args!(
        "<polygon fill=\"#b9cbe0\" points=\"{}\"/>",
        around.join(" ")
    ));
    let points: Vec<String> = panel.mean.iter().copied().enumerate().map(point).collect();
    svg.push(format_args!(
        "<polyline fill=\"none\" stroke=\"#255c99\" stroke-width=\"1\" points=\"{}\"/>",
        points.join(" ")
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel<'a>(name: &str, mean: &'a [f64], band: &'a [f64]) -> Panel<'a> {
        Panel {
            name: name.to_string(),
            mean,
            band,
        }
    }

    #[test]
    fn every_kernel_has_a_scale_of_its_own_with_its_band() {
        let nan = [f64::NAN; 3];
        let text = signal_svg(
            "DGF",
            &[
                panel("M0, 4 sites", &[0.0, 1.0, 0.5], &[0.0, 1.0, 0.5]),
                panel("M1, no sites", &nan, &nan),
                panel("M2, 9 sites", &[-1.0, 0.0, 1.0], &[0.0; 3]),
            ],
        );
        assert!(text.contains(">DGF<") && text.contains("M1, no sites"));
        assert_eq!(text.matches("<polyline").count(), 2);
        // Left 56, top 58: the first panel's scale ends where its band does, at 2; the third goes from -1 to 1.
        assert!(
            text.contains("points=\"56.0,142.0 151.0,100.0 246.0,121.0\""),
            "{text}"
        );
        assert!(
            text.contains("points=\"548.0,142.0 643.0,100.0 738.0,58.0\""),
            "{text}"
        );
        assert!(text.contains(">2.000<") && text.contains(">-1.000<") && text.contains(">-1<"));
        assert!(text.contains("95 % interval"));
    }

    #[test]
    fn nothing_to_show_is_still_a_picture() {
        for mean in [&[][..], &[0.0; 2], &[f64::NAN; 2]] {
            let text = signal_svg("t", &[panel("a<b", mean, mean)]);
            assert!(
                text.ends_with("</svg>\n") && !text.contains("NaN"),
                "{text}"
            );
            assert!(text.contains("a&lt;b"));
        }
        assert!(signal_svg("t", &[]).ends_with("</svg>\n"));
    }
}
