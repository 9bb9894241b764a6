//! Signal tables: one row per sequence, one column per output; columns that say something of the rows beside them.

mod columns;
mod missing;

pub use columns::RowColumns;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::fields::Separator;
use super::text::{Lines, excerpt, first_names};
use crate::dna::sequences::chromosome_in_name;
use crate::numbers::counted;
use crate::{Error, Result};
use columns::{Column, batch, chosen, weight};
use missing::is_missing;

/// Signals by name.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalTable {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// What the header says over the rows' names, where it has a field there.
    pub corner: Option<Corner>,
    /// The rows' names (sequences), unique, in the order of the file.
    pub rows: Vec<String>,
    /// The names of the columns of signals, unique, in the order of the file.
    pub outputs: Vec<String>,
    /// Finite numbers, NaN where one is missing, rows x outputs, row-major. No output is without a number.
    pub values: Vec<f64>,
    /// The rows' weights, 0 or more and not all 0, where a column was said to hold them.
    pub weights: Option<Vec<f64>>,
    /// The rows' batches, where a column was said to name them.
    pub batches: Option<Vec<String>>,
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
/// around a field are taken off. Blank lines are skipped. An empty field, `NA` and `NaN` are missing numbers.
///
/// Errors name the line: no header, no rows, a row of another width, a value that is no finite
/// number and not missing, a name (row or output) that is empty or comes twice; an output without a number.
pub fn read_signals(path: impl AsRef<Path>) -> Result<SignalTable> {
    parse_signals(Lines::open(path.as_ref())?, &RowColumns::default())
}

/// As [`read_signals`], from lines that are open already; `own`: columns that are no outputs.
///
/// Errors beside those: such a column that is not there; a weight that is no number of 0 or more; weights that are all 0; a row
/// without a batch.
pub fn parse_signals(mut lines: Lines, own: &RowColumns) -> Result<SignalTable> {
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
    let (corner, names) = names(&header, &first, header_line, &lines)?;
    let columns = chosen(own, &names).map_err(|e| match e {
        Error::Invalid(message) => Error::format_at(lines.path(), header_line, message),
        other => other,
    })?;
    let outputs = names.iter().zip(&columns);
    let outputs = outputs.filter(|(_, column)| **column == Column::Output);

    let mut table = SignalTable {
        path: lines.path().to_path_buf(),
        corner,
        rows: Vec::new(),
        outputs: outputs.map(|(name, _)| name.clone()).collect(),
        values: Vec::new(),
        weights: own.weights.as_ref().map(|_| Vec::new()),
        batches: own.batch.as_ref().map(|_| Vec::new()),
    };
    let mut line_of: HashMap<String, u64> = HashMap::new();
    loop {
        let row = separator.split(&line).map_err(|e| lines.error(e))?;
        let (name, values) = match row.split_first() {
            Some((name, values)) if !name.is_empty() => (name.as_ref(), values),
            _ => return Err(lines.error("a row without a name in its first column")),
        };
        let wanted = names.len();
        if values.len() != wanted {
            return Err(lines.error(format!(
                "{} in row {}; expected {wanted}, as the header and the first row have",
                counted(values.len(), "value"),
                excerpt(name)
            )));
        }
        for ((value, column), column_name) in values.iter().zip(&columns).zip(&names) {
            let wrong = |expected: String| {
                let (value, name) = (excerpt(value), excerpt(name));
                lines.error(format!(
                    "{value} in row {name}, column '{column_name}'; expected {expected}"
                ))
            };
            match column {
                Column::Output => {
                    let first = *column_name == names[0];
                    table
                        .values
                        .push(signal(value, name, first).map_err(wrong)?);
                }
                Column::Weight => {
                    let weight = weight(value).map_err(wrong)?;
                    table.weights.get_or_insert_default().push(weight);
                }
                Column::Batch => {
                    let batch = batch(value).map_err(wrong)?;
                    table.batches.get_or_insert_default().push(batch);
                }
            }
        }
        if let Some(before) = line_of.insert(name.to_string(), lines.number()) {
            return Err(lines.error(format!(
                "row {} again, first on line {before}; names must be unique",
                excerpt(name)
            )));
        }
        table.rows.push(name.to_string());
        if !lines.read_filled(&mut line)? {
            table.check(own, header_line)?;
            return Ok(table);
        }
    }
}

impl SignalTable {
    /// # Errors
    /// An output without a number; weights that are all 0.
    fn check(&self, own: &RowColumns, header_line: u64) -> Result<()> {
        let wrong = |message| Err(Error::format_at(&self.path, header_line, message));
        let rows = counted(self.rows.len(), "row");
        if let Some(output) = self.without_numbers().next() {
            return wrong(format!(
                "column '{output}': no number in any of {rows} (all are empty, NA or NaN); leave the column out, or look whether each name of the header stands over its column"
            ));
        }
        match (&own.weights, &self.weights) {
            (Some(name), Some(weights)) if weights.iter().all(|weight| *weight == 0.0) => {
                wrong(format!(
                    "column '{name}': all weights are 0, which leaves out all of {rows}; expected some above 0"
                ))
            }
            _ => Ok(()),
        }
    }
}

/// A number of an output, NaN where it is missing.
///
/// # Errors
/// What was expected.
fn signal(value: &str, row: &str, first: bool) -> std::result::Result<f64, String> {
    if is_missing(value) {
        return Ok(f64::NAN);
    }
    match value.parse().ok().filter(|number: &f64| number.is_finite()) {
        Some(number) if number.abs() > LARGEST => Err(format!(
            "numbers up to {LARGEST:.1e}, as single precision holds them (scale them, as by log2(x + 1))"
        )),
        Some(number) => Ok(number),
        None => Err(match remedy(row, value, first) {
            Some(remedy) => format!("a finite number{remedy}"),
            None => "a finite number, or an empty field, NA or NaN where there is none".to_string(),
        }),
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
fn remedy(name: &str, value: &str, first: bool) -> Option<&'static str> {
    let is_number = value.parse::<f64>().is_ok();
    if value.contains(',') && value.replace(',', ".").parse::<f64>().is_ok() {
        Some(" (with a point, not a comma)")
    } else if first && name.parse::<u64>().is_ok() && !is_number {
        Some(
            "; are the rows numbered in the first column? Expected the sequences' names there (in R: row.names = FALSE, in pandas: index=False)",
        )
    } else {
        None
    }
}

/// The header's field over the rows' names and the columns' names; whether the header's first field is one of these, the
/// first row tells.
fn names(
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
#[path = "signals/tests.rs"]
mod tests;
