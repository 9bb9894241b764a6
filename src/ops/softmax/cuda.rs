use super::Softmax;
use crate::Result;
use crate::engine::cuda::kernels::{
    SoftmaxColumnsBackward, SoftmaxColumnsForward, SoftmaxLinesBackward, SoftmaxLinesForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid};
use crate::ops::shared::lines::Lines;

impl Softmax {
    /// Lines of the batch and their length, where the numbers of a sum are neighbours in memory.
    fn lines(&self, rows: usize) -> Option<(usize, usize)> {
        match (self.axis, self.inner) {
            (1, inner) => Some((rows * self.outer, inner)),
            (_, 1) => Some((rows, self.outer)),
            _ => None,
        }
    }

    fn columns_grid(&self, rows: usize) -> Grid {
        Grid::over(rows * self.inner, 32)
    }
}

impl DeviceOp for Softmax {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let (gpu, x, y) = (io.around.gpu, io.inputs[0].data, io.output);
        let Some((lines, length)) = self.lines(io.rows) else {
            return gpu.launch(
                self.columns_grid(io.rows),
                SoftmaxColumnsForward {
                    x,
                    y,
                    rows: io.rows as u32,
                    outer: self.outer as u32,
                    inner: self.inner as u32,
                },
            );
        };
        let of = Lines::new(lines, length);
        gpu.launch(
            of.grid,
            SoftmaxLinesForward {
                x,
                y,
                lines: of.lines,
                length: length as u32,
                lanes: of.lanes,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(dx) = io.grads[0] else { return Ok(()) };
        let (gpu, y, dy, dx) = (io.around.gpu, io.output, io.grad_output, dx.data);
        let Some((lines, length)) = self.lines(io.rows) else {
            return gpu.launch(
                self.columns_grid(io.rows),
                SoftmaxColumnsBackward {
                    y,
                    dy,
                    dx,
                    rows: io.rows as u32,
                    outer: self.outer as u32,
                    inner: self.inner as u32,
                },
            );
        };
        let of = Lines::new(lines, length);
        gpu.launch(
            of.grid,
            SoftmaxLinesBackward {
                y,
                dy,
                dx,
                lines: of.lines,
                length: length as u32,
                lanes: of.lanes,
            },
        )
    }
}
