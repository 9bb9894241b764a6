//! The kinds of models, one folder each.

pub mod factornet;
pub mod golden;
pub mod kinds;
pub mod tisfm;
