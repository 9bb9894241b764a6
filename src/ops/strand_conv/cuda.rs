use super::StrandConv;
use crate::Result;
use crate::engine::cuda::kernels::{
    StrandConvBackwardTracks, StrandConvBackwardWeight, StrandConvForward, StrandConvSumParts,
};
use crate::engine::cuda::{
    DeviceBackward, DeviceContext, DeviceForward, DeviceOp, Flops, Grid, In, Needs, Operand, Out,
    StepState,
};

/// Edge of a block's tile (GEMM_TILE).
const TILE: usize = 64;
/// Places of a track that a block of the tracks' gradient has.
const PLACES: usize = 256;

/// The convolution's sizes, as its launches need them.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Sizes {
    pub length: usize,
    pub width: usize,
    /// Bases and tracks.
    pub channels: usize,
    pub kernels: usize,
}

/// Dropout behind the ReLU; `state` is null for none.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Drop {
    pub state: In<StepState>,
    pub stream: u64,
    pub threshold: u64,
    pub scale: f32,
}

impl Drop {
    const NONE: Drop = Drop {
        state: In::NULL,
        stream: 0,
        threshold: 0,
        scale: 1.0,
    };
}

/// What a backward run of kernel and bias reads and writes.
pub(in crate::ops) struct WeightGradient {
    /// What the forward run wrote, and its gradient.
    pub y: In<f32>,
    pub dy: In<f32>,
    /// Dropout's 1 / (1 - p).
    pub scale: f32,
    /// Memory of [`Sizes::sums`] elements.
    pub sums: Out<f32>,
    /// Null where not wanted.
    pub dw: Out<f32>,
    pub db: Out<f32>,
}

impl Sizes {
    fn window(&self) -> usize {
        self.width * self.channels
    }

    /// Windows of all rows and strands.
    pub fn lines(&self, rows: usize) -> usize {
        2 * rows * (self.length - self.width + 1)
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

    /// Elements that the parts of the sums take.
    pub fn sums(&self, rows: usize) -> usize {
        self.parts(self.lines(rows)) * (self.window() + 1) * self.kernels
    }

    /// Operations of the products.
    pub fn flops(&self, rows: usize) -> f64 {
        2.0 * (self.lines(rows) * self.window() * self.kernels) as f64
    }

    pub fn forward(
        &self,
        around: &DeviceContext<'_>,
        rows: usize,
        [weight, bias]: [In<f32>; 2],
        tracks: Option<&Operand>,
        y: Out<f32>,
        drop: Drop,
    ) -> Result<()> {
        let lines = self.lines(rows);
        around.gpu.launch(
            Grid::new(lines.div_ceil(TILE) * self.kernels.div_ceil(TILE), 1, 1),
            StrandConvForward {
                codes: around.codes,
                tracks: tracks.map_or(In::NULL, |t| t.data),
                order: around.table,
                weight,
                bias,
                y,
                state: drop.state,
                stream: drop.stream,
                threshold: drop.threshold,
                scale: drop.scale,
                track_stride: tracks.map_or(0, |t| t.stride()),
                lines: lines as u32,
                length: self.length as u32,
                width: self.width as u32,
                channels: self.channels as u32,
                kernels: self.kernels as u32,
            },
        )
    }

    pub fn backward_weight(
        &self,
        around: &DeviceContext<'_>,
        rows: usize,
        tracks: Option<&Operand>,
        of: WeightGradient,
    ) -> Result<()> {
        let lines = self.lines(rows);
        let parts = self.parts(lines);
        let (width, channels) = (self.width as u32, self.channels as u32);
        let kernels = self.kernels as u32;
        around.gpu.launch(
            Grid::new(self.weight_tiles(), parts, 1),
            StrandConvBackwardWeight {
                codes: around.codes,
                tracks: tracks.map_or(In::NULL, |t| t.data),
                order: around.table,
                y: of.y,
                dy: of.dy,
                parts: of.sums,
                scale: of.scale,
                track_stride: tracks.map_or(0, |t| t.stride()),
                lines: lines as u32,
                length: self.length as u32,
                width,
                channels,
                kernels,
                part_lines: self.part_lines(lines) as u32,
            },
        )?;
        around.gpu.launch(
            Grid::over((self.window() + 1) * self.kernels, 256),
            StrandConvSumParts {
                parts: of.sums.input(),
                dw: of.dw,
                db: of.db,
                count: parts as u32,
                width,
                channels,
                kernels,
            },
        )
    }
}

/// By track of the other strand: the track that it is read from, as the kernels take it.
pub(in crate::ops) fn order_table(order: &[usize]) -> Vec<u32> {
    order.iter().map(|&track| track as u32).collect()
}

impl StrandConv {
    fn sizes(&self) -> Sizes {
        Sizes {
            length: self.length,
            width: self.width,
            channels: self.channels(),
            kernels: self.kernels,
        }
    }
}

impl DeviceOp for StrandConv {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        Needs {
            scratch_backward: match wanted[0] || wanted[1] {
                true => self.sizes().sums(rows),
                false => 0,
            },
            ..Needs::default()
        }
    }

    fn flops(&self, rows: usize, wanted: &[bool]) -> Flops {
        Flops::product(self.sizes().flops(rows), [wanted[0], false])
    }

    /// The kernels take W itself.
    fn rereads_input(&self, index: usize) -> Option<bool> {
        Some(index == 2 || index == 0)
    }

    fn table(&self, _inputs: &[Option<&[f32]>]) -> Vec<u32> {
        order_table(&self.order)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let parameters = [0, 1].map(|i| io.inputs[i].data);
        let tracks = io.inputs.get(2);
        self.sizes().forward(
            &io.around,
            io.rows,
            parameters,
            tracks,
            io.output,
            Drop::NONE,
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let tracks = io.inputs.get(2);
        let gradient = |index: usize| io.grads[index].map_or(Out::NULL, |g| g.data);
        if io.grads[0].is_some() || io.grads[1].is_some() {
            let of = WeightGradient {
                y: io.output,
                dy: io.grad_output,
                scale: 1.0,
                sums: io.scratch,
                dw: gradient(0),
                db: gradient(1),
            };
            self.sizes()
                .backward_weight(&io.around, io.rows, tracks, of)?;
        }
        let Some(dtracks) = io.grads.get(2).copied().flatten() else {
            return Ok(());
        };
        let lines = io.rows * self.order.len();
        io.around.gpu.launch(
            Grid::new(lines * self.length.div_ceil(PLACES), 1, 1),
            StrandConvBackwardTracks {
                order: io.around.table,
                weight: io.inputs[0].data,
                y: io.output,
                dy: io.grad_output,
                dtracks: dtracks.data,
                tracks: self.order.len() as u32,
                length: self.length as u32,
                width: self.width as u32,
                kernels: self.kernels as u32,
            },
        )
    }
}
