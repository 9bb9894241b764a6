//! What a trained model has learned, for any kind of model.

pub mod kernel_motifs;
pub mod motif_matches;
pub mod tomtom;
