mod geometry;

use self::geometry::{Geometry, LANES, PAIRS, groups};
use super::{BIAS, Input, POOL, PwmScanPool, SCALE, SOURCE, WEIGHT};
use crate::Result;
use crate::engine::cuda::kernels::{
    PwmScanPoolBackwardLines, PwmScanPoolBackwardPositions, PwmScanPoolBackwardTable,
    PwmScanPoolCodesBackward, PwmScanPoolCodesForward, PwmScanPoolDenseBackward,
    PwmScanPoolDenseForward, PwmScanPoolMotifsBackward, PwmScanPoolMotifsSum, PwmScanPoolPack,
    PwmScanPoolShift,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid, In, Kernel, Needs, Out};

/// Positions that a lane takes at a time (BLOCK of pwm_scan_pool.cu).
const BLOCK: usize = 8;
/// Rows whose pairs of bases a block of the backward run stages at a time.
const STAGED: usize = 128;
/// Blocks along the rows, of the forward run and of the motifs' gradient: with the groups, a few for each multiprocessor.
const ROW_STRIPS: usize = 8;
/// Columns of the motifs that a block adds up (WARPS times OWN of pwm_scan_pool.cu), and places that it takes at a time.
const BLOCK_COLUMNS: usize = 32;
const PLACES: usize = 64;

/// Where the parts of `saved` begin, in elements.
struct Parts {
    weights: usize,
    sums: usize,
    pairs: usize,
    lines: usize,
    shift: usize,
    stats: usize,
    end: usize,
}

impl PwmScanPool {
    fn groups(&self) -> usize {
        groups(self.dims)
    }

    fn slots(&self) -> usize {
        self.groups() * LANES
    }

    fn positioned(&self) -> bool {
        matches!(&self.input, Input::Codes { index: Some(_), .. })
    }

    /// Sized for motifs as wide as the kernel: how wide they are is known when the parameters are.
    fn parts(&self, rows: usize, train: bool) -> Parts {
        let columns = self.slots() * self.dims.width;
        let aligned = |n: usize| n.next_multiple_of(16);
        let sums = aligned(4 * columns);
        let pairs = sums + aligned(columns);
        let lines = pairs + aligned(self.slots() * self.dims.width.div_ceil(2) * PAIRS);
        let shift = lines + aligned(3 * self.slots());
        let shifts = if self.positioned() {
            self.slots() * self.dims.length
        } else {
            0
        };
        let stats = shift + aligned(shifts);
        let kept = if train { 5 * rows * self.slots() } else { 0 };
        Parts {
            weights: 0,
            sums,
            pairs,
            lines,
            shift,
            stats,
            end: stats + kept,
        }
    }

    /// Strips of rows of the motifs' gradient.
    fn strips(rows: usize) -> usize {
        rows.min(ROW_STRIPS)
    }

    /// Sums of the motifs' gradient by strip, column, lane and base.
    fn motif_sums(&self, rows: usize) -> usize {
        Self::strips(rows) * self.slots() * self.dims.width * 4
    }

    /// Launches the motifs' gradient: each strip of rows by itself into the scratch memory, then the strips in order.
    fn motifs_backward(&self, io: &DeviceBackward<'_>, gradient: Out<f32>) -> Result<()> {
        let (gpu, table, d) = (io.around.gpu, io.around.table, self.dims);
        let parts = self.parts(io.rows, true);
        let (groups, kernel_width) = (self.groups() as u32, d.width as u32);
        let strips = Self::strips(io.rows);
        let staged = PLACES + d.width + BLOCK + BLOCK_COLUMNS;
        let codes = match self.input {
            Input::Codes { .. } => io.around.codes,
            Input::Dense => In::NULL,
        };
        let index = if self.positioned() {
            self.index(table)
        } else {
            In::NULL
        };
        gpu.launch_shared(
            Grid::new(self.groups(), strips, d.width.div_ceil(BLOCK_COLUMNS)),
            staged * 16 + PLACES * LANES * size_of::<f32>(),
            PwmScanPoolMotifsBackward {
                table,
                codes,
                index,
                source: io.inputs.get(SOURCE).map_or(In::NULL, |x| x.data),
                weights: io.saved.at(parts.weights).input(),
                lines: io.saved.at(parts.lines).input(),
                stats: io.saved.at(parts.stats),
                dy: io.grad_output,
                partial: io.scratch,
                groups,
                rows: io.rows as u32,
                length: d.length as u32,
                kernel_width,
                strands: d.strands as u32,
                features: d.features() as u32,
            },
        )?;
        let columns = PwmScanPoolMotifsSum::THREADS as usize / LANES;
        gpu.launch(
            Grid::new(self.groups(), d.width.div_ceil(columns), 1),
            PwmScanPoolMotifsSum {
                table,
                partial: io.scratch.input(),
                dweight: gradient,
                groups,
                kernel_width,
                strips: strips as u32,
            },
        )
    }

    /// Bytes of the shared memory that a block's table of pairs takes: those of the widest group.
    fn table_bytes(&self) -> usize {
        self.dims.width.div_ceil(2) * PAIRS * LANES * size_of::<f32>()
    }

    /// Where in the op's table the index of the position table begins.
    fn index(&self, table: In<u32>) -> In<u32> {
        table.at(3 * self.groups() + 2 * self.slots())
    }
}

impl DeviceOp for PwmScanPool {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let mut backward = 0;
        if wanted.get(WEIGHT) == Some(&true) {
            backward += self.motif_sums(rows);
        }
        if self.positioned() {
            backward += self.slots() * self.dims.length + self.dims.length;
        }
        Needs {
            saved: self.parts(rows, wanted.contains(&true)).end,
            scratch_forward: 0,
            scratch_backward: backward,
        }
    }

    /// The packed motifs and lines are kept; the plain form on the CPU takes the parameters again.
    fn rereads_input(&self, index: usize) -> Option<bool> {
        Some(index == SOURCE)
    }

    fn table(&self, inputs: &[Option<&[f32]>]) -> Vec<u32> {
        let mut words = Geometry::new(self.dims, inputs[WEIGHT]).words();
        if let Input::Codes {
            index: Some(index), ..
        } = &self.input
        {
            words.extend(index.iter());
        }
        words
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let (gpu, table, d) = (io.around.gpu, io.around.table, self.dims);
        let train = io.wanted.contains(&true);
        let parts = self.parts(io.rows, train);
        let (groups, rows, length) = (self.groups() as u32, io.rows as u32, d.length as u32);
        let (kernel_width, strands, features) =
            (d.width as u32, d.strands as u32, d.features() as u32);
        let lines = io.saved.at(parts.lines);
        let stats = if train {
            io.saved.at(parts.stats)
        } else {
            Out::NULL
        };
        gpu.launch(
            Grid::new(self.groups(), 1, 1),
            PwmScanPoolPack {
                table,
                weight: io.inputs[WEIGHT].data,
                scale: io.inputs[SCALE].data,
                bias: io.inputs[BIAS].data,
                pool: io.inputs[POOL].data,
                weights: io.saved.at(parts.weights),
                sums: io.saved.at(parts.sums),
                pairs: io.saved.at(parts.pairs),
                lines,
                groups,
                kernel_width,
                strands,
            },
        )?;
        if let Input::Dense = self.input {
            let warps = PwmScanPoolDenseForward::THREADS as usize / LANES;
            return gpu.launch_shared(
                Grid::new(io.rows, self.groups().div_ceil(warps), 1),
                (d.length + BLOCK + d.width) * 16,
                PwmScanPoolDenseForward {
                    table,
                    x: io.inputs[SOURCE].data,
                    weights: io.saved.at(parts.weights).input(),
                    lines: lines.input(),
                    y: io.output,
                    stats,
                    groups,
                    rows,
                    length,
                    kernel_width,
                    strands,
                    features,
                },
            );
        }
        let shift = if self.positioned() {
            let shift = io.saved.at(parts.shift);
            gpu.launch(
                Grid::new(
                    self.groups(),
                    d.length
                        .div_ceil(PwmScanPoolShift::THREADS as usize / LANES),
                    1,
                ),
                PwmScanPoolShift {
                    table,
                    index: self.index(table),
                    position: io.inputs[SOURCE].data,
                    sums: io.saved.at(parts.sums).input(),
                    shift,
                    groups,
                    length,
                },
            )?;
            shift.input()
        } else {
            In::NULL
        };
        let warps = PwmScanPoolCodesForward::THREADS as usize / LANES;
        gpu.launch_shared(
            Grid::new(self.groups(), io.rows.div_ceil(warps).min(ROW_STRIPS), 1),
            self.table_bytes() + warps * (d.length + 2 * BLOCK + d.width),
            PwmScanPoolCodesForward {
                table,
                codes: io.around.codes,
                pairs: io.saved.at(parts.pairs).input(),
                shift,
                lines: lines.input(),
                y: io.output,
                stats,
                groups,
                rows,
                length,
                kernel_width,
                strands,
                features,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, table, d) = (io.around.gpu, io.around.table, self.dims);
        let parts = self.parts(io.rows, true);
        let (groups, rows, length) = (self.groups() as u32, io.rows as u32, d.length as u32);
        let (kernel_width, strands, features) =
            (d.width as u32, d.strands as u32, d.features() as u32);
        let (dy, stats) = (io.grad_output, io.saved.at(parts.stats));
        let gradient = |index: usize| io.grads[index].map_or(Out::NULL, |g| g.data);
        if [SCALE, BIAS, POOL].iter().any(|&i| io.grads[i].is_some()) {
            gpu.launch(
                Grid::new(self.groups(), 1, 1),
                PwmScanPoolBackwardLines {
                    table,
                    stats,
                    dy,
                    dscale: gradient(SCALE),
                    dbias: gradient(BIAS),
                    dpool: gradient(POOL),
                    groups,
                    rows,
                    strands,
                    features,
                },
            )?;
        }
        let mut scratch = io.scratch;
        if let Some(motifs) = io.grads[WEIGHT] {
            self.motifs_backward(io, motifs.data)?;
            scratch = scratch.at(self.motif_sums(io.rows));
        }
        let Some(source) = io.grads.get(SOURCE).copied().flatten() else {
            return Ok(());
        };
        let lines = io.saved.at(parts.lines).input();
        if let Input::Dense = self.input {
            let threads = PwmScanPoolDenseBackward::THREADS as usize;
            let row_places = (threads + d.width - 1).next_multiple_of(BLOCK) + 1;
            let shared =
                (threads + 2 * d.width + 2 * BLOCK + d.width * LANES) * 16 + LANES * row_places * 4;
            return gpu.launch_shared(
                Grid::new(io.rows, d.length.div_ceil(threads), 1),
                shared,
                PwmScanPoolDenseBackward {
                    table,
                    x: io.inputs[SOURCE].data,
                    weights: io.saved.at(parts.weights).input(),
                    lines,
                    stats,
                    dy,
                    dx: source.data,
                    groups,
                    rows,
                    length,
                    kernel_width,
                    strands,
                    features,
                    row_places: row_places as u32,
                },
            );
        }
        let by_place = scratch;
        let by_position = scratch.at(self.slots() * d.length);
        let warps = PwmScanPoolCodesBackward::THREADS as usize / LANES;
        gpu.launch_shared(
            Grid::new(self.groups(), d.length.div_ceil(warps * BLOCK), 1),
            self.table_bytes() + STAGED.min(io.rows) * (warps * BLOCK + BLOCK + d.width + 2),
            PwmScanPoolCodesBackward {
                table,
                codes: io.around.codes,
                pairs: io.saved.at(parts.pairs).input(),
                shift: io.saved.at(parts.shift).input(),
                lines,
                stats,
                dy,
                by_place,
                groups,
                rows,
                length,
                kernel_width,
                strands,
                features,
                staged: STAGED as u32,
            },
        )?;
        gpu.launch(
            Grid::new(d.length, 1, 1),
            PwmScanPoolBackwardPositions {
                table,
                sums: io.saved.at(parts.sums).input(),
                by_place: by_place.input(),
                by_position,
                groups,
                length,
            },
        )?;
        gpu.launch(
            Grid::over(source.len, 256),
            PwmScanPoolBackwardTable {
                index: self.index(table),
                by_position: by_position.input(),
                dposition: source.data,
                length,
                entries: source.len as u32,
            },
        )
    }
}
