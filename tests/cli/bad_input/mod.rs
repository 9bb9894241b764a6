//! Every kind of bad input: what is said (file, line, found, expected), the exit code (1, and 2 for usage), and that nothing
//! is made, left behind or lost.

mod factornet;
mod files;
mod flags;
mod loss;
mod tisfm;

use crate::common::kinds::Kind;

/// What these tests need to know of a kind besides.
trait BadInput: Kind {
    /// Flags of `train` that take a text file, and the one that they are given.
    const FILES: &'static [(&'static str, &'static str)];
    /// Flags whose files or folders are opened too, but are no text.
    const OTHER_FILES: &'static [&'static str];
    /// Flags that no run can have, and what the message names.
    const IMPOSSIBLE: &'static [(&'static str, &'static str)];
    /// What a command line without these words lacks, and what the message names.
    const REQUIRED: &'static [(&'static str, &'static str)];
}
