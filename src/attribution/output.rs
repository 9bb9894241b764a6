//! The outputs that are explained, and the files of a run's parts.

/// An output that is explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    /// The same as part of a file's name.
    pub file: String,
    /// Its place among the model's.
    pub place: usize,
}

/// Files of a run, in its folder's parts.
pub const SEQUENCES: &str = "ohe";
pub const SCORES: &str = "scores";

pub fn bases_of(output: &Output) -> String {
    format!("attr.{}", output.file)
}

pub fn tracks_of(output: &Output) -> String {
    format!("tracks.{}", output.file)
}
