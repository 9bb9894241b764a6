//! Predictions as gzipped BED: the input's columns with the scores from column 4 on.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::atomic::write_atomic;
use super::bed::columns;
use super::scientific::Scientific;
use crate::{Error, Result};

/// Takes lines in the order in which they are to appear; nothing is held back.
pub struct ScoredBed<'a> {
    encoder: GzEncoder<&'a mut dyn Write>,
    line: String,
}

impl ScoredBed<'_> {
    /// Writes one interval: columns 1 to 3 of `line`, then the scores as `%.3e`, one a factor, in place of column 4,
    /// then what followed column 4. Columns are parted by tabs, whatever parted them in `line`.
    pub fn write(&mut self, line: &str, scores: &[f64]) -> io::Result<()> {
        use std::fmt::Write as _;
        let columns: Vec<&str> = columns(line).collect();
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
        self.encoder.write_all(self.line.as_bytes())
    }
}

/// Writes a gzipped BED file, whole or not at all: `fill` gives the lines one by one.
///
/// Errors: those of `fill`, after which nothing is written; what the operating system refuses.
pub fn write_scored_bed(
    path: impl AsRef<Path>,
    fill: impl FnOnce(&mut ScoredBed) -> Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let mut failure = None;
    let written = write_atomic(path, |writer| {
        let mut bed = ScoredBed {
            encoder: GzEncoder::new(writer, Compression::default()),
            line: String::new(),
        };
        if let Err(error) = fill(&mut bed) {
            failure = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        bed.encoder.finish()?.flush()
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
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.bed.gz");
        write_scored_bed(&path, |bed| {
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
    fn a_run_that_fails_leaves_the_old_file_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.bed.gz");
        std::fs::write(&path, "old").unwrap();
        let error = write_scored_bed(&path, |bed| {
            bed.write("chr1\t1\t2", &[0.5])
                .map_err(write_error(&path))?;
            Err(Error::format_at("in.bed", 7, "odd"))
        });
        assert_eq!(error.unwrap_err().to_string(), "in.bed, line 7: odd");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
