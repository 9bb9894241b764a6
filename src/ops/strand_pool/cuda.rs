use super::StrandPool;
use crate::Result;
use crate::engine::cuda::kernels::{StrandPoolBackward, StrandPoolForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Needs, Out};
use crate::ops::shared::elementwise::Elements;

impl StrandPool {
    /// Blocks over the outputs of every row's strands.
    fn elements(&self, rows: usize) -> Elements {
        Elements::new(2 * rows, self.windows() * self.channels)
    }
}

impl DeviceOp for StrandPool {
    /// The place of each window's first maximum.
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        Needs {
            saved: usize::from(wanted[0]) * 2 * rows * self.windows() * self.channels,
            ..Needs::default()
        }
    }

    /// The places of the maxima are kept instead.
    fn rereads_input(&self, _index: usize) -> Option<bool> {
        Some(false)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let over = self.elements(io.rows);
        io.around.gpu.launch(
            over.grid,
            StrandPoolForward {
                x: io.inputs[0].data,
                y: io.output,
                first: if io.wanted[0] {
                    io.saved.cast()
                } else {
                    Out::NULL
                },
                positions: self.positions as u32,
                channels: self.channels as u32,
                windows: self.windows() as u32,
                window: self.window as u32,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(dx) = io.grads[0] else { return Ok(()) };
        let over = self.elements(io.rows);
        io.around.gpu.launch(
            over.grid,
            StrandPoolBackward {
                first: io.saved.input().cast(),
                dy: io.grad_output,
                dx: dx.data,
                positions: self.positions as u32,
                channels: self.channels as u32,
                windows: self.windows() as u32,
                window: self.window as u32,
                chunks: over.chunks,
            },
        )
    }
}
