//! A page of headings, text and pictures: one HTML file that asks nothing of any other.

use super::logo::SYMBOLS;
use super::svg::escaped;
use std::fmt::Write;

/// Readable on paper and on a narrow screen, whose pictures scroll alone.
const STYLE: &str = "body{font:15px/1.45 sans-serif;color:#222;max-width:70em;margin:1.5em auto;padding:0 1em}\
h1{font-size:1.5em}h2{font-size:1.15em;margin:1.8em 0 .3em;border-top:1px solid #ddd;padding-top:.8em}\
.picture{overflow-x:auto}svg{display:block}p{margin:.3em 0}@media print{h2{break-after:avoid}.picture{break-inside:avoid}}";

pub struct Page {
    text: String,
}

impl Page {
    pub fn new(title: &str) -> Self {
        let title = escaped(title);
        Page {
            text: format!(
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
                 <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
                 <title>{title}</title><style>{STYLE}</style></head>\n<body>\n\
                 <svg width=\"0\" height=\"0\" style=\"position:absolute\">{SYMBOLS}</svg>\n<h1>{title}</h1>\n"
            ),
        }
    }

    pub fn heading(&mut self, text: &str) {
        // Into a String: cannot fail.
        let _ = writeln!(self.text, "<h2>{}</h2>", escaped(text));
    }

    pub fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.text, "<p>{}</p>", escaped(text));
    }

    /// An SVG picture of this crate's, with the letters of its logos or without.
    pub fn picture(&mut self, svg: &str) {
        let _ = writeln!(
            self.text,
            "<div class=\"picture\">{}</div>",
            svg.replace(SYMBOLS, "")
        );
    }

    pub fn finish(mut self) -> String {
        self.text.push_str("</body></html>\n");
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_and_its_text_cannot_break_it() {
        let mut page = Page::new("a<b");
        page.heading("M1 & M2");
        page.paragraph("</body>");
        page.picture(&format!("<svg>{SYMBOLS}<g/></svg>"));
        let text = page.finish();
        assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</body></html>\n"));
        assert!(text.contains("<title>a&lt;b</title>") && text.contains("M1 &amp; M2"));
        assert!(text.contains("&lt;/body&gt;"));
        assert_eq!(text.matches(SYMBOLS).count(), 1);
        assert!(!text.contains("http"), "{text}");
    }
}
