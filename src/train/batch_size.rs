//! How many rows are run at a time.

/// How many rows are run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSize {
    /// `--batch-size`. The pieces that a batch is cut into depend on it alone, so that numbers do not change with the
    /// samples that there are.
    pub given: usize,
    /// No batch has more: the room that is needed.
    pub rows: usize,
}

impl BatchSize {
    /// Where there are so many samples.
    pub fn of(given: usize, samples: usize) -> Self {
        BatchSize {
            given,
            rows: given.min(samples).max(1),
        }
    }

    /// In messages.
    pub fn flag(self) -> String {
        format!("--batch-size {}", self.given)
    }
}

/// Batches that are full.
impl From<usize> for BatchSize {
    fn from(rows: usize) -> Self {
        BatchSize { given: rows, rows }
    }
}
