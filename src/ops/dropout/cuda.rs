use super::Dropout;
use super::cpu::threshold;
use crate::Result;
use crate::engine::cuda::kernels::{DropoutBackward, DropoutForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid};
use crate::engine::params::STREAM_DROPOUT;

impl Dropout {
    /// The stream of step 0.
    fn stream(&self) -> u64 {
        STREAM_DROPOUT + (self.site << 32)
    }

    fn threshold(&self) -> u64 {
        threshold(self.p)
    }

    fn scale(&self) -> f32 {
        (1.0 / (1.0 - self.p)) as f32
    }
}

impl DeviceOp for Dropout {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let n = io.rows * self.len;
        io.around.gpu.launch(
            Grid::over(n, 256),
            DropoutForward {
                x: io.inputs[0].data,
                y: io.output,
                state: io.around.state,
                n: n as u64,
                len: self.len as u32,
                shared: (!io.inputs[0].per_row).into(),
                stream: self.stream(),
                threshold: self.threshold(),
                scale: self.scale(),
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(dx) = io.grads[0] else { return Ok(()) };
        let (n, rows) = if dx.per_row {
            (io.rows * self.len, 1)
        } else {
            (self.len, io.rows)
        };
        io.around.gpu.launch(
            Grid::over(n, 256),
            DropoutBackward {
                dy: io.grad_output,
                dx: dx.data,
                state: io.around.state,
                n: n as u64,
                rows: rows as u32,
                stream: self.stream(),
                threshold: self.threshold(),
                scale: self.scale(),
            },
        )
    }
}
