use crate::Result;
use crate::engine::cuda::kernels::BeginStep;
use crate::engine::cuda::{Gpu, Grid, In, Out, StepState};

/// Puts on the stream: `state` becomes the entry of `table` (one for each step of the epoch) that `counter` points at,
/// and the counter the next.
///
/// # Errors
/// Those of the launch.
pub fn begin_step_on(
    gpu: &Gpu,
    table: In<StepState>,
    counter: Out<u32>,
    state: Out<StepState>,
) -> Result<()> {
    gpu.launch(
        Grid::new(1, 1, 1),
        BeginStep {
            table,
            counter,
            state,
        },
    )
}
