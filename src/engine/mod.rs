//! Record once, run many: a [`Tape`] records ops on fixed shapes, [`Program`] is the flat list of
//! steps with every buffer's place planned, an executor runs it over batches.

pub mod arena;
pub mod cpu;
pub mod cuda;
pub mod device;
pub mod lanes;
pub mod matmul;
pub mod memory;
pub mod params;
mod plan;
pub mod program;
pub mod random;
pub mod real;
pub mod simd;
pub mod tape;

pub use cpu::{Batch, CpuExecutor};
pub use device::Device;
pub use matmul::{Mat, MatMut, matmul};
pub use params::{Init, Layout, Param, Role};
pub use program::{Piece, Program};
pub use random::{BLOCK, Noise, Philox};
pub use real::Real;
pub use tape::{
    Backward, Codes, Context, Forward, Gradient, Op, Operand, Prepared, Shape, Tape, Var,
};
