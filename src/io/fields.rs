//! The fields of a table's line: separated by tabs, commas or white space, bare or in double quotes as spreadsheets and R's
//! write.table put them.

use std::borrow::Cow;
use std::path::Path;

/// What parts the fields of a table's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    Tab,
    Comma,
    /// Any run of white space.
    Blanks,
}

impl Separator {
    /// The separator of a table whose header and first row are these. The row decides, since a header of one name may have
    /// none: a tab; else a comma, if the file is called .csv, the header has commas too or nothing else parts the row; else
    /// white space.
    pub fn of_table(path: &Path, header: &str, row: &str) -> Separator {
        if row.contains('\t') {
            Separator::Tab
        } else if row.contains(',')
            && (is_csv(path) || header.contains(',') || !row.trim().contains(char::is_whitespace))
        {
            Separator::Comma
        } else {
            Separator::Blanks
        }
    }

    /// The separator of a name and a sequence: a tab; else a comma, if the file is called .csv, nothing else parts the two
    /// or white space leaves it at one of them (`a, ACGT`; `a b,ACGT`); else white space.
    pub fn of_pair(path: &Path, line: &str) -> Separator {
        let words: Vec<&str> = line.split_whitespace().collect();
        let in_last = words.last().is_some_and(|word| word.contains(','));
        let behind_first = words.first().is_some_and(|word| word.ends_with(','));
        if line.contains('\t') {
            Separator::Tab
        } else if line.contains(',') && (is_csv(path) || in_last || behind_first) {
            Separator::Comma
        } else {
            Separator::Blanks
        }
    }

    /// A line's fields without the white space and the quotes around them.
    ///
    /// # Errors
    /// A quote that is not closed, in words.
    pub fn split(self, line: &str) -> Result<Vec<Cow<'_, str>>, String> {
        let bare: Vec<&str> = match self {
            Separator::Tab => line.split('\t').map(str::trim).collect(),
            Separator::Comma => line.split(',').map(str::trim).collect(),
            Separator::Blanks => line.split_whitespace().collect(),
        };
        if bare.iter().any(|field| field.starts_with('"')) {
            let fields = self.unquote(line)?;
            return Ok(fields.into_iter().map(Cow::Owned).collect());
        }
        Ok(bare.into_iter().map(Cow::Borrowed).collect())
    }

    fn unquote(self, line: &str) -> Result<Vec<String>, String> {
        // R puts a backslash before a quote inside quotes, spreadsheets write it twice.
        let escaped = line.contains("\\\"");
        let quotes = line.matches('"').count() - line.matches("\\\"").count();
        if quotes % 2 == 1 {
            return Err("a quote (\") that is not closed".to_string());
        }
        let line = match self {
            Separator::Tab | Separator::Comma => before_quotes(line, self == Separator::Tab),
            Separator::Blanks => Cow::Borrowed(line),
        };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .escape(escaped.then_some(b'\\'))
            .delimiter(match self {
                Separator::Tab => b'\t',
                Separator::Comma => b',',
                Separator::Blanks => b' ',
            })
            .from_reader(line.as_bytes());
        let mut record = csv::StringRecord::new();
        reader.read_record(&mut record).map_err(|e| e.to_string())?;
        // Of several blanks in a row each but one is before an empty field.
        let kept = |field: &&str| self != Separator::Blanks || !field.is_empty();
        Ok(record.iter().filter(kept).map(str::to_string).collect())
    }
}

/// A line without the blanks before a quote that opens a field: the crate takes such a quote for a part of the field.
fn before_quotes(line: &str, by_tabs: bool) -> Cow<'_, str> {
    let separator = if by_tabs { '\t' } else { ',' };
    if !line.contains(" \"") {
        return Cow::Borrowed(line);
    }
    let (mut kept, mut inside, mut at_start) = (String::with_capacity(line.len()), false, true);
    for (place, c) in line.char_indices() {
        let before_quote = || line[place..].trim_start_matches(' ').starts_with('"');
        if at_start && !inside && c == ' ' && before_quote() {
            continue;
        }
        inside ^= c == '"';
        at_start = !inside && c == separator;
        kept.push(c);
    }
    Cow::Owned(kept)
}

/// A name without the double quotes around it.
pub fn unquoted(name: &str) -> &str {
    name.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(name)
}

/// Called .csv, packed or not.
fn is_csv(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    name.ends_with(".csv") || name.ends_with(".csv.gz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_what_parts_it() {
        for (path, header, row, expected) in [
            ("s.tsv", "a\tb", "p1\t1\t2", Separator::Tab),
            ("s.csv", "a\tb", "p1\t1\t2", Separator::Tab),
            ("s.tsv", "a", "p,1\t1", Separator::Tab),
            ("s.csv", "a", "p 1,1", Separator::Comma),
            ("s.CSV.gz", "a", "p 1,1", Separator::Comma),
            ("s.txt", "a,b", "p 1,1,2", Separator::Comma),
            ("s.txt", "a", "p1,1", Separator::Comma),
            ("s.txt", "a b", "p1 1 2", Separator::Blanks),
            ("s.csv", "a b", "p1 1 2", Separator::Blanks),
            // Decimal commas.
            ("s.txt", "a", "p1 0,5", Separator::Blanks),
        ] {
            let found = Separator::of_table(Path::new(path), header, row);
            assert_eq!(found, expected, "{path} {header} {row}");
        }
    }

    #[test]
    fn a_pair_shows_what_parts_it() {
        for (path, line, expected) in [
            ("s", "a\tAC,G", Separator::Tab),
            ("s", "a,ACG", Separator::Comma),
            ("s", "a, ACG", Separator::Comma),
            ("s", "a b,ACG", Separator::Comma),
            ("s", "a b , ACG", Separator::Blanks),
            ("s.csv", "a b , ACG", Separator::Comma),
            ("s", "a ACG", Separator::Blanks),
            // Commas inside numbers.
            ("s", "chr1:1,000-1,003 ACG", Separator::Blanks),
        ] {
            let found = Separator::of_pair(Path::new(path), line);
            assert_eq!(found, expected, "{path} {line}");
        }
    }

    #[test]
    fn quotes_and_white_space_are_taken_off() {
        for (separator, line, expected) in [
            (Separator::Tab, "a \t b c\t", &["a", "b c", ""][..]),
            (Separator::Tab, "\"a\"\t\"b c\"\t1", &["a", "b c", "1"]),
            (Separator::Comma, "\"\",\"x,y\", 2", &["", "x,y", "2"]),
            (
                Separator::Comma,
                " \"a\" ,  \"x, y\", z",
                &["a", "x, y", "z"],
            ),
            (Separator::Tab, "\"a\"\t \"b \"\"c\"\"\"", &["a", "b \"c\""]),
            (Separator::Blanks, " a  b ", &["a", "b"]),
            (
                Separator::Blanks,
                "\"T cells\"  \"B\" 1",
                &["T cells", "B", "1"],
            ),
            (Separator::Comma, r#""5"" end",1"#, &["5\" end", "1"]),
            (Separator::Tab, "\"5\\\" end\"\t1", &["5\" end", "1"]),
            // Not around a field.
            (Separator::Tab, "5\" end\t1", &["5\" end", "1"]),
        ] {
            assert_eq!(separator.split(line).unwrap(), expected, "{line}");
        }
        let open = Separator::Tab.split("\"a\t1").unwrap_err();
        assert!(open.contains("not closed"), "{open}");
        assert_eq!(
            (unquoted("\"a\""), unquoted("a\""), unquoted("\"")),
            ("a", "a\"", "\"")
        );
    }
}
