//! What a trained model has learned, for any kind of model.

pub mod fimo;
pub mod kernel_motifs;
pub mod motif_clusters;
pub mod motif_matches;
pub mod q_values;
pub mod tomtom;
