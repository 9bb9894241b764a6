//! What the runs of one command share.

use super::cells::Cells;
use crate::args::{Unannounced, say};
use crate::data::Notes;
use crate::io::sources::Sources;
use crate::report::progress::Reporter;
use crate::train::Begins;
use crate::train::folder::config::Precision;
use crate::train::model::Kinds;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// What the runs of a command share.
pub(super) struct Around<'a> {
    pub known: Kinds<'a>,
    pub device: &'a Unannounced,
    pub precision: Precision,
    pub cells: &'a Cells,
    pub sources: &'a Sources,
    pub reporter: &'a Reporter,
    /// Other runs read the same inputs after this one.
    pub more: bool,
    /// What was said: the runs of an ensemble notice the same.
    pub said: &'a Mutex<HashSet<String>>,
    /// As of [`Trainer::begins`](crate::train::Trainer::begins).
    pub begins: Begins<'a>,
}

impl Around<'_> {
    pub fn say(&self, notes: &Notes) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let new = notes.iter().filter(|note| said.insert(note.to_string()));
        say(&new.cloned().collect::<Notes>());
    }
}
