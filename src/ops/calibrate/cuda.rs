use super::Calibrate;
use crate::Result;
use crate::engine::cuda::kernels::{CalibrateBackward, CalibrateBackwardShared, CalibrateForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, In, Needs};
use crate::ops::shared::elementwise::{
    Elements, all_per_row, any, line_grid, own, shared, sum_grid,
};

impl DeviceOp for Calibrate {
    /// The sums over l for scale and for bias, where these are shared: summed over the rows then.
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let sums = wanted[1..].iter().filter(|w| **w).count();
        Needs {
            scratch_backward: sums * rows * self.channels,
            ..Needs::default()
        }
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let (x, scale, bias) = (io.inputs[0], io.inputs[1], io.inputs.get(2));
        let len = self.channels * self.length;
        let over = Elements::joined(io.rows, len, all_per_row(io.inputs));
        io.around.gpu.launch(
            over.grid,
            CalibrateForward {
                x: x.data,
                x_stride: x.stride(),
                scale: scale.data,
                scale_stride: scale.stride(),
                bias: bias.map_or(In::NULL, |b| b.data),
                bias_stride: bias.map_or(0, |b| b.stride()),
                y: io.output,
                length: self.length as u32,
                len: over.len,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, rows, channels) = (io.around.gpu, io.rows, self.channels);
        let [x, scale] = [io.inputs[0], io.inputs[1]];
        let gradient = |i: usize| io.grads.get(i).copied().flatten();
        let dx = own(gradient(0), rows);
        let summed = [1, 2].map(|i| shared(gradient(i), rows));
        let kept = usize::from(summed[0].is_some()) * rows * channels;
        let sums = [io.scratch, io.scratch.at(kept)];
        let [dscale, dbias] = [0, 1].map(|i| match summed[i] {
            Some(_) => sums[i],
            None => own(gradient(1 + i), rows),
        });
        if any(&[dx, dscale, dbias]) {
            gpu.launch(
                line_grid(rows * channels),
                CalibrateBackward {
                    dy: io.grad_output,
                    x: x.data,
                    x_stride: x.stride(),
                    scale: scale.data,
                    scale_stride: scale.stride(),
                    dx,
                    dscale,
                    dscale_adds: u32::from(summed[0].is_none()),
                    dbias,
                    dbias_adds: u32::from(summed[1].is_none()),
                    lines: (rows * channels) as u32,
                    channels: channels as u32,
                    length: self.length as u32,
                },
            )?;
        }
        for (sums, into) in sums.into_iter().zip(summed) {
            if let Some(into) = into {
                gpu.launch(
                    sum_grid(channels),
                    CalibrateBackwardShared {
                        dy: sums.input(),
                        scale: In::NULL,
                        scale_stride: 0,
                        length: 1,
                        into,
                        rows: rows as u32,
                        len: channels as u32,
                    },
                )?;
            }
        }
        if let Some(into) = shared(gradient(0), rows) {
            let len = channels * self.length;
            gpu.launch(
                sum_grid(len),
                CalibrateBackwardShared {
                    dy: io.grad_output,
                    scale: scale.data,
                    scale_stride: scale.stride(),
                    length: self.length as u32,
                    into,
                    rows: rows as u32,
                    len: len as u32,
                },
            )?;
        }
        Ok(())
    }
}
