//! The CUDA backend: the driver is loaded at run time, kernels are compiled for the card that is there, a whole training
//! step is replayed as one graph. Built and linked without any part of CUDA.

pub mod kernels;
mod pointer;
mod state;

pub use kernels::Kernel;
pub use pointer::{In, Out};
pub use state::StepState;
