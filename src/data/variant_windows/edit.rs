//! A change of the genome that can be scored.

use super::normalize::Change;

/// A variant that can be scored: a normalized change of the genome that lies, with all its windows, on its chromosome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub(super) chromosome: u32,
    pub(super) change: Change,
    /// What the genome has is the file's ALT.
    pub(super) exchanged: bool,
}

impl Edit {
    pub(super) fn longer(&self) -> usize {
        self.change.removed.len().max(self.change.inserted.len())
    }

    pub(super) fn shorter(&self) -> usize {
        self.change.removed.len().min(self.change.inserted.len())
    }
}
