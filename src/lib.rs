//! Sequence-to-function models of regulatory DNA on an autograd engine of our own: tiSFM (known motifs as convolution
//! kernels, attention, programmable pooling, a sparse interpretable output layer) and FactorNet (convolution and
//! bidirectional LSTM over DNA and tracks, both strands).
//!
//! Data flows one way: [`io`] reads files, [`data`] makes samples of them, [`models`] builds a
//! program from a spec, [`engine`] runs it through [`ops`], [`train`] drives it.

/// Says a line on stderr, as a terminal can show it: what it quotes may come from anyone's file.
macro_rules! tell {
    ($($words:tt)*) => {
        $crate::io::text::tell(format_args!($($words)*))
    };
}

pub mod args;
pub mod attribution;
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
pub mod numbers;
pub mod ops;
pub mod optim;
pub mod report;
pub mod timing;
pub mod train;
pub mod variants;

pub use error::{Error, Result};

#[cfg(test)]
#[path = "../tests/common/real_data.rs"]
mod real_data;
