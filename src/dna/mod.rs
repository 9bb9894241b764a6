//! Bases, sequences, stretches and motifs: nouns without files.

pub mod bases;
pub mod motif;
pub mod sequences;
pub mod span;
