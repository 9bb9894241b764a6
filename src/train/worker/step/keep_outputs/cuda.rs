use crate::Result;
use crate::engine::cuda::kernels::KeepOutputs;
use crate::engine::cuda::{Gpu, Grid, In, Out, StepState};

/// A batch's outputs and the place for those of several batches.
#[derive(Clone, Copy, Debug)]
pub struct KeepOutputsLaunch {
    /// `count` numbers.
    pub outputs: In<f32>,
    pub count: usize,
    /// Says which batch: its place is the number modulo `batches`.
    pub state: In<StepState>,
    /// `batches x full`
    pub kept: Out<f32>,
    pub batches: usize,
    /// Numbers of a full batch.
    pub full: usize,
}

/// Puts the copy on the stream.
///
/// # Errors
/// Those of the launch.
pub fn keep_outputs_on(gpu: &Gpu, batch: &KeepOutputsLaunch) -> Result<()> {
    gpu.launch(
        Grid::over(batch.count, 256),
        KeepOutputs {
            outputs: batch.outputs,
            state: batch.state,
            kept: batch.kept,
            batches: batch.batches as u32,
            full: batch.full as u32,
            count: batch.count as u32,
        },
    )
}
