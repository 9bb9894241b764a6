use crate::Result;
use crate::engine::cuda::kernels::Gather;
use crate::engine::cuda::{Gpu, Grid, In, Out, StepState};

/// The data set on the card, and where a batch of it goes.
#[derive(Clone, Copy, Debug)]
pub struct GatherLaunch {
    /// [`super::PackedCodes`]
    pub bases: In<u32>,
    pub unknown: In<u32>,
    /// `outputs` a row.
    pub signals: In<f32>,
    /// The epoch's rows, batch after batch.
    pub order: In<u32>,
    /// Says which batch.
    pub state: In<StepState>,
    /// `rows x length`
    pub codes: Out<u8>,
    /// `rows x outputs`
    pub targets: Out<f32>,
    /// Rows of this batch.
    pub rows: usize,
    /// Rows of all batches but the last, which may have fewer.
    pub batch_size: usize,
    pub length: usize,
    pub outputs: usize,
}

/// Puts the copy on the stream.
///
/// # Errors
/// Those of the launch.
pub fn gather_on(gpu: &Gpu, batch: &GatherLaunch) -> Result<()> {
    gpu.launch(
        Grid::new(batch.rows, 1, 1),
        Gather {
            bases: batch.bases,
            unknown: batch.unknown,
            signals: batch.signals,
            order: batch.order,
            state: batch.state,
            codes: batch.codes,
            targets: batch.targets,
            batch_size: batch.batch_size as u32,
            length: batch.length as u32,
            outputs: batch.outputs as u32,
        },
    )
}
