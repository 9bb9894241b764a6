//! What a sample is: sequences, signals, splits; genomes, tracks and intervals for FactorNet.

pub mod dataset;
pub mod dna;
pub mod factornet;
pub mod packed_genome;
pub mod regions;
pub mod simulate;
pub mod split;
pub mod tracks;
