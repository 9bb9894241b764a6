//! No kernel yet: FactorNet runs on the CPU alone.

pub use crate::engine::cuda::HostOnly;
