//! The kinds of models, one folder each.

pub mod factornet;
pub mod kinds;
pub mod tisfm;
