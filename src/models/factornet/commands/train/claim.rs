//! The folder that a run takes.

use super::args::Args;
use crate::models::factornet::KIND;
use crate::train::folder::claim::{Claim, Entry};
use crate::train::model::Kinds;

impl Args {
    pub(super) fn claim<'a>(&'a self, known: Kinds<'a>) -> Claim<'a> {
        let entry = match (self.resume, self.overwrite()) {
            (true, _) => Entry::Resume,
            (false, true) => Entry::Overwrite,
            (false, false) => Entry::Absent,
        };
        Claim {
            folder: self.folder(),
            flag: if self.overwrite() { "-oc" } else { "-o" },
            entry,
            kind: &KIND,
            known,
        }
    }
}
