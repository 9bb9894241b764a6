//! Motifs in the MEME format (version 4 and later), in the dialects that its writers use.
//!
//! Read: free version text, `ALPHABET= ACGT` or an `ALPHABET "DNA" ...` block, strands and
//! background (not used), `w=`, `nsites=` and `E=` optional, URL lines, tabs, a last motif without
//! a blank line after it, text before the version line and between the sections, as the MEME
//! program itself writes it (training set, height diagrams, tables of sites, block diagrams).
//! `log-odds matrix:` sections are skipped.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use super::text::{Lines, excerpt};
use crate::dna::motif::{Motif, ROW_SUM_TOLERANCE};
use crate::numbers::counted;
use crate::{Error, Result};

/// How far it lies from 1 where something is said of it.
const ROW_SUM_NOTED: f64 = 1e-3;
/// Binary rounding of a sum of decimals.
const ROUNDING: f64 = 1e-9;

/// [`parse_meme`] of a file, where there is nobody to tell.
pub fn read_meme(path: impl AsRef<Path>) -> Result<Vec<Motif>> {
    parse_meme(Lines::open(path.as_ref())?, &mut Vec::new())
}

/// Reads all motifs of a file, in its order; at least one. Probabilities are kept as they are; where rows miss a sum of 1 by
/// more than 0.001, one of the notes says so.
///
/// Errors name the line: no version line, an alphabet other than DNA, a motif without a matrix
/// or a matrix without a motif, a repeated identifier, a row that is not four probabilities with
/// a sum of 1 within [`ROW_SUM_TOLERANCE`], a number of rows other than `w=`.
pub fn parse_meme(lines: Lines, notes: &mut Vec<String>) -> Result<Vec<Motif>> {
    let mut parser = Parser {
        lines,
        motifs: Vec::new(),
        line_of: HashMap::new(),
        open: None,
        after_log_odds: false,
        inexact: None,
    };
    parser.version()?;
    let mut line = String::new();
    while parser.lines.read(&mut line)? {
        parser.line(line.trim())?;
    }
    parser.close()?;
    if parser.motifs.is_empty() {
        let message = "no motif in this file; expected at least one line `MOTIF name`";
        return Err(Error::format(parser.lines.path(), message));
    }
    notes.extend(parser.inexact_note());
    Ok(parser.motifs)
}

struct Parser {
    lines: Lines,
    motifs: Vec<Motif>,
    line_of: HashMap<String, u64>,
    /// A motif whose matrix has not come yet.
    open: Option<Motif>,
    /// Numbers that follow belong to a log-odds matrix.
    after_log_odds: bool,
    inexact: Option<Inexact>,
}

/// Rows whose probabilities do not sum to 1.
struct Inexact {
    rows: usize,
    /// The first one's line and sum.
    line: u64,
    sum: f64,
    /// The largest distance from 1.
    distance: f64,
}

/// What the line `letter-probability matrix: ...` says.
#[derive(Default)]
struct MatrixHeader {
    width: Option<usize>,
    nsites: Option<f64>,
}

impl Parser {
    fn version(&mut self) -> Result<()> {
        const EXPECTED: &str = "a line `MEME version 4`";
        let (mut line, mut first) = (String::new(), None);
        while self.lines.read_filled(&mut line)? {
            let text = line.trim();
            if text.starts_with("MEME version") {
                return Ok(());
            }
            if is_motif(text) || text.starts_with("letter-probability") {
                let found = excerpt(text);
                return Err(self.lines.error(format!("{found} before {EXPECTED}")));
            }
            first.get_or_insert_with(|| excerpt(text));
        }
        Err(match first {
            None => self.lines.empty(EXPECTED),
            Some(first) => Error::format(
                self.lines.path(),
                format!("not a MEME file: it begins with {first} and has no line `MEME version`"),
            ),
        })
    }

    fn line(&mut self, text: &str) -> Result<()> {
        if is_motif(text) {
            self.close()?;
            self.start_motif(text)
        } else if let Some(rest) = section(text, "letter-probability") {
            self.matrix(rest)
        } else if section(text, "log-odds").is_some() {
            self.after_log_odds = true;
            Ok(())
        } else if let Some(rest) = text.strip_prefix("ALPHABET") {
            self.alphabet(rest)
        } else if !self.after_log_odds && is_stray_row(text) {
            let found = excerpt(text);
            Err(self.lines.error(format!(
                "{found}: a row of numbers outside any matrix; expected `MOTIF` or \
                 `letter-probability matrix:` (a blank line inside a matrix ends it)"
            )))
        } else {
            Ok(())
        }
    }

    fn start_motif(&mut self, text: &str) -> Result<()> {
        let words: Vec<&str> = text.split_whitespace().skip(1).collect();
        let Some(&id) = words.first() else {
            return Err(self.lines.error("`MOTIF` without a name"));
        };
        // The MEME program itself goes on: `MOTIF CAG MEME-1 width = 3 sites = 17`.
        let label = match words[1..] {
            [label] if !label.starts_with("width=") => Some(label),
            _ => None,
        };
        let number = self.lines.number();
        if let Some(before) = self.line_of.insert(id.to_string(), number) {
            return Err(self.lines.error(format!(
                "motif {} again, first on line {before}; names must be unique",
                excerpt(id)
            )));
        }
        self.after_log_odds = false;
        self.open = Some(Motif {
            id: id.to_string(),
            label: label.map(str::to_string),
            nsites: None,
            rows: Vec::new(),
        });
        Ok(())
    }

    /// A motif that ends (at the next one or at the end of the file) must have had its matrix.
    fn close(&mut self) -> Result<()> {
        let Some(motif) = self.open.take() else {
            return Ok(());
        };
        let line = self.line_of.get(&motif.id).copied().unwrap_or(0);
        let only = if self.after_log_odds {
            ", only a log-odds one"
        } else {
            ""
        };
        Err(Error::format_at(
            self.lines.path(),
            line,
            format!(
                "motif '{}' has no letter-probability matrix{only}",
                motif.id
            ),
        ))
    }

    fn matrix(&mut self, header: &str) -> Result<()> {
        let header = self.matrix_header(header)?;
        let Some(mut motif) = self.open.take() else {
            let before = match self.motifs.last() {
                Some(last) => format!("motif '{}' has its matrix already", last.id),
                None => "no `MOTIF` line before it".to_string(),
            };
            return Err(self
                .lines
                .error(format!("letter-probability matrix: {before}")));
        };
        motif.nsites = header.nsites;
        let mut line = String::new();
        while self.lines.read(&mut line)? {
            let text = line.trim();
            let wanted = header.width.is_some_and(|width| motif.rows.len() < width);
            if text.is_empty() && motif.rows.is_empty() {
                continue; // between the header and the first row
            }
            if text.is_empty() || !(is_row(text) || wanted && !is_section(text)) {
                self.lines.unread(&line);
                break;
            }
            let row = self.row(text, &motif)?;
            self.weigh(&row);
            motif.rows.push(row);
        }
        let rows = motif.rows.len();
        match header.width {
            Some(width) if width != rows => Err(self.lines.error(format!(
                "motif '{}' says w= {width} but its matrix has {}",
                motif.id,
                counted(rows, "row")
            ))),
            _ if rows == 0 => Err(self
                .lines
                .error(format!("the matrix of motif '{}' has no rows", motif.id))),
            _ => {
                self.after_log_odds = false;
                self.motifs.push(motif);
                Ok(())
            }
        }
    }

    /// `: alength= 4 w= 8 nsites= 1 E= 0`, each part optional, spaces around `=` free.
    fn matrix_header(&self, text: &str) -> Result<MatrixHeader> {
        let mut header = MatrixHeader::default();
        let spaced = text.trim_start_matches(':').replace('=', " = ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        for (i, _) in words.iter().enumerate().filter(|(_, word)| **word == "=") {
            let key = i.checked_sub(1).map_or("", |before| words[before]);
            let value = words.get(i + 1).copied().unwrap_or("");
            let wrong = |expected: &str| {
                self.lines
                    .error(format!("{key}= {value}: expected {expected}"))
            };
            match key {
                "alength" if value != "4" => return Err(wrong("4, the letters A, C, G, T")),
                "w" => {
                    let width = value.parse().ok().filter(|&width| width > 0);
                    header.width = Some(width.ok_or_else(|| wrong("a number of rows above 0"))?);
                }
                "nsites" => {
                    let count = value.parse().ok();
                    let count = count.filter(|count: &f64| count.is_finite() && *count >= 0.0);
                    header.nsites = Some(count.ok_or_else(|| wrong("a number of sites"))?);
                }
                _ => {}
            }
        }
        Ok(header)
    }

    fn row(&self, text: &str, motif: &Motif) -> Result<[f64; 4]> {
        let position = motif.rows.len() + 1;
        let wrong = |problem: String| {
            self.lines
                .error(format!("motif '{}', row {position}: {problem}", motif.id))
        };
        let mut row = [0.0; 4];
        let mut count = 0;
        for word in text.split_whitespace() {
            let value: f64 = word
                .parse()
                .map_err(|_| wrong(format!("{} is not a number", excerpt(word))))?;
            if !(0.0..=1.0 + ROW_SUM_TOLERANCE).contains(&value) {
                return Err(wrong(format!("{word} is not a probability (0 to 1)")));
            }
            if let Some(cell) = row.get_mut(count) {
                *cell = value;
            }
            count += 1;
        }
        if count != 4 {
            return Err(wrong(format!(
                "{}; expected 4, for A, C, G, T",
                counted(count, "number")
            )));
        }
        let sum: f64 = row.iter().sum();
        if (sum - 1.0).abs() > ROW_SUM_TOLERANCE + ROUNDING {
            let sum = rounded(sum);
            return Err(wrong(format!(
                "the probabilities sum to {sum}; expected 1 within {ROW_SUM_TOLERANCE}"
            )));
        }
        Ok(row)
    }

    /// Counts a row whose sum is not 1.
    fn weigh(&mut self, row: &[f64; 4]) {
        let sum: f64 = row.iter().sum();
        let distance = (sum - 1.0).abs();
        if distance <= ROW_SUM_NOTED + ROUNDING {
            return;
        }
        let line = self.lines.number();
        let inexact = self.inexact.get_or_insert(Inexact {
            rows: 0,
            line,
            sum,
            distance,
        });
        inexact.rows += 1;
        inexact.distance = inexact.distance.max(distance);
    }

    fn inexact_note(&self) -> Option<String> {
        let found = self.inexact.as_ref()?;
        let all: usize = self.motifs.iter().map(|motif| motif.rows.len()).sum();
        let (sum, used) = match found.rows {
            1 => ("sums", "it is used as it is"),
            _ => ("sum", "they are used as they are"),
        };
        Some(format!(
            "note: {}: {} of {all} rows {sum} to 1 only within {} (first on line {}: {}); {used}",
            self.lines.path().display(),
            found.rows,
            rounded(found.distance),
            found.line,
            rounded(found.sum)
        ))
    }

    /// `ALPHABET= ACGT` on one line, or a block to `END ALPHABET` whose lines name the letters.
    fn alphabet(&mut self, rest: &str) -> Result<()> {
        let mut letters: Vec<char> = Vec::new();
        if let Some(value) = rest.trim_start().strip_prefix('=') {
            letters.extend(value.chars().filter(|c| !c.is_whitespace()));
        } else {
            let start = self.lines.number();
            let mut line = String::new();
            loop {
                if !self.lines.read(&mut line)? {
                    let message = "the ALPHABET block has no `END ALPHABET`";
                    return Err(Error::format_at(self.lines.path(), start, message));
                }
                let text = line.split('#').next().unwrap_or("").trim();
                if text.split_whitespace().eq(["END", "ALPHABET"]) {
                    break;
                }
                letters.extend(core_letters(text));
            }
            letters.sort_unstable();
        }
        let found: String = letters.into_iter().collect();
        if !found.eq_ignore_ascii_case("ACGT") {
            return Err(self.lines.error(format!(
                "alphabet {}; expected ACGT: only DNA motifs can be read",
                excerpt(&found)
            )));
        }
        Ok(())
    }
}

/// The letters that a line of an alphabet block declares: `A "Adenine" CC0000 ~ T "Thymine"`
/// gives A and T, `A "Adenine"` gives A, and `N = ACGT`, an ambiguity code, gives none.
fn core_letters(text: &str) -> Vec<char> {
    // What stands between quotes is a name and may hold any of the signs below.
    let bare: Vec<&str> = text.split('"').step_by(2).collect();
    let bare = bare.join(" ");
    if bare.contains('=') {
        return Vec::new();
    }
    bare.split('~')
        .filter_map(|s| s.trim().chars().next())
        .collect()
}

fn is_motif(text: &str) -> bool {
    text.strip_prefix("MOTIF")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn is_section(text: &str) -> bool {
    is_motif(text) || text.contains("matrix") || text.starts_with("URL")
}

/// What follows `letter-probability matrix` or `log-odds matrix`, spaces or tabs between.
fn section<'a>(text: &'a str, kind: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(kind)?;
    rest.trim_start().strip_prefix("matrix")
}

/// A sum of decimals without the digits that binary rounding adds.
fn rounded(sum: f64) -> f64 {
    (sum * 1e6).round() / 1e6
}

/// Four numbers and nothing else: what a matrix is made of. Other lines may well begin with a number: height diagrams, sites
/// of sequences that are called so.
fn is_stray_row(text: &str) -> bool {
    text.split_whitespace().count() == 4
        && text
            .split_whitespace()
            .all(|word| word.parse::<f64>().is_ok())
}

/// Begins like a row of numbers (`nan` too, which is then refused by name).
fn is_row(text: &str) -> bool {
    text.split_whitespace()
        .next()
        .is_some_and(|word| word.parse::<f64>().is_ok())
}

/// Writes motifs in MEME version 4; the numbers read back to the very same.
///
/// Errors: what the writer reports, and an identifier or label that is not one word.
pub fn write_meme(mut writer: impl Write, motifs: &[Motif]) -> io::Result<()> {
    writer.write_all(
        b"MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n\
          Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n",
    )?;
    for motif in motifs {
        for word in std::iter::once(&motif.id).chain(&motif.label) {
            if word.is_empty() || word.contains(char::is_whitespace) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("motif name '{word}' is not one word"),
                ));
            }
        }
        write!(writer, "\nMOTIF {}", motif.id)?;
        if let Some(label) = &motif.label {
            write!(writer, " {label}")?;
        }
        let width = motif.rows.len();
        write!(writer, "\nletter-probability matrix: alength= 4 w= {width}")?;
        if let Some(nsites) = motif.nsites {
            write!(writer, " nsites= {nsites}")?;
        }
        writeln!(writer)?;
        for [a, c, g, t] in &motif.rows {
            writeln!(writer, " {a} {c} {g} {t}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "meme_tests.rs"]
mod tests;
