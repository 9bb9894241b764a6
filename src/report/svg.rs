//! Pictures as SVG text.
//!
//! Written by hand and not by a plotting crate: the letters of a logo are paths of ours in any case, so that no font is
//! needed, and what is left of a plot is lines and a few labels.

use std::fmt::Write;

/// An SVG picture under construction; lengths in pixels, x to the right, y down.
pub(super) struct Svg {
    text: String,
}

impl Svg {
    pub fn new(width: f64, height: f64) -> Self {
        let mut svg = Svg {
            text: String::new(),
        };
        svg.push(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>"
        ));
        svg
    }

    pub fn push(&mut self, element: std::fmt::Arguments) {
        // Into a String: cannot fail.
        let _ = writeln!(self.text, "{element}");
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.push(format_args!(
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#444\" fill=\"none\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// A label whose `anchor` (start, middle or end) is at `at`.
    pub fn label(&mut self, at: (f64, f64), size: f64, anchor: &str, text: &str) {
        self.push(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-family=\"sans-serif\" font-size=\"{size}\" text-anchor=\"{anchor}\">{}</text>",
            at.0,
            at.1,
            escaped(text)
        ));
    }

    /// A heading that starts at `at`.
    pub fn bold(&mut self, (x, y): (f64, f64), size: f64, text: &str) {
        self.push(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-family=\"sans-serif\" font-size=\"{size}\" font-weight=\"bold\">{}</text>",
            escaped(text)
        ));
    }

    /// A label that is read from below to above and ends at `at`.
    pub fn upright(&mut self, at: (f64, f64), size: f64, text: &str) {
        self.turned(at, size, "end", text);
    }

    /// The same with its middle there.
    pub fn upright_middle(&mut self, at: (f64, f64), size: f64, text: &str) {
        self.turned(at, size, "middle", text);
    }

    fn turned(&mut self, (x, y): (f64, f64), size: f64, anchor: &str, text: &str) {
        self.push(format_args!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" font-family=\"sans-serif\" font-size=\"{size}\" text-anchor=\"{anchor}\">{}</text>",
            escaped(text)
        ));
    }

    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// Pixels that a text takes at most, as long as its letters are no wider than those of the usual sans-serif fonts are on
/// average.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    const LETTER: f64 = 0.65;
    text.chars().count() as f64 * size * LETTER
}

/// A text of so many letters at most.
pub(super) fn shortened(text: &str, letters: usize) -> String {
    match text.chars().count() > letters {
        true => {
            let kept = text.chars().take(letters.saturating_sub(1));
            kept.chain(['…']).collect()
        }
        false => text.to_string(),
    }
}

/// A text of so many pixels at most.
pub(super) fn fitted(text: &str, size: f64, width: f64) -> String {
    shortened(text, (width / width_of("x", size)) as usize)
}

/// Text between tags.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .fold(String::new(), |mut out, c| {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                c => out.push(c),
            }
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_the_picture() {
        let mut svg = Svg::new(10.0, 5.0);
        svg.label((1.0, 2.0), 8.0, "start", "a<b & \u{7}c>");
        svg.line((0.0, 0.0), (1.0, 2.0));
        let text = svg.finish();
        assert!(text.contains(">a&lt;b &amp; c&gt;</text>"), "{text}");
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
    }
}
