//! What a kind of model gives.

use crate::Result;
use crate::data::variant_windows::{Pair, Window};

/// Predictions of some windows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Windows x outputs.
    pub predictions: Vec<f64>,
    /// The same before the sigmoid; empty where predictions are no probabilities.
    pub logits: Vec<f64>,
}

/// Of an output, what a variant does to a motif.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MotifEffect {
    /// The motif that gained most by ALT, by its place in [`Scorer::motifs`].
    pub gained: Option<u32>,
    /// The one that lost most.
    pub lost: Option<u32>,
    /// Their part of the difference of the predictions.
    pub part: f64,
}

/// A model, or several, that predict windows.
pub trait Scorer {
    /// One name or more.
    fn outputs(&self) -> &[String];

    /// Whether predictions are probabilities, whose logits [`Scorer::scores`] gives too.
    fn has_logits(&self) -> bool {
        false
    }

    /// The motifs' names; none where the model knows none.
    fn motifs(&self) -> &[String] {
        &[]
    }

    /// The predictions of windows of one length, as many as come: how many are computed at once is the model's affair.
    fn scores(&mut self, windows: &[Window]) -> Result<Scores>;

    /// Variants x outputs, of pairs of which `shifts` in a row are one variant's: a motif's part is the mean over them. Asked
    /// only where there are [`Scorer::motifs`].
    fn motif_effects(&mut self, pairs: &[Pair], shifts: usize) -> Result<Vec<MotifEffect>> {
        Ok(vec![
            MotifEffect::default();
            pairs.len() / shifts * self.outputs().len()
        ])
    }
}
