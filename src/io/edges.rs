//! Intervals at the ends of their chromosomes. Peak callers extend peaks past the end of a short contig and cut others
//! down to nothing; what becomes of these is counted and said once for a file.

use std::path::Path;

use crate::numbers::counted;
use crate::{Error, Result};

/// Where an interval lies on its chromosome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// On it, altogether.
    Inside,
    /// It starts on it and ends past its end.
    Over,
    /// It starts at its end or past it.
    Past,
    /// It has no base.
    Empty,
}

impl Edge {
    /// Of `start..end`, 0-based and half-open, on a chromosome of `length` bases.
    pub fn of(start: u64, end: u64, length: u64) -> Edge {
        if start == end {
            Edge::Empty
        } else if start >= length {
            Edge::Past
        } else if end > length {
            Edge::Over
        } else {
            Edge::Inside
        }
    }
}

/// What a command does with intervals that are not inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Clips those that end past the end, leaves out the others.
    Clip,
    /// Gives each the score 0.
    Zero,
    /// Takes N for the bases past the end, leaves out the others.
    Fill,
}

impl Treatment {
    /// What follows "1 interval ... and" and "2 intervals ... and".
    fn words(self, edge: Edge) -> [&'static str; 2] {
        match (self, edge) {
            (Treatment::Zero, _) => ["scores 0", "score 0"],
            (Treatment::Clip, Edge::Over) => ["is clipped there", "are clipped there"],
            (Treatment::Fill, Edge::Over) => ["is filled up with N", "are filled up with N"],
            _ => ["is left out", "are left out"],
        }
    }
}

/// Starts past the end: fewer may be a caller's rounding.
const FEWEST: usize = 10;
/// And more than one interval in so many.
const SHARE: usize = 100;

#[derive(Clone, Debug, Default)]
struct Group {
    count: usize,
    first: Option<First>,
}

#[derive(Clone, Debug)]
struct First {
    line: u64,
    /// The interval, and how long its chromosome is.
    place: String,
    chromosome: String,
}

/// The intervals of a file on chromosomes in use, counted by where they lie.
#[derive(Clone, Debug, Default)]
pub struct Edges {
    all: usize,
    over: Group,
    past: Group,
    empty: Group,
}

impl Edges {
    /// Takes the next interval (chromosome, start, end), read at a line, on a chromosome of `length` bases.
    pub fn count(
        &mut self,
        (chromosome, start, end): (&str, u64, u64),
        line: u64,
        length: u64,
    ) -> Edge {
        self.all += 1;
        let edge = Edge::of(start, end, length);
        let group = match edge {
            Edge::Inside => return edge,
            Edge::Over => &mut self.over,
            Edge::Past => &mut self.past,
            Edge::Empty => &mut self.empty,
        };
        group.count += 1;
        group.first.get_or_insert_with(|| First {
            line,
            place: format!("{chromosome}:{start}-{end}"),
            chromosome: format!("{chromosome} has {}", counted(length, "base")),
        });
        edge
    }

    /// What there is to say of the file at `path`, if anything; `genome` is where the chromosomes' lengths come from.
    ///
    /// # Errors
    /// Ten intervals or more, and more than 1 in 100, start past the end of their chromosome: they are of another build.
    pub fn note(&self, path: &Path, genome: &Path, treatment: Treatment) -> Result<Option<String>> {
        let past = self.past.count;
        if let Some(first) = &self.past.first
            && past >= FEWEST
            && past * SHARE > self.all
        {
            let message = format!(
                "interval {} starts past the end of its chromosome ({} in {}), one of {past} such among {} intervals on chromosomes in use; another genome build? Give intervals of the genome that is in use",
                first.place,
                first.chromosome,
                genome.display(),
                self.all
            );
            return Err(Error::format_at(path, first.line, message));
        }
        let groups = [
            (
                &self.over,
                Edge::Over,
                "ends past its chromosome's end",
                "end past their chromosome's end",
            ),
            (
                &self.past,
                Edge::Past,
                "starts past its chromosome's end",
                "start past their chromosome's end",
            ),
            (&self.empty, Edge::Empty, "is empty", "are empty"),
        ];
        let said = groups
            .into_iter()
            .filter_map(|(group, edge, one, several)| {
                let line = group.first.as_ref()?.line;
                let [single, plural] = treatment.words(edge);
                let (what, done, at) = match group.count {
                    1 => (one, single, "line"),
                    _ => (several, plural, "first on line"),
                };
                let intervals = counted(group.count, "interval");
                Some(format!("{intervals} {what} and {done} ({at} {line})"))
            });
        let said: Vec<String> = said.collect();
        Ok((!said.is_empty()).then(|| format!("note: {}: {}", path.display(), said.join("; "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted_edges(intervals: impl IntoIterator<Item = (u64, u64)>) -> Edges {
        let mut edges = Edges::default();
        for ((start, end), line) in intervals.into_iter().zip(1..) {
            edges.count(("c", start, end), line, 600);
        }
        edges
    }

    fn note(edges: &Edges, treatment: Treatment) -> Result<Option<String>> {
        edges.note(Path::new("p.bed"), Path::new("g.fa"), treatment)
    }

    #[test]
    fn an_interval_lies_inside_over_the_end_past_it_or_nowhere() {
        for (start, end, edge) in [
            (0, 600, Edge::Inside),
            (599, 601, Edge::Over),
            (600, 601, Edge::Past),
            (u64::MAX - 1, u64::MAX, Edge::Past),
            (600, 600, Edge::Empty),
            (5, 5, Edge::Empty),
        ] {
            assert_eq!(Edge::of(start, end, 600), edge, "{start}-{end}");
        }
    }

    #[test]
    fn each_kind_is_counted_in_one_note() {
        assert_eq!(
            note(&counted_edges([(0, 600)]), Treatment::Clip).unwrap(),
            None
        );
        let mixed = [(0, 9), (550, 601), (5, 5), (7, 7), (600, 700)];
        let edges = counted_edges(mixed);
        assert_eq!(
            note(&edges, Treatment::Clip).unwrap().unwrap(),
            "note: p.bed: 1 interval ends past its chromosome's end and is clipped there (line 2); \
             1 interval starts past its chromosome's end and is left out (line 5); \
             2 intervals are empty and are left out (first on line 3)"
        );
        let zero = note(&edges, Treatment::Zero).unwrap().unwrap();
        assert!(zero.contains("end and scores 0 (line 2)"), "{zero}");
        assert!(zero.ends_with("are empty and score 0 (first on line 3)"));
        let fill = note(&edges, Treatment::Fill).unwrap().unwrap();
        assert!(fill.contains("is filled up with N (line 2)"), "{fill}");
    }

    #[test]
    fn ten_starts_past_the_end_and_more_than_one_in_a_hundred_are_another_build() {
        let with = |past: usize, all: usize| {
            let inside = (0..all - past).map(|_| (0, 9));
            let edges = counted_edges(inside.chain((0..past).map(|_| (600, 700))));
            note(&edges, Treatment::Clip)
        };
        assert!(with(9, 9).is_ok());
        assert!(with(10, 1000).is_ok());
        let error = with(10, 999).unwrap_err().to_string();
        assert_eq!(
            error,
            "p.bed, line 990: interval c:600-700 starts past the end of its chromosome (c has 600 bases in g.fa), \
             one of 10 such among 999 intervals on chromosomes in use; another genome build? Give intervals of the \
             genome that is in use"
        );
        // Ends alone tell nothing.
        let over = counted_edges((0..50).map(|_| (500, 700)));
        assert!(note(&over, Treatment::Clip).is_ok());
    }
}
