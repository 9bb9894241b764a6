//! What a run is made of: what is asked of it, what explains, and what is found of some sequences.

use super::method::Method;
use super::named_hits::Named;
use super::output::Output;
use super::subjects::{Stretch, Subject, Subjects};
use crate::Result;
use std::path::PathBuf;
use std::sync::Arc;

/// What is asked of a run, whatever explains.
pub struct Request {
    pub out: PathBuf,
    pub resume: bool,
    pub outputs: Vec<Output>,
    /// Sequences that get a picture, from the first on.
    pub plot: usize,
    pub method: Method,
    /// As messages name it.
    pub model: String,
    /// What the results depend on beside the sequences.
    pub fingerprint: String,
    /// What a score is, for the head of its table.
    pub scale: &'static str,
    /// Motifs by which stretches are named.
    pub named: Option<Named>,
}

/// What is found of some sequences.
#[derive(Default)]
pub struct Block {
    /// Sequences x outputs.
    pub scores: Vec<f64>,
    /// The same of the baselines; empty where there are none.
    pub baselines: Vec<f64>,
    /// By file, so many numbers per sequence.
    pub numbers: Vec<(String, Vec<f32>)>,
    /// Lines of tables, by file.
    pub lines: Vec<(String, String)>,
}

/// What explains sequences.
pub trait Work {
    /// Sequences per block.
    fn most(&self) -> usize;

    /// Names of the tracks that get attributions.
    fn tracks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Tables that it writes: file and header.
    fn tables(&self, _outputs: &[Output]) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Names for pictures, where the method itself gives them.
    fn hits(&mut self) -> Option<&mut dyn Hits> {
        None
    }

    /// `first`: the number of the first of these among all.
    ///
    /// # Errors
    /// The device fails; [`crate::Error::Interrupted`].
    fn block(
        &mut self,
        subjects: &[Arc<Subject>],
        first: usize,
        all: &dyn Subjects,
        outputs: &[Output],
    ) -> Result<Block>;
}

/// Names stretches of a sequence for its picture.
pub trait Hits {
    /// By output.
    ///
    /// # Errors
    /// The device fails.
    fn of(&mut self, subject: &Arc<Subject>) -> Result<Vec<Vec<Stretch>>>;
}
