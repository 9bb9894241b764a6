use super::Blend;
use crate::Result;
use crate::engine::cuda::kernels::{BlendBackward, BlendBackwardShared, BlendForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp};
use crate::ops::shared::elementwise::{Elements, all_per_row, any, own, shared, sum_grid};

impl DeviceOp for Blend {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let [z, a, b] = [0, 1, 2].map(|i| io.inputs[i]);
        let over = Elements::joined(io.rows, self.len, all_per_row(io.inputs));
        io.around.gpu.launch(
            over.grid,
            BlendForward {
                z: z.data,
                z_stride: z.stride(),
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
        let (gpu, rows) = (io.around.gpu, io.rows);
        let [z, a, b] = [0, 1, 2].map(|i| io.inputs[i]);
        let [dz, da, db] = [0, 1, 2].map(|i| own(io.grads[i], rows));
        if any(&[dz, da, db]) {
            let over = Elements::joined(rows, self.len, all_per_row(io.inputs));
            gpu.launch(
                over.grid,
                BlendBackward {
                    dy: io.grad_output,
                    z: z.data,
                    z_stride: z.stride(),
                    a: a.data,
                    a_stride: a.stride(),
                    b: b.data,
                    b_stride: b.stride(),
                    dz,
                    da,
                    db,
                    len: over.len,
                    chunks: over.chunks,
                },
            )?;
        }
        for (which, gradient) in io.grads.iter().enumerate() {
            if let Some(into) = shared(*gradient, rows) {
                gpu.launch(
                    sum_grid(self.len),
                    BlendBackwardShared {
                        dy: io.grad_output,
                        z: z.data,
                        z_stride: z.stride(),
                        a: a.data,
                        a_stride: a.stride(),
                        b: b.data,
                        b_stride: b.stride(),
                        into,
                        which: which as u32,
                        rows: rows as u32,
                        len: self.len as u32,
                    },
                )?;
            }
        }
        Ok(())
    }
}
