//! How an op is checked: a case of it, and the harness that runs cases on the CPU and on a GPU.

pub mod case;
mod on_gpu;
