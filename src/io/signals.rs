//! Signal tables: a row a sequence, a column an output.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::text::{Lines, excerpt};
use crate::Result;
use crate::numbers::counted;

/// Signals by name.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalTable {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// The rows' names (sequences), unique, in the order of the file.
    pub rows: Vec<String>,
    /// The columns' names, unique, in the order of the file.
    pub outputs: Vec<String>,
    /// Finite numbers, rows x outputs, row-major.
    pub values: Vec<f64>,
}

impl SignalTable {
    /// The signals of row `i`, one an output. Panics when there is no such row.
    pub fn row(&self, i: usize) -> &[f64] {
        let width = self.outputs.len();
        &self.values[i * width..(i + 1) * width]
    }
}

/// Reads a table: a header with the outputs' names, then a line a row, its name first.
///
/// The header may name the column of names or not (one field fewer). Columns are parted by tabs
/// or, in a table without tabs, by white space. Blank lines are skipped.
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
        return Err(lines.error("a header and no rows; expected a line for every sequence"));
    }
    // The first row decides: a header of one output has no tab of its own.
    let tabs = line.contains('\t');
    let header = fields(&header, tabs);
    let outputs = outputs(&header, &fields(&line, tabs), header_line, &lines)?;

    let mut table = SignalTable {
        path: lines.path().to_path_buf(),
        rows: Vec::new(),
        outputs,
        values: Vec::new(),
    };
    let mut line_of: HashMap<String, u64> = HashMap::new();
    loop {
        let row = fields(&line, tabs);
        let (name, values) = match row.split_first() {
            Some((name, values)) if !name.is_empty() => (*name, values),
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
            table.values.push(number.ok_or_else(|| {
                lines.error(format!(
                    "{} in row {}, column '{output}'; expected a finite number",
                    excerpt(value),
                    excerpt(name)
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

fn fields(line: &str, tabs: bool) -> Vec<&str> {
    if tabs {
        line.split('\t').map(str::trim).collect()
    } else {
        line.split_whitespace().collect()
    }
}

/// The outputs' names; whether the header's first field is one of them, the first row tells.
fn outputs(header: &[&str], row: &[&str], at: u64, lines: &Lines) -> Result<Vec<String>> {
    let wrong = |message: String| crate::Error::format_at(lines.path(), at, message);
    if row.len() < 2 {
        return Err(lines.error(format!(
            "{}: one column; expected a name and values, parted by tabs or spaces",
            excerpt(row.first().unwrap_or(&""))
        )));
    }
    let names = match header.len() {
        n if n + 1 == row.len() => header,
        n if n == row.len() => &header[1..],
        n => {
            return Err(wrong(format!(
                "{} in the header and {} in the first row; expected as many, or one fewer",
                counted(n, "field"),
                row.len()
            )));
        }
    };
    let is_number = |name: &&str| name.parse::<f64>().is_ok();
    if header.len() == row.len()
        && header.iter().skip(1).all(is_number)
        && crate::dna::sequences::chromosome_in_name(header[0]).is_some()
    {
        return Err(wrong(format!(
            "no header: {} and numbers; expected the names of the outputs",
            excerpt(header[0])
        )));
    }
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if name.is_empty() {
            return Err(wrong("an output without a name in the header".to_string()));
        }
        if !seen.insert(name) {
            return Err(wrong(format!(
                "output {} twice in the header; names must be unique",
                excerpt(name)
            )));
        }
    }
    Ok(names.iter().map(|name| name.to_string()).collect())
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
    fn every_fault_names_its_line() {
        for (text, expected) in [
            ("", "s.tsv: the file is empty; expected a header line"),
            ("\n \n", "s.tsv: the file is empty"),
            ("a\tb\n", "s.tsv, line 1: a header and no rows"),
            ("a,b\np1,1,2\n", "line 2: 'p1,1,2': one column"),
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
            ("a\na\t1\na\t2\n", "line 3: row 'a' again, first on line 2"),
            ("a\ta\np1\t1\t2\n", "line 1: output 'a' twice"),
            ("a\t\np1\t1\t2\n", "line 1: an output without a name"),
            ("a\tb\n\t1\t2\n", "line 2: a row without a name"),
            (
                "chr1:1-2\t0.5\nchr1:5-6\t0.6\n",
                "line 1: no header: 'chr1:1-2' and numbers",
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
            values in prop::collection::vec(prop::array::uniform3(-1e300..1e300_f64), 1..20),
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
