//! What a kind of model gives the trainer.

/// How the motif layer and its pooling are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowering {
    /// One op where the blocks allow it: the way to run.
    Fused,
    /// Each block its own op, the input a dense value whose gradient can be asked for: the oracle.
    Composed,
}
