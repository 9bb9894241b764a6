use super::BatchNorm;
use crate::Result;
use crate::engine::cuda::kernels::{BatchNormBackward, BatchNormForward, BatchNormMove};
use crate::engine::cuda::{
    DeviceBackward, DeviceBuffers, DeviceForward, DeviceOp, Grid, Needs, Out,
};

impl DeviceOp for BatchNorm {
    /// Of each channel: mean, 1 / sqrt(v + eps), unbiased variance.
    fn needs(&self, _rows: usize, _wanted: &[bool]) -> Needs {
        Needs {
            saved: 3 * self.channels,
            ..Needs::default()
        }
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        io.around.gpu.launch(
            Grid::new(self.channels, 1, 1),
            BatchNormForward {
                x: io.inputs[0].data,
                weight: io.inputs[1].data,
                bias: io.inputs[2].data,
                running_mean: io.inputs[3].data,
                running_var: io.inputs[4].data,
                y: io.output,
                saved: io.saved,
                rows: io.rows as u32,
                channels: self.channels as u32,
                length: self.length as u32,
                training: self.training.into(),
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let asked = |i: usize| io.grads[i].map_or(Out::NULL, |g| g.data);
        io.around.gpu.launch(
            Grid::new(self.channels, 1, 1),
            BatchNormBackward {
                x: io.inputs[0].data,
                weight: io.inputs[1].data,
                saved: io.saved.input(),
                dy: io.grad_output,
                dx: asked(0),
                dweight: asked(1),
                dbias: asked(2),
                rows: io.rows as u32,
                channels: self.channels as u32,
                length: self.length as u32,
                training: self.training.into(),
            },
        )
    }

    fn move_buffers(&self, io: &DeviceBuffers<'_>) -> Result<()> {
        if !self.training {
            return Ok(());
        }
        io.around.gpu.launch(
            Grid::over(self.channels, 256),
            BatchNormMove {
                saved: io.saved,
                mean: io.params[3],
                var: io.params[4],
                count: io.params[5],
                channels: self.channels as u32,
            },
        )
    }
}
