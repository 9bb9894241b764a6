//! Kernels of a training step that belong to no op.

pub mod begin_step;
pub mod end_step;
pub mod gather;
pub mod keep_outputs;
