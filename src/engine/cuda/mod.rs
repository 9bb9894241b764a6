//! The CUDA backend: the driver is loaded at run time, kernels are compiled for the card that is there, a whole training
//! step is replayed as one graph. Built and linked without any part of CUDA.

mod arch;
mod cache;
mod executor;
mod gpu;
mod images;
pub mod kernels;
mod nvrtc;
mod op;
mod pointer;
pub mod probe;
mod profile;
mod program;
mod staging;
mod state;

pub use arch::{Arch, Target};
pub use executor::DeviceExecutor;
pub use gpu::{Buffer, Gpu, Graph, Grid};
pub use images::{Image, Images, LEAST_ARCH, LEAST_CUDA, LEAST_DRIVER};
pub use kernels::Kernel;
pub use nvrtc::Nvrtc;
pub use op::{
    DeviceBackward, DeviceBuffers, DeviceContext, DeviceForward, DeviceOp, Flops, Gradient, Needs,
    Operand, Precision, gemm_tiles,
};
pub use pointer::{In, Out};
pub use profile::{StepTime, copy_bandwidth};
pub use program::{DeviceProgram, Memory, PARAMETER_ALIGN, ParameterPlaces, StepWork};
pub use staging::Staging;
pub use state::StepState;
