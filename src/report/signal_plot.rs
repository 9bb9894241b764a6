//! A track's mean under each kernel's sites, as small plots on one scale.

use super::svg::{Svg, width_of};
use crate::io::scientific::Scientific;

/// Pixels.
const PANEL: (f64, f64) = (150.0, 70.0);
const GAP: (f64, f64) = (20.0, 30.0);
const MARGIN: (f64, f64) = (60.0, 40.0);
const COLUMNS: usize = 6;
const TITLE: f64 = 13.0;

/// One picture of (kernels, `width`) means, row-major: a panel a kernel, positions from left to right, all panels from 0
/// (or the smallest mean, where that is below) to the largest mean. Kernels whose means are NaN are marked as without
/// sites.
pub fn signal_svg(title: &str, width: usize, means: &[f64]) -> String {
    let kernels: Vec<&[f64]> = means.chunks(width.max(1)).collect();
    let columns = kernels.len().clamp(1, COLUMNS);
    let lines = kernels.len().div_ceil(columns);
    let mut svg = Svg::new(
        (MARGIN.0 + columns as f64 * (PANEL.0 + GAP.0))
            .max(2.0 * MARGIN.0 + width_of(title, TITLE)),
        MARGIN.1 + lines as f64 * (PANEL.1 + GAP.1),
    );
    svg.label((MARGIN.0, 18.0), TITLE, "start", title);
    let finite = || means.iter().copied().filter(|mean| mean.is_finite());
    let low = finite().fold(0.0, f64::min);
    let high = finite().fold(low, f64::max);
    let high = if high > low { high } else { low + 1.0 };
    for (kernel, means) in kernels.iter().enumerate() {
        let left = MARGIN.0 + (kernel % columns) as f64 * (PANEL.0 + GAP.0);
        let top = MARGIN.1 + (kernel / columns) as f64 * (PANEL.1 + GAP.1);
        let bottom = top + PANEL.1;
        svg.line((left, top), (left, bottom));
        svg.line((left, bottom), (left + PANEL.0, bottom));
        if kernel % columns == 0 {
            svg.label(
                (left - 5.0, top + 4.0),
                9.0,
                "end",
                &Scientific(high).to_string(),
            );
            svg.label(
                (left - 5.0, bottom),
                9.0,
                "end",
                &Scientific(low).to_string(),
            );
        }
        let sites = means.iter().all(|mean| mean.is_finite());
        let name = match sites {
            true => format!("M{kernel}"),
            false => format!("M{kernel}: no sites"),
        };
        svg.label((left + 4.0, top - 4.0), 10.0, "start", &name);
        if sites {
            let step = PANEL.0 / (width.max(2) - 1) as f64;
            let point = |(position, mean): (usize, &f64)| {
                let y = bottom - (mean - low) / (high - low) * PANEL.1;
                format!("{:.1},{y:.1}", left + position as f64 * step)
            };
            let points: Vec<String> = means.iter().enumerate().map(point).collect();
            svg.push(format_args!(
                "<polyline fill=\"none\" stroke=\"#255c99\" stroke-width=\"1.5\" points=\"{}\"/>",
                points.join(" ")
            ));
        }
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_has_its_panel_on_the_common_scale() {
        let nan = f64::NAN;
        let text = signal_svg("DGF", 3, &[0.0, 1.0, 0.5, nan, nan, nan, 2.0, 2.0, 2.0]);
        assert!(text.contains(">DGF<") && text.contains("M1: no sites"));
        assert_eq!(text.matches("<polyline").count(), 2);
        // Left 60, top 40: half of the scale is the first panel's largest value, all of it the third panel's.
        assert!(
            text.contains("points=\"60.0,110.0 135.0,75.0 210.0,92.5\""),
            "{text}"
        );
        assert!(
            text.contains("points=\"400.0,40.0 475.0,40.0 550.0,40.0\""),
            "{text}"
        );
        assert!(text.contains(">2.000e+00<") && text.contains(">0.000e+00<"));
    }

    #[test]
    fn nothing_to_show_is_still_a_picture() {
        for means in [&[][..], &[0.0; 2], &[f64::NAN; 2], &[f64::INFINITY, 0.0]] {
            let text = signal_svg("t", 2, means);
            assert!(
                text.ends_with("</svg>\n") && !text.contains("NaN"),
                "{text}"
            );
        }
        assert!(signal_svg("t", 0, &[]).ends_with("</svg>\n"));
    }
}
