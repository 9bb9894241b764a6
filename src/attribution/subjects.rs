//! The sequences that are explained.

pub use crate::dna::sequences::Place;

/// What a network gets of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// L base codes: 0 to 3 for A, C, G, T; 4 for none.
    pub codes: Vec<u8>,
    /// The dense inputs, in the order of the network's; the first are tracks (n, L) where it has some.
    pub dense: Vec<Vec<f32>>,
}

/// All sequences of a run, in their order; any of them can be had at any time, so that a run can go on where it stopped.
pub trait Subjects: Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As the file has it.
    fn name(&self, at: usize) -> String;

    /// Where its L bases lie, where that is known.
    fn place(&self, at: usize) -> Option<Place>;

    fn subject(&self, at: usize) -> Subject;

    /// By sequence or line of the file: whether it is among these.
    fn kept(&self) -> Vec<bool>;

    /// Chromosomes and their lengths where a genome tells them.
    fn chromosomes(&self) -> Option<Vec<(String, u64)>>;

    /// Names of the tracks, which are the first dense input.
    fn tracks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Peaks that lie on it: half-open, counted from its first base.
    fn peaks(&self, _at: usize) -> Vec<(i64, i64)> {
        Vec::new()
    }

    /// What sequences and tracks are, so that a run is not resumed on others.
    fn fingerprint(&self) -> String;
}

/// A stretch of a sequence that has a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    pub start: usize,
    pub end: usize,
    pub name: String,
    pub strand: char,
    pub importance: f64,
}
