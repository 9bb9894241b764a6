//! How an op is checked: a case of it, and the harness that runs cases on the CPU and on a GPU. And what golden cases share,
//! by which a whole network is checked.

pub mod case;
pub mod golden;
mod on_gpu;
