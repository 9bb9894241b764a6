//! Signal tables: one row per sequence, one column per output.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::fields::Separator;
use super::text::{Lines, excerpt, first_names};
use crate::dna::sequences::chromosome_in_name;
use crate::numbers::counted;
use crate::{Error, Result};

/// Signals by name.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalTable {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// What the header says over the rows' names, where it has a field there.
    pub corner: Option<Corner>,
    /// The rows' names (sequences), unique, in the order of the file.
    pub rows: Vec<String>,
    /// The columns' names, unique, in the order of the file.
    pub outputs: Vec<String>,
    /// Finite numbers, rows x outputs, row-major.
    pub values: Vec<f64>,
}

/// The header's field over the rows' names. A sequence's name there shows that the table has no header.
#[derive(Clone, Debug, PartialEq)]
pub struct Corner {
    pub text: String,
    /// The header's line, counted from 1.
    pub line: u64,
}

impl SignalTable {
    /// A note where all outputs are named by whole numbers, beside a name: the first row of a table without a header looks so.
    pub fn may_lack_header(&self) -> Option<String> {
        let corner = self.corner.as_ref()?;
        let whole = |name: &String| name.parse::<i64>().is_ok();
        let odd = !corner.text.is_empty() && self.outputs.iter().all(whole);
        odd.then(|| {
            format!(
                "note: {}, line {}: taken as the header, so the outputs are called {}; if it is the row of {}, put a header before it",
                self.path.display(),
                corner.line,
                first_names(&self.outputs),
                excerpt(&corner.text)
            )
        })
    }

    /// The signals of row `i`, one per output. Panics when there is no such row.
    pub fn row(&self, i: usize) -> &[f64] {
        let width = self.outputs.len();
        &self.values[i * width..(i + 1) * width]
    }
}

/// Reads a table: a header with the outputs' names, then one line per row, its name first.
///
/// The header may name the column of names or not (one field fewer). Columns are separated by tabs; by commas, where the
/// file's name or its first lines show it ([`Separator::of_table`]); or, in a table without either, by white space. Quotes
/// around a field are taken off. Blank lines are skipped.
///
/// Errors name the line: no header, no rows, a row of another width, a value that is no finite
/// number, a name (row or output) that is empty or comes twice.
pub fn read_signals(path: impl AsRef<Path>) -> Result<SignalTable> {
    parse_signals(Lines::open(path.as_ref())?)
}

/// As [`read_signals`], from lines that are open already.
pub fn parse_signals(mut lines: Lines) -> Result<SignalTable> {
    let (mut header, mut line) = (String::new(), String::new());
    if !lines.read_filled(&mut header)? {
        return Err(lines.empty("a header line with the names of the outputs"));
    }
    let header_line = lines.number();
    if !lines.read_filled(&mut line)? {
        return Err(lines.error("a header and no rows; expected one line per sequence"));
    }
    let separator = Separator::of_table(lines.path(), &header, &line);
    if separator != Separator::Tab && has_semicolons(&line) {
        return Err(lines.error(format!(
            "{}: fields separated by semicolons; expected tabs or commas between them, and a point in decimal numbers (in R: write.csv, not write.csv2)",
            excerpt(&line)
        )));
    }
    let header = separator
        .split(&header)
        .map_err(|e| Error::format_at(lines.path(), header_line, e))?;
    let first = separator.split(&line).map_err(|e| lines.error(e))?;
    let (corner, outputs) = outputs(&header, &first, header_line, &lines)?;

    let mut table = SignalTable {
        path: lines.path().to_path_buf(),
        corner,
        rows: Vec::new(),
        outputs,
        values: Vec::new(),
    };
    let mut line_of: HashMap<String, u64> = HashMap::new();
    loop {
        let row = separator.split(&line).map_err(|e| lines.error(e))?;
        let (name, values) = match row.split_first() {
            Some((name, values)) if !name.is_empty() => (name.as_ref(), values),
            _ => return Err(lines.error("a row without a name in its first column")),
        };
        let wanted = table.outputs.len();
        if values.len() != wanted {
            return Err(lines.error(format!(
                "{} in row {}; expected {wanted}, as the header and the first row have",
                counted(values.len(), "value"),
                excerpt(name)
            )));
        }
        for (value, output) in values.iter().zip(&table.outputs) {
            let number = value.parse().ok().filter(|number: &f64| number.is_finite());
            if number.is_some_and(|number| number.abs() > LARGEST) {
                return Err(lines.error(format!(
                    "{} in row {}, column '{output}'; expected numbers up to {:.1e}, as single precision holds them (scale them, as by log2(x + 1))",
                    excerpt(value),
                    excerpt(name),
                    LARGEST
                )));
            }
            table.values.push(number.ok_or_else(|| {
                lines.error(format!(
                    "{} in row {}, column '{output}'; expected a finite number{}",
                    excerpt(value),
                    excerpt(name),
                    remedy(name, value, *output == table.outputs[0])
                ))
            })?);
        }
        if let Some(before) = line_of.insert(name.to_string(), lines.number()) {
            return Err(lines.error(format!(
                "row {} again, first on line {before}; names must be unique",
                excerpt(name)
            )));
        }
        table.rows.push(name.to_string());
        if !lines.read_filled(&mut line)? {
            return Ok(table);
        }
    }
}

/// Single precision, in which models are trained, holds no larger number.
const LARGEST: f64 = f32::MAX as f64;

/// A name and decimal numbers, separated by semicolons.
fn has_semicolons(row: &str) -> bool {
    let mut values = row.split(';').skip(1).peekable();
    let number = |value: &str| value.trim().replace(',', ".").parse::<f64>().is_ok();
    values.peek().is_some() && values.all(number)
}

/// What can be done about a value that is no number, where its form tells.
fn remedy(name: &str, value: &str, first: bool) -> &'static str {
    let is_missing = value.is_empty() || value == "NA" || value.parse::<f64>().is_ok();
    if value.contains(',') && value.replace(',', ".").parse::<f64>().is_ok() {
        " (with a point, not a comma)"
    } else if first && name.parse::<u64>().is_ok() && !is_missing {
        "; are the rows numbered in the first column? Expected the sequences' names there (in R: row.names = FALSE, in pandas: index=False)"
    } else {
        ""
    }
}

/// The header's field over the rows' names and the outputs' names; whether the header's first field is one of these, the
/// first row tells.
fn outputs(
    header: &[Cow<str>],
    row: &[Cow<str>],
    at: u64,
    lines: &Lines,
) -> Result<(Option<Corner>, Vec<String>)> {
    let wrong = |message: String| Error::format_at(lines.path(), at, message);
    if row.len() < 2 {
        return Err(lines.error(format!(
            "{}: one column; expected a name and values, separated by tabs, commas or spaces",
            excerpt(row.first().map_or("", |field| field.as_ref()))
        )));
    }
    let (corner, names) = match header {
        names if names.len() + 1 == row.len() => (None, names),
        [corner, names @ ..] if header.len() == row.len() => (Some(corner), names),
        _ => {
            return Err(wrong(format!(
                "{} in the header and {} in the first row; expected as many, or one fewer",
                counted(header.len(), "field"),
                row.len()
            )));
        }
    };
    let of_interval = corner.is_some_and(|corner| chromosome_in_name(corner).is_some());
    if are_values(names, of_interval) {
        let named = corner.map_or(String::new(), |corner| format!("{} and ", excerpt(corner)));
        return Err(wrong(format!(
            "no header: {named}numbers ({}); expected a first line with the names of the outputs (where these numbers are names, put a letter before each)",
            first_names(names)
        )));
    }
    let mut seen = HashSet::new();
    for name in names {
        if name.is_empty() {
            return Err(wrong(
                "an output without a name in the header; expected one over each column of numbers (is the header one column too far left?)"
                    .to_string(),
            ));
        }
        if !seen.insert(name) {
            return Err(wrong(format!(
                "output {} twice in the header; names must be unique",
                excerpt(name)
            )));
        }
    }
    let corner = corner.map(|text| Corner {
        text: text.to_string(),
        line: at,
    });
    Ok((corner, names.iter().map(|name| name.to_string()).collect()))
}

/// Fields that are a row's values and not outputs' names: numbers alone, some of them with a point or an exponent, since an
/// output may well be called 1; behind the name of an interval, numbers of any kind.
fn are_values(fields: &[Cow<str>], of_interval: bool) -> bool {
    let is_number = |field: &Cow<str>| field.parse::<f64>().is_ok() || field.as_ref() == "NA";
    let measured = |field: &Cow<str>| {
        field.parse::<f64>().is_ok_and(f64::is_finite) && field.contains(['.', 'e', 'E'])
    };
    fields.iter().all(is_number) && (of_interval || fields.iter().any(measured))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<SignalTable> {
        parse_signals(Lines::new("s.tsv", std::io::Cursor::new(text.to_string())))
    }

    #[test]
    fn the_header_may_name_the_row_column_or_not() {
        for text in [
            "K562\tMCF7\np1\t1\t-2.5\np2\t0\t1e3\n",
            "name\tK562\tMCF7\np1\t1\t-2.5\np2\t0\t1e3",
            "\tK562\tMCF7\r\np1\t1\t-2.5\r\n\r\np2\t0\t1e3\r\n",
            "K562 MCF7\np1  1 -2.5\np2 0   1e3\n",
        ] {
            let table = parse(text).unwrap();
            assert_eq!(table.rows, ["p1", "p2"]);
            assert_eq!(table.outputs, ["K562", "MCF7"]);
            assert_eq!(table.values, [1.0, -2.5, 0.0, 1e3]);
            assert_eq!(table.row(1), [0.0, 1e3]);
        }
    }

    #[test]
    fn one_output_needs_no_tab_in_the_header_and_names_may_hold_spaces() {
        assert_eq!(parse("K562\np1\t1\n").unwrap().outputs, ["K562"]);
        let table = parse("T cells\tB cells\npeak 1\t1\t2\n").unwrap();
        assert_eq!(
            (table.rows[0].as_str(), table.outputs[0].as_str()),
            ("peak 1", "T cells")
        );
        assert_eq!(parse("name\t1\t2\nx\t0\t0\n").unwrap().outputs, ["1", "2"]);
    }

    #[test]
    fn tables_of_spreadsheets_and_r_read_as_tabs_do() {
        let plain = parse("name\tT cells\tMCF7\np1\t1\t-2.5\np2\t0\t1e3\n").unwrap();
        for text in [
            // write.table with sep = "\t", with its own separator, and with col.names = NA.
            "\"T cells\"\t\"MCF7\"\n\"p1\"\t1\t-2.5\n\"p2\"\t0\t1e3\n",
            "\"T cells\" \"MCF7\"\n\"p1\" 1 -2.5\n\"p2\" 0 1e3\n",
            "\"\" \"T cells\" \"MCF7\"\n\"p1\" 1 -2.5\n\"p2\" 0 1e3\n",
            // write.csv, a spreadsheet, and one without a corner.
            "\"\",\"T cells\",\"MCF7\"\n\"p1\",1,-2.5\n\"p2\",0,1e3\n",
            "name,T cells,MCF7\r\np1,1,-2.5\r\np2,0,1e3\r\n",
            "T cells,MCF7\np1, 1, -2.5\np2, 0, 1e3\n",
        ] {
            let table = parse(text).unwrap();
            assert_eq!(table.rows, plain.rows, "{text}");
            assert_eq!(table.outputs, plain.outputs, "{text}");
            assert_eq!(table.values, plain.values, "{text}");
        }
        assert_eq!(parse("K562\np1,1\n").unwrap().outputs, ["K562"]);
    }

    #[test]
    fn every_fault_names_its_line() {
        for (text, expected) in [
            ("", "s.tsv: the file is empty; expected a header line"),
            ("\n \n", "s.tsv: the file is empty"),
            ("a\tb\n", "s.tsv, line 1: a header and no rows"),
            ("a|b\np1|1|2\n", "line 2: 'p1|1|2': one column"),
            (
                "\"a\nb\"\np1\t1\n",
                "line 1: a quote (\") that is not closed",
            ),
            (
                "a\np1\t1\n\"p2\t1\n",
                "line 3: a quote (\") that is not closed",
            ),
            (
                "a;b\np1;1,5;2\n",
                "line 2: 'p1;1,5;2': fields separated by semicolons; expected tabs or commas",
            ),
            ("a\tb\np1\t1\n", "line 1: 2 fields in the header"),
            (
                "a\tb\tc\td\np1\t1\n",
                "line 1: 4 fields in the header and 2 in the first row",
            ),
            (
                "a\tb\np1\t1\t2\np2\t1\n",
                "line 3: 1 value in row 'p2'; expected 2",
            ),
            (
                "a\tb\np1\t1\t2\n\np2\t1\t2\t3\n",
                "line 4: 3 values in row 'p2'; expected 2",
            ),
            (
                "a\tb\np1\t1\tx\n",
                "line 2: 'x' in row 'p1', column 'b'; expected a finite number",
            ),
            ("a\tb\np1\t1\t\n", "line 2: '' in row 'p1', column 'b'"),
            (
                "a\tb\np1\tNaN\t1\n",
                "line 2: 'NaN' in row 'p1', column 'a'",
            ),
            (
                "a\tb\np1\t1\t-inf\n",
                "line 2: '-inf' in row 'p1', column 'b'",
            ),
            (
                "a\tb\np1\t1\t1e999\n",
                "line 2: '1e999' in row 'p1', column 'b'",
            ),
            (
                "a\tb\np1\t1\t-1e39\n",
                "line 2: '-1e39' in row 'p1', column 'b'; expected numbers up to 3.4e38",
            ),
            (
                "a\tb\np1\t1\t0,5\n",
                "expected a finite number (with a point, not a comma)",
            ),
            ("a\na\t1\na\t2\n", "line 3: row 'a' again, first on line 2"),
            ("a\ta\np1\t1\t2\n", "line 1: output 'a' twice"),
            ("a\t\np1\t1\t2\n", "line 1: an output without a name"),
            ("a\tb\n\t1\t2\n", "line 2: a row without a name"),
            (
                "chr1:1-2\t0.5\nchr1:5-6\t0.6\n",
                "line 1: no header: 'chr1:1-2' and numbers",
            ),
            (
                "p1\t0.5\t1\tNA\np2\t0.6\t2\t3\n",
                "line 1: no header: 'p1' and numbers ('0.5', '1', 'NA'); expected a first line",
            ),
            ("p1,1e-3\np2,0.6\n", "line 1: no header: 'p1' and numbers"),
            (
                "0.5\t1.5\np2\t1\t2\n",
                "line 1: no header: numbers ('0.5', '1.5')",
            ),
            (
                "K562\tMCF7\t\np1\t1\t2\n",
                "line 1: an output without a name",
            ),
            (
                "name\ta\n1\tpeak_1\t1\n",
                "line 2: 'peak_1' in row '1', column 'name'; expected a finite number; are the rows numbered",
            ),
            (
                "a\np1\t0,5\n",
                "line 2: '0,5' in row 'p1', column 'a'; expected a finite number (with a point",
            ),
        ] {
            let found = match parse(text) {
                Err(e) => e.to_string(),
                // Two fields and two: the header's first one then names the rows.
                Ok(table) => {
                    assert_eq!(text, "a\tb\np1\t1\n");
                    assert_eq!(table.outputs, ["b"]);
                    continue;
                }
            };
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    #[test]
    fn real_tables_read_whole() {
        let Some(data) = crate::real_data::real_data() else {
            return;
        };
        let folder = data.join("tisfm");
        for (name, rows, outputs) in [
            ("chr22_atac3/signals.tsv.gz", 8710, 3),
            ("chr22_atac3/signals_rowcentred.tsv.gz", 8710, 3),
            ("immgen_sample/signals.tsv", 100, 81),
        ] {
            let table = read_signals(folder.join(name)).unwrap();
            assert_eq!(
                (table.rows.len(), table.outputs.len()),
                (rows, outputs),
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_table_reads_back_to_the_same_numbers(
            values in prop::collection::vec(prop::array::uniform3(-3e38..3e38_f64), 1..20),
            named in any::<bool>(),
        ) {
            let mut text = String::from(if named { "name\ta\tb\tc\n" } else { "a\tb\tc\n" });
            for (i, [a, b, c]) in values.iter().enumerate() {
                text.push_str(&format!("row{i}\t{a}\t{b:e}\t{c:?}\n"));
            }
            prop_assert_eq!(parse(&text).unwrap().values, values.concat());
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(a|b|1|-|nan|\t|\n| |é){0,40}") {
            let _ = parse(&text);
        }
    }
}
