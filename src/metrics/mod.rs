//! How well predictions agree with what was measured.

pub mod classification;
pub mod regression;
