use super::Add;
use crate::Result;
use crate::engine::cuda::kernels::{AddBackward, AddBackwardShared, AddForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp};
use crate::ops::shared::elementwise::{Elements, all_per_row, any, own, shared, sum_grid};

impl DeviceOp for Add {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let [a, b] = [io.inputs[0], io.inputs[1]];
        let over = Elements::joined(io.rows, self.len, all_per_row(io.inputs));
        io.around.gpu.launch(
            over.grid,
            AddForward {
                a: a.data,
                a_stride: a.stride(),
                b: b.data,
                b_stride: b.stride(),
                y: io.output,
                len: over.len,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, rows, dy) = (io.around.gpu, io.rows, io.grad_output);
        let [da, db] = [0, 1].map(|i| own(io.grads[i], rows));
        if any(&[da, db]) {
            let over = Elements::joined(rows, self.len, true);
            gpu.launch(
                over.grid,
                AddBackward {
                    dy,
                    da,
                    db,
                    len: over.len,
                    chunks: over.chunks,
                },
            )?;
        }
        for into in io.grads.iter().filter_map(|g| shared(*g, rows)) {
            gpu.launch(
                sum_grid(self.len),
                AddBackwardShared {
                    dy,
                    into,
                    rows: rows as u32,
                    len: self.len as u32,
                },
            )?;
        }
        Ok(())
    }
}
