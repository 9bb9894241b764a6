use super::RowFormat;
use crate::Result;
use crate::engine::cuda::kernels::{GatherCodes, GatherNumbers};
use crate::engine::cuda::{Gpu, Grid, In, Out, StepState};

/// Numbers of a row that a block copies.
const NUMBERS: usize = 4 * 256;

/// Rows that the GPU holds, and which of them are a batch.
#[derive(Clone, Copy, Debug)]
pub struct GatherLaunch<'a> {
    pub format: &'a RowFormat,
    pub words: In<u32>,
    /// Numbers of rows, batch after batch.
    pub order: In<u32>,
    /// Says which batch.
    pub state: In<StepState>,
    /// Rows of this batch.
    pub rows: usize,
    /// Rows of all batches but the last, which may have fewer.
    pub batch_size: usize,
}

/// Puts the copy of the base codes, `rows x length`, on the stream.
///
/// # Errors
/// Those of the launch.
pub fn gather_codes_on(gpu: &Gpu, batch: &GatherLaunch<'_>, codes: Out<u8>) -> Result<()> {
    if batch.format.length == 0 {
        return Ok(());
    }
    gpu.launch(
        Grid::new(batch.rows, 1, 1),
        GatherCodes {
            rows: batch.words,
            order: batch.order,
            state: batch.state,
            codes,
            batch_size: batch.batch_size as u32,
            words: batch.format.words() as u32,
            length: batch.format.length as u32,
        },
    )
}

/// Puts the copy of a dense input (by number; after them the targets), `rows x elements`, on the stream.
///
/// # Errors
/// Those of the launch.
///
/// # Panics
/// When the format has no such list.
pub fn gather_numbers_on(
    gpu: &Gpu,
    batch: &GatherLaunch<'_>,
    list: usize,
    numbers: Out<f32>,
) -> Result<()> {
    let words = batch
        .format
        .lists()
        .nth(list)
        .expect("a list of the format");
    gpu.launch(
        Grid::new(batch.rows, words.len().div_ceil(NUMBERS), 1),
        GatherNumbers {
            rows: batch.words,
            order: batch.order,
            state: batch.state,
            numbers,
            batch_size: batch.batch_size as u32,
            words: batch.format.words() as u32,
            first: words.start as u32,
            count: words.len() as u32,
        },
    )
}
