//! Sequence-to-function models of regulatory DNA: known motifs as convolution kernels, attention,
//! programmable pooling and a sparse interpretable output layer, on an autograd engine of our own.
//!
//! Data flows one way: [`io`] reads files, [`data`] makes samples of them, [`models`] builds a
//! program from a spec, [`engine`] runs it through [`ops`], [`train`] drives it.

pub mod args;
pub mod check;
pub mod cli;
pub mod data;
pub mod dna;
pub mod engine;
pub mod error;
pub mod interpret;
pub mod io;
pub mod metrics;
pub mod models;
pub mod ops;
pub mod optim;
pub mod report;
pub mod timing;
pub mod train;

pub use error::{Error, Result};

#[cfg(test)]
#[path = "../tests/common/real_data.rs"]
mod real_data;
