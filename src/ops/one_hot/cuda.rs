use super::OneHot;
use crate::Result;
use crate::engine::cuda::kernels::OneHotForward;
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp};
use crate::ops::shared::elementwise::Elements;

impl DeviceOp for OneHot {
    /// The batch's first sequence comes first: it is what a run with one row reads.
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let over = Elements::new(io.rows, self.length);
        io.around.gpu.launch(
            over.grid,
            OneHotForward {
                codes: io.around.codes,
                y: io.output,
                length: over.len,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, _io: &DeviceBackward<'_>) -> Result<()> {
        Ok(())
    }
}
