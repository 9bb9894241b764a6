use super::StrandMean;
use crate::Result;
use crate::engine::cuda::kernels::{StrandMeanBackward, StrandMeanForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp};
use crate::ops::shared::elementwise::Elements;

impl DeviceOp for StrandMean {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let over = Elements::new(io.rows, self.len);
        io.around.gpu.launch(
            over.grid,
            StrandMeanForward {
                x: io.inputs[0].data,
                y: io.output,
                len: self.len as u32,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(dx) = io.grads[0] else { return Ok(()) };
        let over = Elements::new(io.rows, 2 * self.len);
        io.around.gpu.launch(
            over.grid,
            StrandMeanBackward {
                dy: io.grad_output,
                dx: dx.data,
                len: self.len as u32,
                chunks: over.chunks,
            },
        )
    }
}
