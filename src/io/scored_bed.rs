//! Predictions as BED: the input's columns with the scores from column 4 on.

use std::io::{self, Write};
use std::path::Path;

use super::atomic::write_atomic;
use super::bed::columns;
use super::scientific::Scientific;
use crate::{Error, Result};

/// Takes lines in the order in which they are to appear; nothing is held back.
pub struct ScoredBed<'a> {
    writer: &'a mut dyn Write,
    /// What the score columns are called, where a header says so; written before the first interval.
    header: Option<&'a [String]>,
    line: String,
}

impl ScoredBed<'_> {
    /// Writes one interval: columns 1 to 3 of `line`, then the scores as `%.3e`, one a factor, in place of column 4,
    /// then what followed column 4. Columns are separated by tabs, whatever parted them in `line`.
    pub fn write(&mut self, line: &str, scores: &[f64]) -> io::Result<()> {
        use std::fmt::Write as _;
        let columns: Vec<&str> = columns(line).collect();
        self.write_header(columns.len())?;
        let (place, rest) = columns.split_at(columns.len().min(3));
        self.line.clear();
        let mut push = |column: &dyn std::fmt::Display| {
            let tab = if self.line.is_empty() { "" } else { "\t" };
            // Into a String: cannot fail.
            let _ = write!(self.line, "{tab}{column}");
        };
        place.iter().for_each(|column| push(column));
        scores.iter().for_each(|&score| push(&Scientific(score)));
        rest.iter().skip(1).for_each(|column| push(column));
        self.line.push('\n');
        self.writer.write_all(self.line.as_bytes())
    }

    /// A name for each column of an interval that had so many: `#chrom`, `start`, `end`, the scores', and for what follows
    /// the fourth column its place in the input.
    fn write_header(&mut self, columns: usize) -> io::Result<()> {
        let Some(names) = self.header.take() else {
            return Ok(());
        };
        let rest = (5..=columns).map(|place| format!("column_{place}"));
        let names = names.iter().cloned().chain(rest);
        let names: Vec<String> = names.collect();
        writeln!(self.writer, "#chrom\tstart\tend\t{}", names.join("\t"))
    }
}

/// Writes a BED file, whole or not at all, packed with gzip where its name ends in `.gz`: `fill` gives the lines one by one.
/// `header`: names of the score columns, for a line `#chrom start end ...` before them.
///
/// Errors: those of `fill`, after which nothing is written; what the operating system refuses.
pub fn write_scored_bed(
    path: impl AsRef<Path>,
    header: Option<&[String]>,
    fill: impl FnOnce(&mut ScoredBed) -> Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let mut failure = None;
    let written = write_atomic(path, |writer| {
        let mut bed = ScoredBed {
            writer,
            header,
            line: String::new(),
        };
        if let Err(error) = fill(&mut bed) {
            failure = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        // Of no interval: the columns that every file has.
        bed.write_header(0)
    });
    match failure {
        Some(error) => Err(error),
        None => written,
    }
}

/// The error of a line that could not be written to `path`.
pub fn write_error(path: impl AsRef<Path>) -> impl Fn(io::Error) -> Error {
    let path = path.as_ref().to_path_buf();
    move |source| Error::io(&path, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::text::Lines;

    fn written(lines: &[(&str, &[f64])]) -> Vec<String> {
        written_under(None, lines)
    }

    fn written_under(header: Option<&[String]>, lines: &[(&str, &[f64])]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.bed.gz");
        write_scored_bed(&path, header, |bed| {
            lines
                .iter()
                .try_for_each(|(line, scores)| bed.write(line, scores))
                .map_err(write_error(&path))
        })
        .unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]));
        let (mut lines, mut line) = (Lines::open(&path).unwrap(), String::new());
        let mut all = Vec::new();
        while lines.read(&mut line).unwrap() {
            all.push(line.clone());
        }
        all
    }

    #[test]
    fn the_score_is_added_as_column_4_or_takes_its_place() {
        let lines = [
            ("chr1\t5\t205", &[0.25][..]),
            ("chr1\t5\t205\tpeak", &[0.0]),
            ("chr1\t5\t205\tpeak\t9.5\t+", &[0.0012345]),
            ("chr1 5  205 a b", &[1.0]),
            ("chr1\t5\t205\t\tx", &[1.0]),
        ];
        let expected = [
            "chr1\t5\t205\t2.500e-01",
            "chr1\t5\t205\t0.000e+00",
            "chr1\t5\t205\t1.234e-03\t9.5\t+",
            "chr1\t5\t205\t1.000e+00\tb",
            "chr1\t5\t205\t1.000e+00\tx",
        ];
        assert_eq!(written(&lines), expected);
    }

    #[test]
    fn several_factors_have_a_column_each() {
        let lines = [
            ("chr1\t5\t205\tpeak\t+", &[0.5, 0.25, 0.125][..]),
            ("chr1\t5\t205", &[0.5, 0.25, 0.0]),
        ];
        let expected = [
            "chr1\t5\t205\t5.000e-01\t2.500e-01\t1.250e-01\t+",
            "chr1\t5\t205\t5.000e-01\t2.500e-01\t0.000e+00",
        ];
        assert_eq!(written(&lines), expected);
        assert!(written(&[]).is_empty());
    }

    #[test]
    fn a_header_names_every_column_also_of_no_interval() {
        let names = ["CTCF", "MAX"].map(String::from);
        let lines = [
            ("chr1\t5\t205\tpeak\t+\tx", &[0.5, 0.25][..]),
            ("chr1\t5\t205", &[0.5, 0.25]),
        ];
        let found = written_under(Some(&names), &lines);
        assert_eq!(
            found[0],
            "#chrom\tstart\tend\tCTCF\tMAX\tcolumn_5\tcolumn_6"
        );
        assert_eq!(found[1], "chr1\t5\t205\t5.000e-01\t2.500e-01\t+\tx");
        assert_eq!(found.len(), 3);
        let empty = written_under(Some(&names), &[]);
        assert_eq!(empty, ["#chrom\tstart\tend\tCTCF\tMAX"]);
    }

    #[test]
    fn a_run_that_fails_leaves_the_old_file_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.bed.gz");
        std::fs::write(&path, "old").unwrap();
        let error = write_scored_bed(&path, None, |bed| {
            bed.write("chr1\t1\t2", &[0.5])
                .map_err(write_error(&path))?;
            Err(Error::format_at("in.bed", 7, "odd"))
        });
        assert_eq!(error.unwrap_err().to_string(), "in.bed, line 7: odd");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
