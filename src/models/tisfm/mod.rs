//! tiSFM: known motifs as convolution kernels, attention, programmable pooling, a sparse interpretable output layer.

mod attention;
mod build;
pub mod builtin;
pub mod calibration;
pub mod commands;
pub mod config;
mod effect;
mod focal;
pub mod golden;
mod layers;
pub mod motif_kernels;
pub mod motif_ranks;
pub mod network;
mod nystrom;
mod parse;
pub mod penalty_path;
pub mod saved;
pub mod simulate;
pub mod spec;

pub use build::{Built, Dimensions, Features, build};
pub use motif_kernels::MotifKernels;
pub use spec::Spec;
