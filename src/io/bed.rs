//! Intervals in the BED format: 0-based, half-open.

use std::path::Path;

use super::text::{Lines, excerpt};
use crate::{Error, Result};

/// A line of a BED file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    pub chromosome: String,
    /// The first base, counted from 0.
    pub start: u64,
    /// One past the last base; not below `start`.
    pub end: u64,
    /// Column 4, where it is there, not empty and not `.`, which stands for no name.
    pub name: Option<String>,
    /// The line in the file, counted from 1.
    pub line: u64,
}

impl Interval {
    /// The number of bases; 0 where the interval is empty.
    pub fn length(&self) -> u64 {
        self.end - self.start
    }

    /// `chr:start-end`, 0-based half-open as in the file.
    pub fn place(&self) -> String {
        format!("{}:{}-{}", self.chromosome, self.start, self.end)
    }
}

/// Whether a line is a comment, `track` or `browser` line.
pub fn is_header(line: &str) -> bool {
    line.starts_with('#') || matches!(line.split_whitespace().next(), Some("track" | "browser"))
}

/// Whether a line looks like an interval: three or more columns, whole numbers in 2 and 3.
pub fn is_interval(line: &str) -> bool {
    let mut columns = columns(line).skip(1);
    let mut number = || {
        columns
            .next()
            .is_some_and(|text| text.parse::<i64>().is_ok())
    };
    number() && number()
}

/// A line of a BED file, borrowed from its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    pub chromosome: &'a str,
    /// The first base, counted from 0.
    pub start: u64,
    /// One past the last base; not below `start`.
    pub end: u64,
    /// The whole line, without its end.
    pub text: &'a str,
    /// The line in the file, counted from 1.
    pub line: u64,
}

impl<'a> Row<'a> {
    /// All columns, without blanks at their ends: separated by tabs, in a line without tabs by blanks.
    pub fn columns(&self) -> Columns<'a> {
        columns(self.text)
    }

    /// The interval by itself.
    pub fn to_interval(self) -> Interval {
        let name = self
            .columns()
            .nth(3)
            .filter(|name| !matches!(*name, "" | "."));
        Interval {
            chromosome: self.chromosome.to_string(),
            start: self.start,
            end: self.end,
            name: name.map(str::to_string),
            line: self.line,
        }
    }
}

/// Reads a BED file a line at a time, in the order of the file and in bounded memory; comments,
/// `track` and `browser` lines and blank lines are passed over. A file without an interval is
/// no error here.
pub struct Reader {
    lines: Lines,
    line: String,
}

impl Reader {
    /// Opens a file: plain, gzip or bgzip.
    pub fn open(path: &Path) -> Result<Reader> {
        Ok(Reader::new(Lines::open(path)?))
    }

    pub fn new(lines: Lines) -> Reader {
        let line = String::new();
        Reader { lines, line }
    }

    /// The next interval; `None` at the end of the file.
    ///
    /// Errors name the line: fewer than three columns, coordinates that are no whole numbers of 0
    /// or more, an end below the start. What becomes of an empty interval, its reader says
    /// ([`Edges`](super::edges::Edges)).
    pub fn read(&mut self) -> Result<Option<Row<'_>>> {
        loop {
            if !self.lines.read_filled(&mut self.line)? {
                return Ok(None);
            }
            if !is_header(&self.line) {
                return row(&self.line, &self.lines).map(Some);
            }
        }
    }

    pub fn path(&self) -> &Path {
        self.lines.path()
    }

    /// An error at the line that was read last.
    pub fn error(&self, message: impl Into<String>) -> Error {
        self.lines.error(message)
    }
}

fn row<'a>(line: &'a str, lines: &Lines) -> Result<Row<'a>> {
    let mut columns = columns(line);
    let (chromosome, start, end) = match (columns.next(), columns.next(), columns.next()) {
        (Some(chromosome), Some(start), Some(end)) if !chromosome.is_empty() => {
            (chromosome, start, end)
        }
        _ => {
            return Err(lines.error(format!(
                "{}; expected chromosome, start and end, separated by tabs",
                excerpt(line)
            )));
        }
    };
    let coordinate = |text: &str| -> Result<u64> {
        text.parse().map_err(|_| {
            lines.error(format!(
                "coordinate {}; expected a whole number of 0 or more",
                excerpt(text)
            ))
        })
    };
    let (start, end) = (coordinate(start)?, coordinate(end)?);
    if end < start {
        return Err(lines.error(format!(
            "interval {chromosome}:{start}-{end} ends before it starts; expected start and end, \
             0-based and half-open"
        )));
    }
    Ok(Row {
        chromosome,
        start,
        end,
        text: line,
        line: lines.number(),
    })
}

/// Reads all intervals, in the order of the file; at least one. Columns from the fifth on are
/// not looked at: the strand neither, a sequence is always that of the forward strand.
///
/// Errors as of [`Reader::read`], and no interval at all.
pub fn read_bed(lines: &mut Lines) -> Result<Vec<Interval>> {
    let mut intervals = Vec::new();
    let mut line = String::new();
    while lines.read_filled(&mut line)? {
        if !is_header(&line) {
            intervals.push(row(&line, lines)?.to_interval());
        }
    }
    if intervals.is_empty() {
        return Err(lines.empty("BED intervals: chromosome, start, end"));
    }
    Ok(intervals)
}

/// A line's columns.
pub enum Columns<'a> {
    Tabs(std::str::Split<'a, char>),
    Blanks(std::str::SplitWhitespace<'a>),
}

impl<'a> Iterator for Columns<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match self {
            Columns::Tabs(columns) => columns.next().map(str::trim),
            Columns::Blanks(columns) => columns.next(),
        }
    }
}

pub(super) fn columns(line: &str) -> Columns<'_> {
    if line.contains('\t') {
        Columns::Tabs(line.split('\t'))
    } else {
        Columns::Blanks(line.split_whitespace())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Vec<Interval>> {
        read_bed(&mut Lines::new(
            "p.bed",
            std::io::Cursor::new(text.to_string()),
        ))
    }

    #[test]
    fn intervals_are_read_and_other_lines_skipped() {
        let text = "browser position chr1\ntrack name=x\n#chrom\tstart\tend\n\nchr1\t0\t5\tpeak\t0\t-\n\
                    track again\nchr2 7 9\r\nchr3\t1\t2\t\t5\n";
        let intervals = parse(text).unwrap();
        let places: Vec<_> = intervals.iter().map(Interval::place).collect();
        assert_eq!(places, ["chr1:0-5", "chr2:7-9", "chr3:1-2"]);
        assert_eq!(intervals[0].name.as_deref(), Some("peak"));
        assert_eq!((intervals[0].line, intervals[0].length()), (5, 5));
        assert_eq!(
            (intervals[1].line, &intervals[1].name, &intervals[2].name),
            (7, &None, &None)
        );
    }

    #[test]
    fn a_reader_gives_whole_lines_and_takes_a_file_without_intervals() {
        let text = "track name=x\n\nchr1\t0\t5\tpeak one\t7\nchr2 7 9 x\n";
        let mut reader = Reader::new(Lines::new("p.bed", text.as_bytes()));
        let row = reader.read().unwrap().unwrap();
        assert_eq!((row.text, row.line), ("chr1\t0\t5\tpeak one\t7", 3));
        assert_eq!(row.columns().nth(3), Some("peak one"));
        let row = reader.read().unwrap().unwrap();
        assert_eq!((row.chromosome, row.start, row.end), ("chr2", 7, 9));
        assert_eq!(row.columns().count(), 4);
        assert_eq!(reader.read().unwrap(), None);
        assert_eq!(
            Reader::new(Lines::new("e.bed", &b"#\n"[..]))
                .read()
                .unwrap(),
            None
        );
    }

    #[test]
    fn every_fault_names_its_line() {
        for (text, expected) in [
            (
                "chr1\t1\n",
                "line 1: 'chr1\t1'; expected chromosome, start and end",
            ),
            ("chr1\t1\t2\n\t1\t2\n", "line 2: "),
            (
                "chr1\t1\tx\n",
                "line 1: coordinate 'x'; expected a whole number",
            ),
            ("chr1\t-1\t2\n", "line 1: coordinate '-1'"),
            ("chr1\t1.5\t2\n", "line 1: coordinate '1.5'"),
            (
                "chr1\t4\t3\n",
                "line 1: interval chr1:4-3 ends before it starts",
            ),
            (
                "track name=x\n",
                "p.bed: the file is empty; expected BED intervals",
            ),
        ] {
            let found = parse(text).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}\n  expected: {expected}");
        }
    }

    #[test]
    fn real_peaks_are_read() {
        let Some(data) = crate::real_data::real_data() else {
            return;
        };
        let path = data
            .join("factornet/K562/ChIPseq.K562.CTCF.conservative.train.hg38.chr22.narrowPeak.gz");
        let intervals = read_bed(&mut Lines::open(&path).unwrap()).unwrap();
        assert_eq!(intervals[0].place(), "chr22:16391675-16391760");
        assert_eq!(intervals[0].name, None, "a dot is no name");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(spans in prop::collection::vec((0..1u64 << 40, 1..1000u64), 1..20)) {
            let text: String = spans.iter().map(|(s, n)| format!("chr1\t{s}\t{}\n", s + n)).collect();
            let found: Vec<_> = parse(&text).unwrap().iter().map(|i| (i.start, i.length())).collect();
            prop_assert_eq!(found, spans);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(chr1|1|99999999999999999999|-|\t|\n| |é|track){0,30}") {
            let _ = parse(&text);
            let _ = is_interval(&text);
        }
    }
}
