//! `--lr-decay`, which the train commands of both kinds have.

/// What becomes of the learning rate over the epochs.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decay {
    /// Nothing.
    None,
    /// It falls to 0 by half a cosine.
    Cosine,
}
