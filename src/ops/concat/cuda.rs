use super::Concat;
use crate::Result;
use crate::engine::cuda::kernels::{ConcatBackward, ConcatBackwardShared, ConcatForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp};
use crate::ops::shared::elementwise::{Elements, any, own, shared, sum_grid};

impl Concat {
    fn whole(&self) -> usize {
        self.widths.iter().sum()
    }

    /// Each part's first column and its width.
    fn columns(&self) -> impl Iterator<Item = (usize, usize)> {
        self.widths.iter().scan(0, |end, &width| {
            let start = *end;
            *end += width;
            Some((start, width))
        })
    }
}

impl DeviceOp for Concat {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        for (part, (start, width)) in io.inputs.iter().zip(self.columns()) {
            let over = Elements::joined(io.rows, self.outer * width, part.per_row);
            io.around.gpu.launch(
                over.grid,
                ConcatForward {
                    part: part.data,
                    stride: part.stride(),
                    y: io.output,
                    start: start as u32,
                    width: width as u32,
                    whole: self.whole() as u32,
                    lines: over.len / width as u32,
                    chunks: over.chunks,
                },
            )?;
        }
        Ok(())
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, rows, dy, whole) = (io.around.gpu, io.rows, io.grad_output, self.whole() as u32);
        for (gradient, (start, width)) in io.grads.iter().zip(self.columns()) {
            let len = self.outer * width;
            let (start, width) = (start as u32, width as u32);
            let into = own(*gradient, rows);
            if any(&[into]) {
                let over = Elements::joined(rows, len, true);
                gpu.launch(
                    over.grid,
                    ConcatBackward {
                        dy,
                        into,
                        start,
                        width,
                        whole,
                        lines: over.len / width,
                        chunks: over.chunks,
                    },
                )?;
            }
            if let Some(into) = shared(*gradient, rows) {
                gpu.launch(
                    sum_grid(len),
                    ConcatBackwardShared {
                        dy,
                        into,
                        start,
                        width,
                        whole,
                        lines: self.outer as u32,
                        rows: rows as u32,
                    },
                )?;
            }
        }
        Ok(())
    }
}
