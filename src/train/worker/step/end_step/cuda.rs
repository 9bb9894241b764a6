use crate::Result;
use crate::engine::cuda::kernels::EndStep;
use crate::engine::cuda::{Gpu, Grid, In, Out, StepState};

/// The losses of a batch, and what becomes of them.
#[derive(Clone, Copy, Debug)]
pub struct EndStepLaunch {
    /// One for each of `rows`.
    pub row_losses: In<f32>,
    pub rows: usize,
    /// Says which batch.
    pub state: In<StepState>,
    /// The sum over the rows, for each batch of the epoch.
    pub losses: Out<f64>,
    /// 1 + the number of the first batch whose loss was not finite; 0 where all were.
    pub stopped: Out<u32>,
}

/// Puts the sum on the stream.
///
/// # Errors
/// Those of the launch.
pub fn end_step_on(gpu: &Gpu, step: &EndStepLaunch) -> Result<()> {
    gpu.launch(
        Grid::new(1, 1, 1),
        EndStep {
            row_losses: step.row_losses,
            state: step.state,
            losses: step.losses,
            stopped: step.stopped,
            rows: step.rows as u32,
        },
    )
}
