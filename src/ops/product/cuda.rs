use super::Product;
use crate::Result;
use crate::engine::cuda::kernels::{
    ProductBackward, ProductBackwardChannels, ProductBackwardShared, ProductForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, In, Needs, Out};
use crate::ops::shared::elementwise::{
    Elements, all_per_row, any, line_grid, own, shared, sum_grid,
};

impl Product {
    fn channels(&self) -> usize {
        self.len / self.repeat
    }

    /// By channel: b's gradient is a sum over l, of each row where b has rows, else kept in `scratch` and summed over
    /// the rows.
    fn backward_channels(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, rows, channels) = (io.around.gpu, io.rows, self.channels());
        let [a, b] = [io.inputs[0], io.inputs[1]];
        let da = own(io.grads[0], rows);
        let summed = shared(io.grads[1], rows);
        let db = if summed.is_some() {
            io.scratch
        } else {
            own(io.grads[1], rows)
        };
        if any(&[da, db]) {
            gpu.launch(
                line_grid(rows * channels),
                ProductBackwardChannels {
                    dy: io.grad_output,
                    a: a.data,
                    a_stride: a.stride(),
                    b: b.data,
                    b_stride: b.stride(),
                    da,
                    db,
                    db_adds: u32::from(summed.is_none()),
                    lines: (rows * channels) as u32,
                    channels: channels as u32,
                    length: self.repeat as u32,
                },
            )?;
        }
        if let Some(into) = summed {
            gpu.launch(
                sum_grid(channels),
                ProductBackwardShared {
                    dy: io.scratch.input(),
                    other: In::NULL,
                    other_stride: 0,
                    repeat: 1,
                    into,
                    rows: rows as u32,
                    len: channels as u32,
                },
            )?;
        }
        Ok(())
    }

    fn backward_elements(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, rows) = (io.around.gpu, io.rows);
        let [a, b] = [io.inputs[0], io.inputs[1]];
        let [da, db] = [0, 1].map(|i| own(io.grads[i], rows));
        if any(&[da, db]) {
            let over = Elements::joined(rows, self.len, all_per_row(io.inputs));
            gpu.launch(
                over.grid,
                ProductBackward {
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
        if let Some(into) = shared(io.grads[1], rows) {
            self.sum_rows(io, 0, 1, into)?;
        }
        Ok(())
    }

    /// The gradient of a shared factor as long as the output: dy times input `other`, summed over the rows.
    fn sum_rows(
        &self,
        io: &DeviceBackward<'_>,
        other: usize,
        repeat: usize,
        into: Out<f32>,
    ) -> Result<()> {
        io.around.gpu.launch(
            sum_grid(self.len),
            ProductBackwardShared {
                dy: io.grad_output,
                other: io.inputs[other].data,
                other_stride: io.inputs[other].stride(),
                repeat: repeat as u32,
                into,
                rows: io.rows as u32,
                len: self.len as u32,
            },
        )
    }
}

impl DeviceOp for Product {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        Needs {
            scratch_backward: if self.repeat > 1 && wanted[1] {
                rows * self.channels()
            } else {
                0
            },
            ..Needs::default()
        }
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let [a, b] = [io.inputs[0], io.inputs[1]];
        let over = Elements::joined(io.rows, self.len, all_per_row(io.inputs));
        io.around.gpu.launch(
            over.grid,
            ProductForward {
                a: a.data,
                a_stride: a.stride(),
                b: b.data,
                b_stride: b.stride(),
                y: io.output,
                repeat: self.repeat as u32,
                len: over.len,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        if self.repeat == 1 {
            self.backward_elements(io)?;
        } else {
            self.backward_channels(io)?;
        }
        if let Some(into) = shared(io.grads[0], io.rows) {
            self.sum_rows(io, 1, self.repeat, into)?;
        }
        Ok(())
    }
}
