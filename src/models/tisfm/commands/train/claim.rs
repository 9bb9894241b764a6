//! The folder that a run takes.

use super::args::Args;
use crate::models::tisfm::KIND;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::model::Kinds;

impl Args {
    pub(super) fn claim<'a>(&'a self, known: Kinds<'a>) -> Claim<'a> {
        Claim {
            folder: &self.model_output,
            flag: "--model-output",
            entry: if self.resume {
                Entry::Resume
            } else {
                Entry::Free
            },
            kind: &KIND,
            known,
        }
    }
}
