//! The CUDA backend: the driver is loaded at run time, kernels are compiled for the card that is there, a whole training
//! step is replayed as one graph. Built and linked without any part of CUDA.

mod executor;
mod gpu;
pub mod images;
pub mod kernels;
mod op;
mod pointer;
pub mod probe;
mod program;
mod state;

pub use executor::DeviceExecutor;
pub use gpu::{Buffer, Gpu, Graph, Grid};
pub use kernels::Kernel;
pub use op::{
    DeviceBackward, DeviceBuffers, DeviceForward, DeviceOp, Gradient, Needs, Operand, Precision,
    Surroundings, gemm_grid,
};
pub use pointer::{In, Out};
pub use program::{DeviceProgram, Memory, ParameterPlaces};
pub use state::StepState;
