use super::{Activate, Activation};
use crate::Result;
use crate::engine::cuda::kernels::{ActivationBackward, ActivationForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid};

impl Activate {
    /// The function's number in activation.cu.
    fn number(&self) -> u32 {
        match self.kind {
            Activation::Sigmoid => 0,
            Activation::Relu => 1,
            Activation::LeakyRelu => 2,
            Activation::Gelu => 3,
        }
    }
}

impl DeviceOp for Activate {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let n = io.rows * self.len;
        io.around.gpu.launch(
            Grid::over(n, 256),
            ActivationForward {
                x: io.inputs[0].data,
                y: io.output,
                n: n as u32,
                kind: self.number(),
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(dx) = io.grads[0] else { return Ok(()) };
        let n = io.rows * self.len;
        let at = if self.kind == Activation::Gelu {
            io.inputs[0].data
        } else {
            io.output
        };
        io.around.gpu.launch(
            Grid::over(n, 256),
            ActivationBackward {
                at,
                dy: io.grad_output,
                dx: dx.data,
                n: n as u32,
                kind: self.number(),
            },
        )
    }
}
