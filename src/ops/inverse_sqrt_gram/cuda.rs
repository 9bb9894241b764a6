use super::InverseSqrtGram;
use crate::Result;
use crate::engine::cuda::kernels::{
    InverseSqrtGramBackward, InverseSqrtGramBackwardInput, InverseSqrtGramForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid, Needs, Out};

/// f32 elements of one f64.
const WIDE: usize = 2;
/// Bytes of shared memory that any block may have.
const SHARED: usize = 48 << 10;

impl InverseSqrtGram {
    /// f64 numbers that a row's rotations work in: the matrix, the eigenvectors and the rotations.
    fn work(&self) -> usize {
        2 * self.filters * self.filters + self.filters + 1
    }

    /// They fit beside the kernel's own few.
    fn in_shared(&self) -> bool {
        self.work() * size_of::<f64>() + 256 <= SHARED
    }
}

impl DeviceOp for InverseSqrtGram {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let n = self.filters;
        Needs {
            saved: if wanted[0] {
                WIDE * rows * n * (n + 1)
            } else {
                0
            },
            scratch_forward: if self.in_shared() {
                0
            } else {
                WIDE * rows * self.work()
            },
            scratch_backward: WIDE * rows * 2 * n * n,
        }
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let shared = if self.in_shared() {
            self.work() * size_of::<f64>()
        } else {
            0
        };
        io.around.gpu.launch_shared(
            Grid::new(io.rows, 1, 1),
            shared,
            InverseSqrtGramForward {
                a: io.inputs[0].data,
                y: io.output,
                saved: if io.wanted[0] {
                    io.saved.cast()
                } else {
                    Out::NULL
                },
                work: io.scratch.cast(),
                filters: self.filters as u32,
                length: self.length as u32,
                in_shared: u32::from(self.in_shared()),
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(da) = io.grads[0] else { return Ok(()) };
        let (gpu, work) = (io.around.gpu, io.scratch.cast::<f64>());
        let filters = self.filters as u32;
        gpu.launch(
            Grid::new(io.rows, 1, 1),
            InverseSqrtGramBackward {
                dy: io.grad_output,
                saved: io.saved.cast().input(),
                work,
                filters,
            },
        )?;
        gpu.launch(
            Grid::over(io.rows * self.filters * self.length, 256),
            InverseSqrtGramBackwardInput {
                a: io.inputs[0].data,
                work: work.input(),
                da: da.data,
                rows: io.rows as u32,
                filters,
                length: self.length as u32,
            },
        )
    }
}
