use super::Mse;
use crate::Result;
use crate::engine::cuda::kernels::{
    MseBackward, MseBackwardShared, MseForward, MseWeightedBackward, MseWeightedBackwardShared,
    MseWeightedForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid};
use crate::ops::shared::elementwise::{Elements, any, own, shared, sum_grid};

impl DeviceOp for Mse {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let [p, t] = [io.inputs[0], io.inputs[1]];
        let (gpu, grid, len) = (io.around.gpu, Grid::new(io.rows, 1, 1), p.len as u32);
        match self {
            Mse::Plain => gpu.launch(
                grid,
                MseForward {
                    p: p.data,
                    p_stride: p.stride(),
                    t: t.data,
                    t_stride: t.stride(),
                    y: io.output,
                    len,
                },
            ),
            Mse::Weighted => gpu.launch(
                grid,
                MseWeightedForward {
                    p: p.data,
                    p_stride: p.stride(),
                    target: t.data,
                    y: io.output,
                    len,
                },
            ),
        }
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        match self {
            Mse::Plain => Mse::plain_backward(io),
            Mse::Weighted => Mse::weighted_backward(io),
        }
    }
}

impl Mse {
    fn plain_backward(io: &DeviceBackward<'_>) -> Result<()> {
        let [p, t] = [io.inputs[0], io.inputs[1]];
        let (gpu, rows) = (io.around.gpu, io.rows);
        let slope = (2.0 / p.len as f64) as f32;
        let [dp, dt] = [0, 1].map(|i| own(io.grads[i], rows));
        if any(&[dp, dt]) {
            let over = Elements::new(rows, p.len);
            gpu.launch(
                over.grid,
                MseBackward {
                    dy: io.grad_output,
                    p: p.data,
                    p_stride: p.stride(),
                    t: t.data,
                    t_stride: t.stride(),
                    dp,
                    dt,
                    slope,
                    len: over.len,
                    chunks: over.chunks,
                },
            )?;
        }
        for (gradient, slope) in io.grads.iter().zip([slope, -slope]) {
            if let Some(into) = shared(*gradient, rows) {
                gpu.launch(
                    sum_grid(p.len),
                    MseBackwardShared {
                        dy: io.grad_output,
                        p: p.data,
                        p_stride: p.stride(),
                        t: t.data,
                        t_stride: t.stride(),
                        into,
                        slope,
                        rows: rows as u32,
                        len: p.len as u32,
                    },
                )?;
            }
        }
        Ok(())
    }

    fn weighted_backward(io: &DeviceBackward<'_>) -> Result<()> {
        let [p, target] = [io.inputs[0], io.inputs[1]];
        let (gpu, rows) = (io.around.gpu, io.rows);
        let slope = (2.0 / p.len as f64) as f32;
        let dp = own(io.grads[0], rows);
        if any(&[dp]) {
            let over = Elements::new(rows, p.len);
            gpu.launch(
                over.grid,
                MseWeightedBackward {
                    dy: io.grad_output,
                    p: p.data,
                    p_stride: p.stride(),
                    target: target.data,
                    dp,
                    slope,
                    len: over.len,
                    chunks: over.chunks,
                },
            )?;
        }
        if let Some(dp) = shared(io.grads[0], rows) {
            gpu.launch(
                sum_grid(p.len),
                MseWeightedBackwardShared {
                    dy: io.grad_output,
                    p: p.data,
                    target: target.data,
                    dp,
                    slope,
                    rows: rows as u32,
                    len: p.len as u32,
                },
            )?;
        }
        Ok(())
    }
}
