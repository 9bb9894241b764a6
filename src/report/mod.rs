//! What a run says while it runs.

pub mod progress;
