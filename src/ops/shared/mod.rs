//! What several ops share.

pub mod cpu;
pub mod elementwise;
pub mod lines;
