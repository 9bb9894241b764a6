use super::BinaryCrossEntropy;
use crate::Result;
use crate::engine::cuda::kernels::{
    BinaryCrossEntropyBackward, BinaryCrossEntropyBackwardShared, BinaryCrossEntropyForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid};
use crate::ops::shared::elementwise::{Elements, any, own, shared, sum_grid};

impl DeviceOp for BinaryCrossEntropy {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let [p, t] = [io.inputs[0], io.inputs[1]];
        io.around.gpu.launch(
            Grid::new(io.rows, 1, 1),
            BinaryCrossEntropyForward {
                p: p.data,
                p_stride: p.stride(),
                t: t.data,
                t_stride: t.stride(),
                y: io.output,
                len: p.len as u32,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let [p, t] = [io.inputs[0], io.inputs[1]];
        let (gpu, rows) = (io.around.gpu, io.rows);
        let share = (1.0 / p.len as f64) as f32;
        let dp = own(io.grads[0], rows);
        if any(&[dp]) {
            let over = Elements::new(rows, p.len);
            gpu.launch(
                over.grid,
                BinaryCrossEntropyBackward {
                    dy: io.grad_output,
                    p: p.data,
                    p_stride: p.stride(),
                    t: t.data,
                    t_stride: t.stride(),
                    dp,
                    share,
                    len: over.len,
                    chunks: over.chunks,
                },
            )?;
        }
        if let Some(dp) = shared(io.grads[0], rows) {
            gpu.launch(
                sum_grid(p.len),
                BinaryCrossEntropyBackwardShared {
                    dy: io.grad_output,
                    p: p.data,
                    t: t.data,
                    t_stride: t.stride(),
                    dp,
                    share,
                    rows: rows as u32,
                    len: p.len as u32,
                },
            )?;
        }
        Ok(())
    }
}
