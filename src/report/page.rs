//! A page of headings, text and pictures: one HTML file that asks nothing of any other.

use super::logo::SYMBOLS;
use super::svg::escaped;
use std::fmt::Write;

/// Readable on paper and on a narrow screen, whose pictures scroll alone.
const STYLE: &str = "body{font:15px/1.45 sans-serif;color:#222;max-width:70em;margin:1.5em auto;padding:0 1em}\
h1{font-size:1.5em}h2{font-size:1.15em;margin:1.8em 0 .3em;border-top:1px solid #ddd;padding-top:.8em}\
h3{font-size:1em;margin:1.2em 0 .3em}.picture,.table{overflow-x:auto}svg{display:block}p{margin:.3em 0;overflow-wrap:anywhere}p.advice{color:#555;font-size:.93em}\
table{border-collapse:collapse;font-size:.93em;margin:.4em 0}th,td{padding:.15em .7em .15em 0;text-align:left;vertical-align:top}th{border-bottom:1px solid #999}\
th{vertical-align:bottom}td.n,th.n{text-align:right}td.n{white-space:nowrap}pre{overflow-x:auto;background:#f6f6f6;padding:.6em;font-size:.88em}summary{cursor:pointer;color:#235799}\
@media print,(min-width:900px){svg{max-width:100%;height:auto}}@media print{.table{overflow:visible}td{word-break:break-word}h2,h3{break-after:avoid}.picture,tr{break-inside:avoid}pre{white-space:pre-wrap;word-break:break-all}}";

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

    /// A heading within a section.
    pub fn subheading(&mut self, text: &str) {
        let _ = writeln!(self.text, "<h3>{}</h3>", escaped(text));
    }

    /// What a number should be, and what to do where it is not.
    pub fn advice(&mut self, text: &str) {
        let _ = writeln!(self.text, "<p class=\"advice\">{}</p>", escaped(text));
    }

    /// Text as it would be typed.
    pub fn code(&mut self, text: &str) {
        let _ = writeln!(self.text, "<pre>{}</pre>", escaped(text));
    }

    /// A table; where a column holds numbers alone they stand to the right. Rows beyond `most` are folded in.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<String>], most: usize) {
        let is_number = |field: &String| field.is_empty() || field.parse::<f64>().is_ok();
        let numeric: Vec<bool> = (0..header.len())
            .map(|column| rows.iter().filter_map(|row| row.get(column)).all(is_number))
            .collect();
        let (shown, more) = rows.split_at(most.min(rows.len()));
        if !shown.is_empty() {
            self.rows(header, shown, &numeric);
        }
        if !more.is_empty() {
            let _ = writeln!(self.text, "<details><summary>{} more</summary>", more.len());
            self.rows(header, more, &numeric);
            self.text.push_str("</details>\n");
        }
    }

    fn rows(&mut self, header: &[&str], rows: &[Vec<String>], numeric: &[bool]) {
        let class = |column: usize| match numeric.get(column) {
            Some(true) => " class=\"n\"",
            _ => "",
        };
        self.text.push_str("<div class=\"table\"><table><tr>");
        for (column, name) in header.iter().enumerate() {
            let _ = write!(self.text, "<th{}>{}</th>", class(column), escaped(name));
        }
        self.text.push_str("</tr>\n");
        for row in rows {
            self.text.push_str("<tr>");
            for (column, field) in row.iter().enumerate() {
                let _ = write!(self.text, "<td{}>{}</td>", class(column), escaped(field));
            }
            self.text.push_str("</tr>\n");
        }
        self.text.push_str("</table></div>\n");
    }

    /// A paragraph that may be long: what is beyond its first letters is folded in.
    pub fn long(&mut self, text: &str) {
        const SHOWN: usize = 600;
        if text.chars().count() <= SHOWN {
            return self.paragraph(text);
        }
        let first: String = text.chars().take(SHOWN / 2).collect();
        let _ = writeln!(
            self.text,
            "<details><summary>{} …</summary><p>{}</p></details>",
            escaped(&first),
            escaped(text)
        );
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
    fn tables_keep_numbers_to_the_right_and_fold_what_is_long() {
        let mut page = Page::new("a");
        let rows: Vec<Vec<String>> = (0..5)
            .map(|i| vec![format!("<{i}>"), i.to_string()])
            .collect();
        page.table(&["name", "number"], &rows, 3);
        page.subheading("b & c");
        page.advice("> 0");
        page.code("x < y");
        page.long(&"ab ".repeat(300));
        let text = page.finish();
        assert_eq!(text.matches("<td class=\"n\">").count(), 5);
        assert!(text.contains("<td>&lt;4&gt;</td>") && text.contains("<summary>2 more</summary>"));
        assert_eq!(text.matches("<details>").count(), 2);
        assert!(text.contains("<h3>b &amp; c</h3>") && text.contains("<pre>x &lt; y</pre>"));
        for tag in ["table", "details", "tr", "td", "th", "div", "p", "pre"] {
            let open = text.matches(&format!("<{tag}>")).count()
                + text.matches(&format!("<{tag} ")).count();
            assert_eq!(open, text.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

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
