//! FactorNet: a convolution over sequence and tracks, a bidirectional LSTM, dense layers; both strands through the same
//! weights, and the mean of their probabilities.

mod build;
pub mod cell_line;
pub mod commands;
pub mod config;
pub mod golden;
pub mod history;
mod inject;
pub mod inputs;
pub mod keras;
pub mod kernel_sites;
pub mod known_motif;
mod program;
pub mod samples;
pub mod saved;
mod spec;
pub mod trainer;

pub use build::{Activations, Built, Masking, build};
pub use inject::{Injected, inject};
pub use program::Observed;
pub use spec::{Dropouts, Recurrent, Spec};
