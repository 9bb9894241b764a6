use super::StrandConv;
use crate::Result;
use crate::engine::cuda::kernels::{
    StrandConvBackwardTracks, StrandConvBackwardWeight, StrandConvBackwardWeightStrips,
    StrandConvForward, StrandConvForwardStrips, StrandConvSumParts,
};
use crate::engine::cuda::{
    DeviceBackward, DeviceContext, DeviceForward, DeviceOp, Flops, Grid, In, Needs, Operand, Out,
    StepState, gemm_tiles,
};

/// Edge of a tile of the gradient (GEMM_TILE).
const TILE: usize = 64;
/// Strips (strand_conv.cu): kernels of a block, lines of a block forward, lines of a step backward, numbers of padding, numbers
/// of a window, bytes of shared memory, and blocks of the gradient that fill any card.
const STRIP_KERNELS: usize = 32;
const FORWARD_LINES: usize = 256;
const BACKWARD_LINES: usize = 64;
const STRIP_PAD: usize = 16;
const STRIP_WINDOW: usize = 256;
const STRIP_SHARED: usize = 36 << 10;
const STRIP_BLOCKS: usize = 396;
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
        2 * rows * self.positions()
    }

    fn positions(&self) -> usize {
        self.length - self.width + 1
    }

    /// Bytes of the strip behind `lines` windows, if strips hold them.
    fn strip(&self, lines: usize) -> Option<usize> {
        let numbers = |lines: usize| (lines + self.width - 1) * self.channels + STRIP_PAD;
        let of_weight = self.window().next_multiple_of(8);
        let most = (numbers(FORWARD_LINES) + of_weight) * size_of::<f32>();
        let fits = self.window() <= STRIP_WINDOW && most <= STRIP_SHARED;
        fits.then(|| (numbers(lines) + of_weight) * size_of::<f32>())
    }

    /// Blocks of the gradient from strips: each sums one part of the lines.
    fn strip_parts(&self, rows: usize) -> usize {
        let tiles = self.strip_tiles(rows);
        tiles.div_ceil(tiles.div_ceil(STRIP_BLOCKS))
    }

    fn strip_tiles(&self, rows: usize) -> usize {
        2 * rows * self.positions().div_ceil(BACKWARD_LINES)
    }

    /// Blocks of the kernel's gradient and the bias's below it.
    fn weight_tiles(&self) -> usize {
        (self.window() + 1).div_ceil(TILE) * self.kernels.div_ceil(TILE)
    }

    /// Lines of one part of the sum over all of them: enough blocks for any GPU, sums of a thousand or more.
    fn part_lines(&self, lines: usize) -> usize {
        lines.div_ceil(self.most_parts(lines))
    }

    /// Into how many parts these lines, or fewer, are cut at most: the count itself may be larger for fewer lines.
    fn most_parts(&self, lines: usize) -> usize {
        let parts = 1024usize.div_ceil(self.weight_tiles());
        parts.min(lines.div_ceil(1024)).max(1)
    }

    fn parts(&self, lines: usize) -> usize {
        lines.div_ceil(self.part_lines(lines))
    }

    /// Elements that the parts of the sums take, of these rows or of fewer.
    pub fn sums(&self, rows: usize) -> usize {
        let parts = match self.strip(BACKWARD_LINES) {
            Some(_) => self.strip_tiles(rows).min(STRIP_BLOCKS),
            None => self.most_parts(self.lines(rows)),
        };
        parts * (self.window() + 1) * self.kernels
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
        let (codes, order) = (around.codes, around.table);
        let (track_stride, tracks) = tracks.map_or((0, In::NULL), |t| (t.stride(), t.data));
        if let Some(shared) = self.strip(FORWARD_LINES) {
            // A strand whose first line has an odd number begins one before it.
            let tiles = (self.positions() + 1).div_ceil(FORWARD_LINES);
            let grid = Grid::new(2 * rows * tiles, self.kernels.div_ceil(STRIP_KERNELS), 1);
            return around.gpu.launch_shared(
                grid,
                shared,
                StrandConvForwardStrips {
                    codes,
                    tracks,
                    order,
                    weight,
                    bias,
                    y,
                    state: drop.state,
                    stream: drop.stream,
                    threshold: drop.threshold,
                    scale: drop.scale,
                    track_stride,
                    length: self.length as u32,
                    width: self.width as u32,
                    channels: self.channels as u32,
                    kernels: self.kernels as u32,
                    bf16: around.bf16(),
                },
            );
        }
        around.gpu.launch(
            Grid::new(gemm_tiles(lines, self.kernels), 1, 1),
            StrandConvForward {
                codes,
                tracks,
                order,
                weight,
                bias,
                y,
                state: drop.state,
                stream: drop.stream,
                threshold: drop.threshold,
                scale: drop.scale,
                track_stride,
                lines: lines as u32,
                length: self.length as u32,
                width: self.width as u32,
                channels: self.channels as u32,
                kernels: self.kernels as u32,
                bf16: around.bf16(),
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
        let (width, channels) = (self.width as u32, self.channels as u32);
        let (kernels, length) = (self.kernels as u32, self.length as u32);
        let (codes, order) = (around.codes, around.table);
        let (track_stride, tracks) = tracks.map_or((0, In::NULL), |t| (t.stride(), t.data));
        let WeightGradient { y, dy, scale, .. } = of;
        let parts = match self.strip(BACKWARD_LINES) {
            Some(shared) => {
                let parts = self.strip_parts(rows);
                let grid = Grid::new(parts, self.kernels.div_ceil(STRIP_KERNELS), 1);
                around.gpu.launch_shared(
                    grid,
                    shared,
                    StrandConvBackwardWeightStrips {
                        codes,
                        tracks,
                        order,
                        y,
                        dy,
                        parts: of.sums,
                        scale,
                        track_stride,
                        rows: rows as u32,
                        length,
                        width,
                        channels,
                        kernels,
                        bf16: around.bf16(),
                    },
                )?;
                parts
            }
            None => {
                let parts = self.parts(lines);
                around.gpu.launch(
                    Grid::new(self.weight_tiles(), parts, 1),
                    StrandConvBackwardWeight {
                        codes,
                        tracks,
                        order,
                        y,
                        dy,
                        parts: of.sums,
                        scale,
                        track_stride,
                        lines: lines as u32,
                        length,
                        width,
                        channels,
                        kernels,
                        part_lines: self.part_lines(lines) as u32,
                        bf16: around.bf16(),
                    },
                )?;
                parts
            }
        };
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
