//! What an op does on a GPU: launches, and how much memory it needs for them. The buffers are those of
//! [`crate::engine::Op`], in f32 and for the whole batch at once; sizes and layouts of `saved` and `scratch` are the
//! device's own.

use super::gpu::Gpu;
use super::pointer::{In, Out};
use super::state::StepState;
use crate::Result;

/// One input of an op: `rows x len` numbers, or `len` that all rows share.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    pub data: In<f32>,
    pub len: usize,
    pub per_row: bool,
}

impl Operand {
    /// Elements from one row to the next: 0 for what all rows share.
    pub fn stride(&self) -> u32 {
        if self.per_row { self.len as u32 } else { 0 }
    }
}

/// The gradient of one input: an op adds to it, and shared inputs sum over the rows in a fixed order.
#[derive(Clone, Copy, Debug)]
pub struct Gradient {
    pub data: Out<f32>,
    pub len: usize,
    pub per_row: bool,
}

/// What does not live in the arena.
#[derive(Clone, Copy)]
pub struct DeviceContext<'a> {
    pub gpu: &'a Gpu,
    /// `rows x length` base codes, 0..3 = ACGT, 4 = none. The batch's first sequence comes first.
    pub codes: In<u8>,
    /// Seed and step of the random numbers.
    pub state: In<StepState>,
    /// What [`DeviceOp::table`] gave.
    pub table: In<u32>,
    pub precision: Precision,
}

impl DeviceContext<'_> {
    /// As kernels take it: 1 for bf16.
    pub fn bf16(&self) -> u32 {
        u32::from(self.precision == Precision::Bf16)
    }
}

/// What the factors of matrix products are rounded to. Sums, and everything else, are f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    #[default]
    F32,
    Bf16,
}

/// Blocks that make an `m` x `n` product, a tile each: 64 x 64, or 128 x 32 where it is narrow (gemm_either of
/// kernels/lib/gemm.cuh).
pub fn gemm_tiles(m: usize, n: usize) -> usize {
    match n <= 32 {
        true => m.div_ceil(128),
        false => m.div_ceil(64) * n.div_ceil(64),
    }
}

/// Buffers of a forward run.
pub struct DeviceForward<'a> {
    /// 1 where the output is one for the whole batch.
    pub rows: usize,
    pub inputs: &'a [Operand],
    /// `rows x len`; holds old numbers until written.
    pub output: Out<f32>,
    pub saved: Out<f32>,
    pub scratch: Out<f32>,
    /// By input: a backward run will ask for its gradient.
    pub wanted: &'a [bool],
    pub around: DeviceContext<'a>,
}

/// Buffers of a backward run.
pub struct DeviceBackward<'a> {
    pub rows: usize,
    /// Null where the op said that it does not read this input again.
    pub inputs: &'a [Operand],
    /// Null where the op said that it does not read its output again.
    pub output: In<f32>,
    pub grad_output: In<f32>,
    pub saved: Out<f32>,
    pub scratch: Out<f32>,
    /// None where it is not wanted.
    pub grads: &'a [Option<Gradient>],
    pub around: DeviceContext<'a>,
}

/// Buffers (running statistics) after a training step.
pub struct DeviceBuffers<'a> {
    pub rows: usize,
    pub saved: In<f32>,
    /// By input: where it lies, if it is a parameter.
    pub params: &'a [Out<f32>],
    pub around: DeviceContext<'a>,
}

/// Elements of f32 that an op needs besides inputs and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Kept from the forward to the backward run.
    pub saved: usize,
    pub scratch_forward: usize,
    pub scratch_backward: usize,
}

/// Operations of an op's formula, a multiply-add counted as two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flops {
    pub forward: f64,
    pub backward: f64,
}

impl Flops {
    /// A product of two factors: each factor's gradient that is wanted is another of the same size.
    pub fn product(forward: f64, wanted: [bool; 2]) -> Self {
        let gradients = wanted.iter().filter(|&&w| w).count();
        Flops {
            forward,
            backward: forward * gradients as f64,
        }
    }
}

/// An op's kernels. Its constructor's shapes are fixed; `rows` may be fewer than planned in an epoch's last batch.
pub trait DeviceOp: Send + Sync {
    /// For this many rows; `wanted` says by input whether its gradient will be wanted (all false: inference).
    fn needs(&self, _rows: usize, _wanted: &[bool]) -> Needs {
        Needs::default()
    }

    /// For the benchmark's table; 0 where the op moves numbers more than it computes.
    fn flops(&self, _rows: usize, _wanted: &[bool]) -> Flops {
        Flops::default()
    }

    /// Whether the backward run reads this input again, where that differs from [`crate::engine::Op::rereads_input`].
    fn rereads_input(&self, _index: usize) -> Option<bool> {
        None
    }

    /// As [`Self::rereads_input`], for [`crate::engine::Op::rereads_output`].
    fn rereads_output(&self) -> Option<bool> {
        None
    }

    /// Why these sizes are too large for the op's kernels, if they are.
    fn refuses(&self) -> Option<String> {
        None
    }

    /// A table of the op's own, made once on the host from the shared inputs (None for those that differ by row or that
    /// learn) and again when they were replaced: packed motifs, indices. Kept on the GPU.
    fn table(&self, _inputs: &[Option<&[f32]>]) -> Vec<u32> {
        Vec::new()
    }

    /// Puts the forward run on the stream.
    ///
    /// # Errors
    /// Those of the launches.
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()>;

    /// Adds to every gradient that is wanted.
    ///
    /// # Errors
    /// Those of the launches.
    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()>;

    /// Moves the inputs that are buffers, after a training step.
    ///
    /// # Errors
    /// Those of the launches.
    fn move_buffers(&self, _io: &DeviceBuffers<'_>) -> Result<()> {
        Ok(())
    }
}
