//! Models: a spec (data), and what builds a program's tape from it.

mod attention;
mod build;
pub mod builtin;
pub mod calibration;
mod effect;
pub mod factornet;
mod focal;
mod layers;
pub mod motif_kernels;
mod nystrom;
mod parse;
pub mod spec;

pub use build::{Built, Dimensions, Features, Lowering, build};
pub use motif_kernels::MotifKernels;
pub use spec::Spec;
