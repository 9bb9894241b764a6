//! Sequences as they are and changed, as samples of a network.

use super::network::{Explain, Raw};
use super::subjects::Subject;
use crate::Result;
use crate::engine::Device;
use crate::train::batch::{Row, Source};
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::predictor::Predictor;
use std::sync::Arc;

/// A sequence, perhaps with other bases; what else it brings stays.
#[derive(Clone)]
pub struct Edited {
    pub subject: Arc<Subject>,
    pub change: Change,
}

/// What differs from the sequence as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Nothing,
    /// One base, counted from 0, becomes this code.
    Base(usize, u8),
    /// All bases.
    Bases(Arc<[u8]>),
}

/// Where they come from: each sample brings all that it is.
pub struct Edits;

impl Source for Edits {
    type Sample = Edited;

    fn fill(&self, sample: &Edited, row: &mut Row<'_>) {
        match &sample.change {
            Change::Bases(codes) => row.codes.copy_from_slice(codes),
            change => {
                row.codes.copy_from_slice(&sample.subject.codes);
                if let Change::Base(at, code) = change {
                    row.codes[*at] = *code;
                }
            }
        }
        for (to, from) in row.dense.iter_mut().zip(&sample.subject.dense) {
            to.copy_from_slice(from);
        }
    }
}

/// A network that gives raw values of whole sequences.
pub struct Raws<T: Number>(Predictor<'static, T, Edits>);

impl<T: Number> Raws<T> {
    /// `params` in the order of the model's layout; at most `most` sequences at a time.
    ///
    /// # Errors
    /// A model that cannot be built, does not fit into memory or cannot run on the device.
    pub fn new<M: Explain>(
        device: &Device,
        precision: Precision,
        model: &M,
        params: Vec<T>,
        batch_size: usize,
        most: usize,
    ) -> Result<Self> {
        let raw = Raw(model);
        Predictor::new(device, precision, &raw, params, &Edits, batch_size, most).map(Raws)
    }

    /// Sequences x raw values.
    ///
    /// # Errors
    /// A batch does not fit into memory; the device fails; [`crate::Error::Interrupted`] after a signal that the program watches for.
    pub fn of(&mut self, sequences: &[Edited]) -> Result<Vec<f64>> {
        let found = self.0.predict(sequences, |_| {})?;
        Ok(found.into_iter().map(|x| x.f64()).collect())
    }
}
