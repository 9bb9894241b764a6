use super::StrandJoin;
use crate::Result;
use crate::engine::cuda::kernels::{
    StrandJoinBackwardCommon, StrandJoinBackwardCommonShared, StrandJoinBackwardOwn,
    StrandJoinBackwardOwnShared, StrandJoinForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp};
use crate::ops::shared::elementwise::{Elements, any, own, shared, sum_grid};

impl DeviceOp for StrandJoin {
    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let [x, m] = [io.inputs[0], io.inputs[1]];
        let over = Elements::new(io.rows, 2 * (self.own + self.common));
        io.around.gpu.launch(
            over.grid,
            StrandJoinForward {
                x: x.data,
                x_stride: x.stride(),
                m: m.data,
                m_stride: m.stride(),
                y: io.output,
                own: self.own as u32,
                common: self.common as u32,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, dy, rows) = (io.around.gpu, io.grad_output, io.rows);
        let (width, common) = (self.own as u32, self.common as u32);
        let [dx, dm] = [0, 1].map(|i| own(io.grads[i], rows));
        if any(&[dx]) {
            let over = Elements::new(rows, 2 * self.own);
            gpu.launch(
                over.grid,
                StrandJoinBackwardOwn {
                    dy,
                    dx,
                    own: width,
                    common,
                    chunks: over.chunks,
                },
            )?;
        }
        if any(&[dm]) {
            let over = Elements::new(rows, self.common);
            gpu.launch(
                over.grid,
                StrandJoinBackwardCommon {
                    dy,
                    dm,
                    own: width,
                    common,
                    chunks: over.chunks,
                },
            )?;
        }
        let rows_count = rows as u32;
        if let Some(dx) = shared(io.grads[0], rows) {
            gpu.launch(
                sum_grid(2 * self.own),
                StrandJoinBackwardOwnShared {
                    dy,
                    dx,
                    own: width,
                    common,
                    rows: rows_count,
                },
            )?;
        }
        if let Some(dm) = shared(io.grads[1], rows) {
            gpu.launch(
                sum_grid(self.common),
                StrandJoinBackwardCommonShared {
                    dy,
                    dm,
                    own: width,
                    common,
                    rows: rows_count,
                },
            )?;
        }
        Ok(())
    }
}
