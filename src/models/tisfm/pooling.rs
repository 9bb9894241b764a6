//! How the motifs' windows became features, kept while a network is recorded.

use super::build::{Builder, BuiltPooling};
use super::spec::{Block, Extent};
use crate::engine::{Real, Var};
use crate::ops::activation::Activation;

impl<T: Real> Builder<'_, T> {
    /// Keeps where the motifs' sigmoids are, and how they were pooled; `before`: the block before this one, which made `out` of `x`.
    pub(super) fn follow_activities(
        &mut self,
        before: Option<&Block>,
        block: &Block,
        x: Var,
        out: Var,
    ) {
        let sigmoid = matches!(
            block,
            Block::Activation {
                kind: Activation::Sigmoid
            }
        );
        let pooled = |weight: Option<String>, window: usize, activities: Var| BuiltPooling {
            activities,
            pooled: out,
            places: self.tape.shape(activities)[1],
            length: self.tape.shape(x)[1],
            window,
            weight,
        };
        match (block, self.activities.take()) {
            (_, None) if sigmoid && matches!(before, Some(Block::Motifs { .. })) => {
                self.activities = Some(out);
            }
            (Block::MergeStrands {}, Some(activities)) => self.activities = Some(activities),
            (Block::GlobalMaxPool {}, Some(activities)) => {
                let length = self.tape.shape(x)[1];
                self.pooling = Some(pooled(None, length, activities));
            }
            (Block::AttentionPool { name, extent }, Some(activities)) => {
                let length = self.tape.shape(x)[1];
                let window = match extent {
                    Extent::Whole => length,
                    Extent::Window(n) => *n,
                    Extent::Parts(n) => length.div_ceil(*n),
                };
                let weight = Some(format!("{name}.weight"));
                self.pooling = Some(pooled(weight, window, activities));
            }
            // Whatever else reads them makes something of its own.
            _ => {}
        }
    }
}
