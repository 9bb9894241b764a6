//! A model planned for a GPU, and the memory that a session of it takes: asked before anything is written or sent.

use super::rows::DeviceRows;
use super::step::gather::RowFormat;
use crate::Result;
use crate::engine::cuda::{DeviceProgram, Gpu};
use crate::train::batch::Source;
use crate::train::model::{Model, Purpose};

/// Bytes of flags, counters, an epoch's order.
const SMALL_CHANGE: usize = 16 << 10;

/// A model planned for batches of so many rows.
pub(super) struct Planned {
    pub inference: DeviceProgram,
    pub training: Option<DeviceProgram>,
    pub format: RowFormat,
}

impl Planned {
    pub fn new<M: Model>(model: &M, learns: bool, batch_size: usize) -> Result<Self> {
        let training = learns.then(|| model.device_program(Purpose::Train, batch_size));
        let row = model.row();
        Ok(Planned {
            inference: model.device_program(Purpose::Predict, batch_size)?,
            training: training.transpose()?,
            format: RowFormat {
                length: row.length,
                dense: row.dense,
                targets: if learns { row.targets } else { 0 },
            },
        })
    }

    pub fn arena_len(&self) -> usize {
        let programs = self.training.iter().chain([&self.inference]);
        programs.map(DeviceProgram::arena_len).max().unwrap_or(0)
    }

    /// Bytes of all that a session keeps on a GPU; tables that ops make of their parameters are taken to be as large as these.
    fn bytes<S: Source>(&self, source: &S, batch_size: usize, most: usize) -> usize {
        let parameters = self.inference.places().total * size_of::<f32>();
        let vectors = if self.training.is_some() { 6 } else { 2 };
        SMALL_CHANGE
            + self.arena_len() * size_of::<f32>()
            + vectors * parameters
            + batch_size * (self.format.length + self.inference.output_len() * size_of::<f32>())
            + DeviceRows::least_bytes(source, &self.format, batch_size, most)
    }
}

/// That a session of these settings fits into a GPU's memory, asked before anything is written or sent.
///
/// # Errors
/// An op without kernels; it does not fit: names the largest batch that does.
pub fn check_fits<M: Model, S: Source>(
    gpu: &Gpu,
    model: &M,
    source: &S,
    learns: bool,
    [batch_size, most]: [usize; 2],
) -> Result<()> {
    gpu.check_batch(batch_size, |rows| {
        Ok(Planned::new(model, learns, rows)?.bytes(source, rows, most))
    })
}
