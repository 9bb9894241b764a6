use super::Depthwise;
use crate::Result;
use crate::engine::cuda::kernels::{
    DepthwiseBackwardInput, DepthwiseBackwardWeight, DepthwiseForward, DepthwiseSumParts,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid, In, Needs, Out};

/// What depthwise.cu computes: line n of y (`filters` for each of the `lines` of x in a row) belongs to line n / filters
/// of x and kernel n % kernels, `y[n, l] = b + sum_k w[k] x[n / filters, l + k + shift]`, w read backwards if
/// `reversed`. Inputs x, w and perhaps b.
pub(in crate::ops) struct Correlation {
    pub lines: usize,
    pub filters: usize,
    pub kernels: usize,
    pub length: usize,
    pub out_length: usize,
    pub width: usize,
    pub shift: i32,
    pub reversed: bool,
}

/// Neighbouring positions that a warp makes, and warps of a block.
const TILE: usize = 128;
const WARPS: usize = 4;

impl Correlation {
    /// Blocks for lines of some length, a warp a tile.
    fn grid(lines: usize, length: usize) -> Grid {
        Grid::over(lines * length.div_ceil(TILE), WARPS)
    }

    /// Taps, in fours, that one pass over the lines makes the gradient of.
    fn lags(&self) -> usize {
        if self.width <= 16 { 4 } else { 8 }
    }

    /// Blocks that make one part of the weight gradient.
    fn blocks(&self) -> usize {
        self.kernels * self.width.div_ceil(4 * self.lags())
    }

    /// Into how many parts the lines of a kernel are cut: enough blocks for any GPU, work for every warp.
    fn parts(&self, rows: usize) -> usize {
        let lines = rows * self.lines * self.filters / self.kernels;
        let tiles = lines * self.out_length.div_ceil(TILE);
        2048usize.div_ceil(self.blocks()).min(tiles.div_ceil(WARPS))
    }

    pub fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let parts = usize::from(wanted[1..].contains(&true)) * self.parts(rows);
        Needs {
            scratch_backward: parts * self.kernels * (self.width + 1),
            ..Needs::default()
        }
    }

    pub fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let lines = io.rows * self.lines * self.filters;
        io.around.gpu.launch(
            Correlation::grid(lines, self.out_length),
            DepthwiseForward {
                x: io.inputs[0].data,
                w: io.inputs[1].data,
                bias: io.inputs.get(2).map_or(In::NULL, |b| b.data),
                y: io.output,
                lines: lines as u32,
                filters: self.filters as u32,
                kernels: self.kernels as u32,
                length: self.length as u32,
                out_length: self.out_length as u32,
                width: self.width as u32,
                shift: self.shift,
                reversed: self.reversed.into(),
            },
        )
    }

    pub fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        if let Some(dx) = io.grads[0] {
            let lines = io.rows * self.lines;
            io.around.gpu.launch(
                Correlation::grid(lines, self.length),
                DepthwiseBackwardInput {
                    dy: io.grad_output,
                    w: io.inputs[1].data,
                    dx: dx.data,
                    lines: lines as u32,
                    filters: self.filters as u32,
                    kernels: self.kernels as u32,
                    length: self.length as u32,
                    out_length: self.out_length as u32,
                    width: self.width as u32,
                    shift: self.shift,
                    reversed: self.reversed.into(),
                },
            )?;
        }
        self.backward_weight(io)
    }

    fn backward_weight(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let gpu = io.around.gpu;
        let (dw, db) = (io.grads[1], io.grads.get(2).copied().flatten());
        if dw.is_none() && db.is_none() {
            return Ok(());
        }
        let parts = self.parts(io.rows);
        let bias_parts = io.scratch.at(parts * self.kernels * self.width);
        gpu.launch(
            Grid::new(parts * self.blocks(), 1, 1),
            DepthwiseBackwardWeight {
                x: io.inputs[0].data,
                dy: io.grad_output,
                dw: io.scratch,
                db: db.map_or(Out::NULL, |_| bias_parts),
                lines: (io.rows * self.lines * self.filters) as u32,
                filters: self.filters as u32,
                kernels: self.kernels as u32,
                length: self.length as u32,
                out_length: self.out_length as u32,
                width: self.width as u32,
                shift: self.shift,
                reversed: self.reversed.into(),
                lags: self.lags() as u32,
                parts: parts as u32,
            },
        )?;
        for (grad, from) in [(dw, io.scratch), (db, bias_parts)] {
            if let Some(grad) = grad {
                gpu.launch(
                    Grid::over(grad.len, 32),
                    DepthwiseSumParts {
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

impl Depthwise {
    fn correlation(&self) -> Correlation {
        Correlation {
            lines: self.channels,
            filters: 1,
            kernels: self.channels,
            length: self.length,
            out_length: self.out_length(),
            width: self.width,
            shift: -(self.padding as i32),
            reversed: false,
        }
    }
}

impl DeviceOp for Depthwise {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        self.correlation().needs(rows, wanted)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        self.correlation().forward(io)
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        self.correlation().backward(io)
    }
}
