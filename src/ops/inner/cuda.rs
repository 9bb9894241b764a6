use super::Inner;
use crate::Result;
use crate::engine::cuda::kernels::{InnerBackward, InnerBackwardShared, InnerForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid};
use crate::ops::shared::elementwise::{Elements, any, own, shared, sum_grid};

impl DeviceOp for Inner {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let [a, b] = [io.inputs[0], io.inputs[1]];
        io.around.gpu.launch(
            Grid::new(io.rows, 1, 1),
            InnerForward {
                a: a.data,
                a_stride: a.stride(),
                b: b.data,
                b_stride: b.stride(),
                y: io.output,
                len: a.len as u32,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let [a, b] = [io.inputs[0], io.inputs[1]];
        let (gpu, rows) = (io.around.gpu, io.rows);
        let [da, db] = [0, 1].map(|i| own(io.grads[i], rows));
        if any(&[da, db]) {
            let over = Elements::new(rows, a.len);
            gpu.launch(
                over.grid,
                InnerBackward {
                    dy: io.grad_output,
                    a: a.data,
                    a_stride: a.stride(),
                    b: b.data,
                    b_stride: b.stride(),
                    da,
                    db,
                    len: over.len,
                    chunks: over.chunks,
                },
            )?;
        }
        for (gradient, other) in io.grads.iter().zip([b, a]) {
            if let Some(into) = shared(*gradient, rows) {
                gpu.launch(
                    sum_grid(a.len),
                    InnerBackwardShared {
                        dy: io.grad_output,
                        other: other.data,
                        other_stride: other.stride(),
                        into,
                        rows: rows as u32,
                        len: a.len as u32,
                    },
                )?;
            }
        }
        Ok(())
    }
}
