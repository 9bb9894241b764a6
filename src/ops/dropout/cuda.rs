use super::Dropout;
use super::cpu::threshold;
use crate::Result;
use crate::engine::BLOCK;
use crate::engine::cuda::kernels::{DropoutBackward, DropoutBackwardShared, DropoutForward};
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

/// Counters of random words that `n` elements take: a thread each (kernels/lib/stays.cuh).
pub fn counters(n: usize) -> usize {
    n.div_ceil(BLOCK) * (BLOCK / 4)
}

impl DeviceOp for Dropout {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let n = io.rows * self.len;
        io.around.gpu.launch(
            Grid::over(counters(n), 256),
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
        let (dy, state) = (io.grad_output, io.around.state);
        let (stream, threshold, scale) = (self.stream(), self.threshold(), self.scale());
        if dx.per_row {
            let n = io.rows * self.len;
            return io.around.gpu.launch(
                Grid::over(counters(n), 256),
                DropoutBackward {
                    dy,
                    dx: dx.data,
                    state,
                    n: n as u64,
                    stream,
                    threshold,
                    scale,
                },
            );
        }
        io.around.gpu.launch(
            Grid::over(self.len, 256),
            DropoutBackwardShared {
                dy,
                dx: dx.data,
                state,
                n: self.len as u64,
                rows: io.rows as u32,
                stream,
                threshold,
                scale,
            },
        )
    }
}
