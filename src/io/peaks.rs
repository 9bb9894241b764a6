//! Peaks as callers write them: narrowPeak, broadPeak, files of summits, BED of three columns and more. Coordinates are
//! 0-based, half-open.

use super::bed::Reader;
use super::text::{Lines, excerpt};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Columns of narrowPeak; the last is the summit's distance from the start.
const NARROW: usize = 10;
/// Columns of broadPeak, which has no summit.
const BROAD: usize = 9;
/// Column 8 of both, -log10 of the p-value.
const P_VALUE: usize = 7;
/// Column 5 of BED.
const SCORE: usize = 4;

/// A peak.
#[derive(Clone, Debug, PartialEq)]
pub struct Peak {
    pub chromosome: String,
    pub start: u64,
    /// One past the last base.
    pub end: u64,
    /// Column 4, where it is there, not empty and not `.`.
    pub name: Option<String>,
    /// The base of the summit, where the file says.
    pub summit: Option<u64>,
    /// 0 or more; 1 where the file has no scores.
    pub score: f64,
    /// The line in the file, counted from 1.
    pub line: u64,
}

/// Which column the scores of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scored {
    /// 8: -log10 of the p-value, of narrowPeak and broadPeak.
    PValue,
    /// 5.
    Score,
    /// There are none: all peaks count the same.
    Alike,
}

/// The peaks of a file.
#[derive(Clone, Debug)]
pub struct PeakFile {
    pub path: PathBuf,
    /// In the order of the file.
    pub peaks: Vec<Peak>,
    pub scored: Scored,
}

/// A line with both of its scores, of which the file as a whole decides for one.
struct Row {
    peak: Peak,
    p_value: Option<f64>,
    score: Option<f64>,
}

impl PeakFile {
    /// Reads a file of peaks. The score is column 8 of narrowPeak and broadPeak, where every line has one; else column 5; else
    /// all peaks have the score 1. A narrowPeak summit of -1 is none.
    ///
    /// # Errors
    /// Those of [`Reader::read`]; a file without a peak; a score that is no number of 0 or more; a summit that is not on
    /// its peak; each with its line.
    pub fn read(lines: Lines) -> Result<PeakFile> {
        let path = lines.path().to_path_buf();
        let mut reader = Reader::new(lines);
        let mut rows = Vec::new();
        while let Some(found) = reader.read()? {
            let columns: Vec<&str> = found.columns().collect();
            let interval = found.to_interval();
            let line = found.line;
            let at = |message| Error::format_at(&path, line, message);
            let form = Form::of(&columns, interval.start, interval.end);
            let summit = match form {
                Form::Narrow => summit(columns[NARROW - 1], interval.length()).map_err(at)?,
                _ => None,
            };
            let p_value = match form {
                Form::Narrow | Form::Broad => number(columns[P_VALUE], "column 8").map_err(at)?,
                Form::Other => None,
            };
            let score = match columns.get(SCORE) {
                Some(text) => number(text, "column 5").map_err(at)?,
                None => None,
            };
            rows.push(Row {
                p_value,
                score,
                peak: Peak {
                    summit: summit.map(|distance| interval.start + distance),
                    chromosome: interval.chromosome,
                    start: interval.start,
                    end: interval.end,
                    name: interval.name,
                    score: 1.0,
                    line,
                },
            });
        }
        if rows.is_empty() {
            return Err(Error::format(
                &path,
                "the file is empty; expected peaks: chromosome, start, end",
            ));
        }
        let some = |of: fn(&Row) -> Option<f64>| {
            let all = rows.iter().map(of).collect::<Option<Vec<f64>>>();
            all.filter(|scores| scores.iter().any(|&score| score > 0.0))
        };
        let (scored, scores) = match (some(|row| row.p_value), some(|row| row.score)) {
            (Some(scores), _) => (Scored::PValue, scores),
            (None, Some(scores)) => (Scored::Score, scores),
            (None, None) => (Scored::Alike, vec![1.0; rows.len()]),
        };
        let peaks = rows.into_iter().zip(scores);
        let peaks = peaks.map(|(row, score)| Peak { score, ..row.peak });
        Ok(PeakFile {
            peaks: peaks.collect(),
            path,
            scored,
        })
    }

    /// How many peaks have a summit.
    pub fn summits(&self) -> usize {
        let peaks = self.peaks.iter();
        peaks.filter(|peak| peak.summit.is_some()).count()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What a line's number of columns says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Narrow,
    Broad,
    Other,
}

impl Form {
    /// BED itself has up to 12 columns. Its seventh and eighth are `thickStart` and `thickEnd`, places on the chromosome, and its
    /// ninth a color.
    fn of(columns: &[&str], start: u64, end: u64) -> Form {
        let place = |column: usize| {
            let place = columns[column].parse::<u64>();
            place.is_ok_and(|place| (start..=end).contains(&place) && place > 0)
        };
        match columns.len() {
            NARROW if columns[NARROW - 1].parse::<i64>().is_ok() => Form::Narrow,
            BROAD if columns[BROAD - 1].contains(',') || (place(6) && place(7)) => Form::Other,
            BROAD => Form::Broad,
            _ => Form::Other,
        }
    }
}

/// A score; `.` and, of narrowPeak, -1 stand for none.
fn number(text: &str, what: &str) -> std::result::Result<Option<f64>, String> {
    match text.parse::<f64>() {
        _ if matches!(text, "" | ".") => Ok(None),
        Ok(-1.0) => Ok(None),
        Ok(score) if score.is_finite() && score >= 0.0 => Ok(Some(score)),
        _ => Err(format!(
            "{what} is {}; expected a score of 0 or more, or . for none",
            excerpt(text)
        )),
    }
}

/// The summit's distance from the start of a peak of so many bases.
fn summit(text: &str, length: u64) -> std::result::Result<Option<u64>, String> {
    match text.parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(distance) if distance >= 0 && (distance as u64) < length.max(1) => {
            Ok(Some(distance as u64))
        }
        _ => Err(format!(
            "column 10 is {}; expected the summit's distance from the peak's start, 0 to {}, or -1 for none",
            excerpt(text),
            length.saturating_sub(1)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PeakFile> {
        PeakFile::read(Lines::new("p.bed", std::io::Cursor::new(text.to_string())))
    }

    #[test]
    fn narrow_peaks_have_summits_and_the_scores_of_column_8() {
        let found = read(
            "chr1\t10\t30\ta\t500\t.\t3.5\t12.5\t9\t4\nchr1\t50\t60\t.\t400\t.\t3\t7\t5\t-1\n",
        );
        let found = found.unwrap();
        assert_eq!((found.scored, found.summits()), (Scored::PValue, 1));
        assert_eq!(
            (found.peaks[0].summit, found.peaks[0].score),
            (Some(14), 12.5)
        );
        assert_eq!(found.peaks[0].name.as_deref(), Some("a"));
        assert_eq!((found.peaks[1].summit, found.peaks[1].score), (None, 7.0));
    }

    #[test]
    fn a_file_without_p_values_is_scored_by_column_5_and_one_without_any_alike() {
        let narrow = |p: &str, score: &str| format!("chr1\t10\t30\ta\t{score}\t.\t3\t{p}\t-1\t4\n");
        let one = format!("{}{}", narrow("-1", "300"), narrow("8", "200"));
        let found = read(&one).unwrap();
        assert_eq!(found.scored, Scored::Score);
        assert_eq!(found.peaks[1].score, 200.0);
        assert_eq!(read(&narrow("-1", "0")).unwrap().scored, Scored::Alike);
        let bed3 = read("chr1\t1\t5\n").unwrap();
        assert_eq!((bed3.scored, bed3.peaks[0].score), (Scored::Alike, 1.0));
        // BED's columns 7 and 8 are places.
        let bed9 = read("chr1\t100\t200\tx\t7\t+\t110\t150\t0\n").unwrap();
        assert_eq!((bed9.scored, bed9.peaks[0].score), (Scored::Score, 7.0));
        let broad = read("chr1\t100\t200\tx\t7\t.\t11.5\t15.25\t3\n").unwrap();
        assert_eq!(
            (broad.scored, broad.peaks[0].score),
            (Scored::PValue, 15.25)
        );
    }

    #[test]
    fn faults_name_their_line() {
        for (text, expected) in [
            ("#x\n", "p.bed: the file is empty; expected peaks"),
            (
                "chr1\t1\t5\tx\tbad\n",
                "line 1: column 5 is 'bad'; expected a score",
            ),
            (
                "chr1\t1\t5\tx\t1\t.\t1\t1\t1\t2\nchr1\t1\t5\tx\t1\t.\t1\t1\t1\t4\n",
                "line 2: column 10 is '4'; expected the summit's distance from the peak's start, 0 to 3",
            ),
            ("chr1\t1\t5\tx\t1\t.\t1\t-3\t1\t2\n", "column 8 is '-3'"),
        ] {
            let found = read(text).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }
}
