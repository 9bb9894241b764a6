//! What is trained on, validated on and tested on: rows of a table, or regions of a genome.

mod by_regions;
pub mod folds;
pub mod regions;
pub mod rows;
