//! FactorNet: a convolution over sequence and tracks, a bidirectional LSTM, dense layers; both strands through the same
//! weights, and the mean of their probabilities.

mod build;
mod motif;
mod program;
mod spec;

pub use build::{Activations, Built, Masking, build};
pub use motif::{Injected, inject};
pub use program::Observed;
pub use spec::{Dropouts, Recurrent, Spec};
