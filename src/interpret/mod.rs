//! What a trained model has learned.

pub mod kernel_motifs;
pub mod kernel_sites;
pub mod motif_matches;
pub mod motif_ranks;
pub mod motif_similarity;
