//! A stretch of a chromosome.

/// Bases `start..end` of a chromosome, 0-based, half-open, not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The number of bases.
    pub fn length(self) -> u32 {
        self.end - self.start
    }

    /// The base after the first half, rounded down.
    pub fn middle(self) -> u32 {
        self.start + self.length() / 2
    }

    /// The bases that it shares with `start..end`, if any.
    pub fn clip(self, start: i64, end: i64) -> Option<Span> {
        let start = i64::from(self.start).max(start);
        let end = i64::from(self.end).min(end);
        (start < end).then(|| Span::new(start as u32, end as u32))
    }
}
