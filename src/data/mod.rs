//! What a sample is: sequences, signals, splits.

pub mod dna;
