//! Windows scored by networks of any kind that can be explained.

use super::scorer::{MotifEffect, Scorer, Scores};
use crate::Result;
use crate::attribution::edits::{Change, Edited};
use crate::attribution::explainer::Explainer;
use crate::attribution::network::Explain;
use crate::attribution::score::Score;
use crate::attribution::subjects::Subject;
use crate::data::variant_windows::{Pair, Window};
use crate::train::folder::weights::Number;
use std::sync::Arc;

/// What a network takes beside the bases of a window, by dense input.
pub type Beside<'a> = dyn Fn(&Window) -> Vec<Vec<f32>> + 'a;

/// What variants do to the motifs of a model, where it has some.
pub trait Motifs {
    fn names(&self) -> &[String];

    /// The predictions of windows, windows x outputs, in the pass that also computes what [`Motifs::effects`] needs of them.
    ///
    /// # Errors
    /// The device fails; [`crate::Error::Interrupted`].
    fn predictions(&mut self, windows: &[Window]) -> Result<Vec<f64>>;

    /// Variants x outputs, of pairs of which `shifts` in a row are one variant's.
    ///
    /// # Errors
    /// The device fails; [`crate::Error::Interrupted`].
    fn effects(&mut self, pairs: &[Pair], shifts: usize) -> Result<Vec<MotifEffect>>;
}

/// One model, or the mean of an ensemble.
pub struct ByNetwork<'a, T: Number, M: Explain> {
    pub explainer: Explainer<'a, T, M>,
    /// Of the explainer's outputs.
    pub names: Vec<String>,
    pub beside: Box<Beside<'a>>,
    pub motifs: Option<Box<dyn Motifs + 'a>>,
}

impl<T: Number, M: Explain> Scorer for ByNetwork<'_, T, M> {
    fn outputs(&self) -> &[String] {
        &self.names
    }

    fn has_logits(&self) -> bool {
        self.explainer.score() != Score::Mean
    }

    fn motifs(&self) -> &[String] {
        self.motifs.as_ref().map_or(&[], |motifs| motifs.names())
    }

    fn scores(&mut self, windows: &[Window]) -> Result<Scores> {
        if let Some(motifs) = &mut self.motifs {
            return Ok(Scores {
                predictions: motifs.predictions(windows)?,
                logits: Vec::new(),
            });
        }
        let edited = windows.iter().map(|window| Edited {
            subject: Arc::new(Subject {
                codes: window.codes.clone(),
                dense: (self.beside)(window),
            }),
            change: Change::Nothing,
        });
        let scores = self.explainer.scores(&edited.collect::<Vec<_>>())?;
        Ok(match self.has_logits() {
            false => Scores {
                predictions: scores,
                logits: Vec::new(),
            },
            true => Scores {
                predictions: scores.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
                logits: scores,
            },
        })
    }

    fn motif_effects(&mut self, pairs: &[Pair], shifts: usize) -> Result<Vec<MotifEffect>> {
        match &mut self.motifs {
            Some(motifs) => motifs.effects(pairs, shifts),
            None => Ok(Vec::new()),
        }
    }
}
