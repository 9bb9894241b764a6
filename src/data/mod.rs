//! What a sample is: sequences, signals, splits.

pub mod dataset;
pub mod dna;
pub mod simulate;
pub mod split;
