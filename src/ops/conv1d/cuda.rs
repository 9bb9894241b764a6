use super::Conv1d;
use crate::Result;
use crate::engine::cuda::kernels::{
    Conv1dBackwardInput, Conv1dBackwardOverlap, Conv1dBackwardWeight, Conv1dBackwardWindows,
    Conv1dForward, Conv1dSumParts,
};
use crate::engine::cuda::{
    DeviceBackward, DeviceForward, DeviceOp, Flops, Gradient, Grid, In, Needs, Out,
};

/// Edge of a block's tile.
const TILE: usize = 64;

/// Up to so many input channels dx comes from the gradients of the windows.
const FEW: usize = 32;

/// Elements of windows made at a time: what stays in a GPU's cache.
const WINDOWS: usize = 8 << 20;

/// A grid of tiles, counted in one dimension.
fn tiles(m: usize, n: usize) -> usize {
    m.div_ceil(TILE) * n.div_ceil(TILE)
}

impl Conv1d {
    fn taps(&self) -> usize {
        self.inputs * self.width
    }

    fn through_windows(&self) -> bool {
        self.width > 1 && self.inputs <= FEW
    }

    /// Rows whose windows are made at a time.
    fn rows_at_once(&self, rows: usize) -> usize {
        (WINDOWS / (self.taps() * self.out_length())).clamp(1, rows)
    }

    /// Into at most how many parts the columns are cut that a weight gradient sums: enough blocks for any GPU, sums of
    /// a thousand or more.
    fn parts(&self, rows: usize) -> usize {
        let blocks = tiles(self.outputs, self.taps() + 1);
        let columns = rows * self.out_length();
        1024usize.div_ceil(blocks).min(columns.div_ceil(1024))
    }

    fn backward_input(&self, io: &DeviceBackward<'_>, dx: Gradient) -> Result<()> {
        io.around.gpu.launch(
            Grid::new(tiles(self.inputs, io.rows * self.length), 1, 1),
            Conv1dBackwardInput {
                dy: io.grad_output,
                weight: io.inputs[1].data,
                dx: dx.data,
                rows: io.rows as u32,
                inputs: self.inputs as u32,
                outputs: self.outputs as u32,
                length: self.length as u32,
                out_length: self.out_length() as u32,
                width: self.width as u32,
                padding: self.padding as u32,
                bf16: io.around.bf16(),
            },
        )
    }

    fn backward_input_through_windows(&self, io: &DeviceBackward<'_>, dx: Gradient) -> Result<()> {
        let gpu = io.around.gpu;
        let step = self.rows_at_once(io.rows);
        for first in (0..io.rows).step_by(step) {
            let rows = step.min(io.rows - first);
            let n = rows * self.inputs * self.length;
            gpu.launch(
                Grid::new(tiles(self.taps(), rows * self.out_length()), 1, 1),
                Conv1dBackwardWindows {
                    dy: io.grad_output.at(first * self.outputs * self.out_length()),
                    weight: io.inputs[1].data,
                    windows: io.scratch,
                    rows: rows as u32,
                    taps: self.taps() as u32,
                    outputs: self.outputs as u32,
                    out_length: self.out_length() as u32,
                    bf16: io.around.bf16(),
                },
            )?;
            gpu.launch(
                Grid::over(n, 256),
                Conv1dBackwardOverlap {
                    windows: io.scratch.input(),
                    dx: dx.data.at(first * self.inputs * self.length),
                    n: n as u32,
                    rows: rows as u32,
                    inputs: self.inputs as u32,
                    length: self.length as u32,
                    out_length: self.out_length() as u32,
                    width: self.width as u32,
                    padding: self.padding as u32,
                },
            )?;
        }
        Ok(())
    }

    fn backward_weight(
        &self,
        io: &DeviceBackward<'_>,
        dw: Option<Gradient>,
        db: Option<Gradient>,
    ) -> Result<()> {
        let gpu = io.around.gpu;
        let columns = io.rows * self.out_length();
        let span = columns.div_ceil(self.parts(io.rows)).next_multiple_of(16);
        let parts = columns.div_ceil(span);
        let weights = dw.map_or(0, |_| self.outputs * self.taps());
        let bias_parts = io.scratch.at(parts * weights);
        let n = dw.map_or(0, |_| self.taps()) + usize::from(db.is_some());
        gpu.launch(
            Grid::new(parts * tiles(self.outputs, n), 1, 1),
            Conv1dBackwardWeight {
                x: io.inputs[0].data,
                dy: io.grad_output,
                dw: dw.map_or(Out::NULL, |_| io.scratch),
                db: db.map_or(Out::NULL, |_| bias_parts),
                rows: io.rows as u32,
                inputs: self.inputs as u32,
                outputs: self.outputs as u32,
                length: self.length as u32,
                out_length: self.out_length() as u32,
                width: self.width as u32,
                padding: self.padding as u32,
                span: span as u32,
                bf16: io.around.bf16(),
            },
        )?;
        for (grad, from) in [(dw, io.scratch), (db, bias_parts)] {
            if let Some(grad) = grad {
                gpu.launch(
                    Grid::over(grad.len, 32),
                    Conv1dSumParts {
                        parts: from.input(),
                        out: grad.data,
                        rows: parts as u32,
                        columns: grad.len as u32,
                    },
                )?;
            }
        }
        Ok(())
    }
}

impl DeviceOp for Conv1d {
    fn flops(&self, rows: usize, wanted: &[bool]) -> Flops {
        let multiply_adds = rows * self.outputs * self.taps() * self.out_length();
        Flops::product(2.0 * multiply_adds as f64, [wanted[0], wanted[1]])
    }

    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let windows = if wanted[0] && self.through_windows() {
            self.rows_at_once(rows) * self.taps() * self.out_length()
        } else {
            0
        };
        let weights = if wanted[1..].contains(&true) {
            self.parts(rows) * self.outputs * (self.taps() + 1)
        } else {
            0
        };
        Needs {
            scratch_backward: windows.max(weights),
            ..Needs::default()
        }
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        io.around.gpu.launch(
            Grid::new(tiles(self.outputs, io.rows * self.out_length()), 1, 1),
            Conv1dForward {
                x: io.inputs[0].data,
                weight: io.inputs[1].data,
                bias: io.inputs.get(2).map_or(In::NULL, |b| b.data),
                y: io.output,
                rows: io.rows as u32,
                inputs: self.inputs as u32,
                outputs: self.outputs as u32,
                length: self.length as u32,
                out_length: self.out_length() as u32,
                width: self.width as u32,
                padding: self.padding as u32,
                bf16: io.around.bf16(),
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        if let Some(dx) = io.grads[0] {
            if self.through_windows() {
                self.backward_input_through_windows(io, dx)?;
            } else {
                self.backward_input(io, dx)?;
            }
        }
        let (dw, db) = (io.grads[1], io.grads.get(2).copied().flatten());
        if dw.is_some() || db.is_some() {
            self.backward_weight(io, dw, db)?;
        }
        Ok(())
    }
}
