//! What a trained model has learned.

pub mod motif_ranks;
