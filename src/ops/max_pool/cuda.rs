use super::MaxPool;
use crate::Result;
use crate::engine::cuda::kernels::{MaxPoolBackward, MaxPoolForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid, Needs, Out};

/// Elements of a block in max_pool.cu.
const SPAN: usize = 1024;

impl DeviceOp for MaxPool {
    /// The place of each window's first maximum.
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        Needs {
            saved: usize::from(wanted[0]) * rows * self.channels * self.outputs(),
            ..Needs::default()
        }
    }

    /// The places of the maxima are kept instead.
    fn rereads_input(&self, _index: usize) -> Option<bool> {
        Some(false)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let n = io.rows * self.channels * self.outputs();
        io.around.gpu.launch(
            Grid::over(n, SPAN),
            MaxPoolForward {
                x: io.inputs[0].data,
                y: io.output,
                first: if io.wanted[0] {
                    io.saved.cast()
                } else {
                    Out::NULL
                },
                n: n as u64,
                length: self.length as u32,
                outputs: self.outputs() as u32,
                window: self.window as u32,
                stride: self.stride as u32,
                padding: self.padding as u32,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(dx) = io.grads[0] else { return Ok(()) };
        let n = io.rows * self.channels * self.length;
        io.around.gpu.launch(
            Grid::over(n, SPAN),
            MaxPoolBackward {
                first: io.saved.input().cast(),
                dy: io.grad_output,
                dx: dx.data,
                n: n as u64,
                length: self.length as u32,
                outputs: self.outputs() as u32,
                window: self.window as u32,
                stride: self.stride as u32,
                padding: self.padding as u32,
            },
        )
    }
}
