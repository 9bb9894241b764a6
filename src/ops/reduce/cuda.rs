use super::{Reduce, Reduction};
use crate::Result;
use crate::engine::cuda::kernels::{ReduceBackwardMax, ReduceBackwardSum, ReduceForward};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid, Needs, Out};
use crate::ops::shared::elementwise::{Elements, line_grid};

impl DeviceOp for Reduction {
    /// Where each maximum is, so that the backward run reads neither x nor y.
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        Needs {
            saved: if self.kind == Reduce::Max && wanted[0] {
                rows * self.channels
            } else {
                0
            },
            ..Needs::default()
        }
    }

    /// The places of the maxima are kept instead.
    fn rereads_input(&self, _index: usize) -> Option<bool> {
        Some(false)
    }

    /// As for the input.
    fn rereads_output(&self) -> Option<bool> {
        Some(false)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let lines = io.rows * self.channels;
        let (kind, keeps) = match self.kind {
            Reduce::Sum => (0, false),
            Reduce::Mean => (1, false),
            Reduce::Max => (2, io.wanted[0]),
        };
        io.around.gpu.launch(
            line_grid(lines),
            ReduceForward {
                x: io.inputs[0].data,
                y: io.output,
                at: if keeps { io.saved.cast() } else { Out::NULL },
                kind,
                lines: lines as u32,
                length: self.length as u32,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(dx) = io.grads[0] else { return Ok(()) };
        let gpu = io.around.gpu;
        let length = self.length as u32;
        if self.kind == Reduce::Max {
            let lines = io.rows * self.channels;
            return gpu.launch(
                Grid::over(lines, 256),
                ReduceBackwardMax {
                    dy: io.grad_output,
                    at: io.saved.cast().input(),
                    dx: dx.data,
                    lines: lines as u32,
                    length,
                },
            );
        }
        let over = Elements::joined(io.rows, self.channels * self.length, true);
        gpu.launch(
            over.grid,
            ReduceBackwardSum {
                dy: io.grad_output,
                dx: dx.data,
                share: if self.kind == Reduce::Mean {
                    (1.0 / self.length as f64) as f32
                } else {
                    1.0
                },
                length,
                len: over.len,
                chunks: over.chunks,
            },
        )
    }
}
