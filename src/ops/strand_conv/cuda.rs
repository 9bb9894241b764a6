use super::StrandConv;
use crate::Result;
use crate::engine::cuda::kernels::{
    StrandConvBackwardTracks, StrandConvBackwardWeight, StrandConvForward, StrandConvSumParts,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Flops, Grid, In, Needs, Out};

/// Edge of a block's tile (GEMM_TILE).
const TILE: usize = 64;
/// Places of a track that a block of the tracks' gradient has.
const PLACES: usize = 256;

impl StrandConv {
    /// Windows of all rows and strands.
    fn lines(&self, rows: usize) -> usize {
        2 * rows * self.positions()
    }

    /// Blocks of the kernel's gradient and the bias's below it.
    fn weight_tiles(&self) -> usize {
        (self.window() + 1).div_ceil(TILE) * self.kernels.div_ceil(TILE)
    }

    /// Lines of one part of the sum over all of them: enough blocks for any GPU, sums of a thousand or more.
    fn part_lines(&self, lines: usize) -> usize {
        let parts = 1024usize
            .div_ceil(self.weight_tiles())
            .min(lines.div_ceil(1024))
            .max(1);
        lines.div_ceil(parts)
    }

    fn parts(&self, lines: usize) -> usize {
        lines.div_ceil(self.part_lines(lines))
    }
}

impl DeviceOp for StrandConv {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let parts = self.parts(self.lines(rows)) * (self.window() + 1) * self.kernels;
        Needs {
            scratch_backward: if wanted[0] || wanted[1] { parts } else { 0 },
            ..Needs::default()
        }
    }

    fn flops(&self, rows: usize, wanted: &[bool]) -> Flops {
        let multiply_adds = self.lines(rows) * self.window() * self.kernels;
        Flops::product(2.0 * multiply_adds as f64, [wanted[0], false])
    }

    /// The kernels take W itself.
    fn rereads_input(&self, index: usize) -> Option<bool> {
        Some(index == 2 || index == 0)
    }

    /// By track of the other strand: the track that it is read from.
    fn table(&self, _inputs: &[Option<&[f32]>]) -> Vec<u32> {
        self.order.iter().map(|&track| track as u32).collect()
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let lines = self.lines(io.rows);
        let tracks = io.inputs.get(2);
        io.around.gpu.launch(
            Grid::new(lines.div_ceil(TILE) * self.kernels.div_ceil(TILE), 1, 1),
            StrandConvForward {
                codes: io.around.codes,
                tracks: tracks.map_or(In::NULL, |t| t.data),
                order: io.around.table,
                weight: io.inputs[0].data,
                bias: io.inputs[1].data,
                y: io.output,
                track_stride: tracks.map_or(0, |t| t.stride()),
                lines: lines as u32,
                length: self.length as u32,
                width: self.width as u32,
                channels: self.channels() as u32,
                kernels: self.kernels as u32,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, lines) = (io.around.gpu, self.lines(io.rows));
        let (length, width) = (self.length as u32, self.width as u32);
        let (channels, kernels) = (self.channels() as u32, self.kernels as u32);
        let tracks = io.inputs.get(2);
        let gradient = |index: usize| io.grads[index].map_or(Out::NULL, |g| g.data);
        if io.grads[0].is_some() || io.grads[1].is_some() {
            let parts = self.parts(lines);
            gpu.launch(
                Grid::new(self.weight_tiles(), parts, 1),
                StrandConvBackwardWeight {
                    codes: io.around.codes,
                    tracks: tracks.map_or(In::NULL, |t| t.data),
                    order: io.around.table,
                    y: io.output,
                    dy: io.grad_output,
                    parts: io.scratch,
                    track_stride: tracks.map_or(0, |t| t.stride()),
                    lines: lines as u32,
                    length,
                    width,
                    channels,
                    kernels,
                    part_lines: self.part_lines(lines) as u32,
                },
            )?;
            gpu.launch(
                Grid::over((self.window() + 1) * self.kernels, 256),
                StrandConvSumParts {
                    parts: io.scratch.input(),
                    dw: gradient(0),
                    db: gradient(1),
                    count: parts as u32,
                    width,
                    channels,
                    kernels,
                },
            )?;
        }
        let Some(dtracks) = io.grads.get(2).copied().flatten() else {
            return Ok(());
        };
        gpu.launch(
            Grid::new(
                io.rows * self.order.len() * self.length.div_ceil(PLACES),
                1,
                1,
            ),
            StrandConvBackwardTracks {
                order: io.around.table,
                weight: io.inputs[0].data,
                y: io.output,
                dy: io.grad_output,
                dtracks: dtracks.data,
                tracks: self.order.len() as u32,
                length,
                width,
                kernels,
            },
        )
    }
}
