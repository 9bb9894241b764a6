//! What the runs of one command share.

use super::inputs::Rules;
use crate::args::Unannounced;
use crate::io::sources::Sources;
use crate::report::progress::Reporter;
use crate::train::Begins;
use crate::train::model::Kinds;

/// What the runs of a command share.
pub struct Around<'a> {
    pub known: Kinds<'a>,
    pub device: &'a Unannounced,
    pub sources: &'a Sources,
    pub reporter: &'a Reporter,
    /// Other runs read the same inputs after this one.
    pub more: bool,
    pub rules: &'a Rules,
    /// As of [`Trainer::begins`](crate::train::Trainer::begins).
    pub begins: Begins<'a>,
}
