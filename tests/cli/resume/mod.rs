//! The same seed gives the same bytes, whatever the number of threads and whether or not a run was killed on its way; and
//! `--resume` goes on with nothing but its own run.

mod factornet;
mod interrupted;
mod refused;
mod tisfm;
mod without_state;

use crate::common::kinds::Kind;

/// What these tests need to know of a kind besides.
trait Resumes: Kind {
    /// Data and flags of runs that differ in what they compute.
    fn variants() -> Vec<(Self, Vec<String>)>;
    /// The flags of a run that others are then held against.
    const FIRST: &'static str;
    /// Flags that another run has instead or besides, and what names the difference. Makes the files that these name.
    fn others(&self) -> Vec<(String, &'static str)>;
    /// Files of the first run: what they hold in another one, and what names the difference.
    fn changed_files(&self) -> Vec<(&'static str, String, &'static str)>;
    /// Flags that a resumed run may change, and that make it a longer one.
    const LONGER: &'static str;
}
