//! What samples are made of: tables of sequences and signals, genomes, tracks, sets of intervals, splits.

pub mod batch_offsets;
pub mod consensus;
pub mod dataset;
pub mod dinucleotide_shuffle;
pub mod packed_genome;
pub mod prepared;
pub mod regions;
pub mod rows_of_peaks;
pub mod split;
pub mod tracks;
pub mod transforms;
pub mod uninformative;
pub mod variant_windows;
pub mod windows;

/// Counts and warnings for the user, a sentence each.
pub type Notes = Vec<String>;
