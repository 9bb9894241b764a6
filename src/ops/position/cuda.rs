use super::Position;
use crate::Result;
use crate::engine::cuda::kernels::{
    PositionBackward, PositionBackwardShared, PositionBackwardTable, PositionForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid, Needs, Out};
use crate::ops::shared::elementwise::{Elements, any, own, shared, sum_grid};

/// Channels that a block of the backward run sums: POSITION_CHANNELS in position.cu.
const CHANNELS: usize = 128;

impl Position {
    /// Entries of the table up to the last one that is read.
    fn reach(&self) -> usize {
        self.index.iter().max().map_or(0, |&last| last as usize + 1)
    }

    fn parts(&self) -> usize {
        self.channels.div_ceil(CHANNELS)
    }
}

impl DeviceOp for Position {
    /// Sums of dy over some channels, for each row.
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        Needs {
            scratch_backward: if wanted[1] {
                rows * self.parts() * self.index.len()
            } else {
                0
            },
            ..Needs::default()
        }
    }

    /// The index; then its inverse: where each entry's positions start, and the positions by entry.
    fn table(&self, _inputs: &[Option<&[f32]>]) -> Vec<u32> {
        let mut positions: Vec<u32> = (0..self.index.len() as u32).collect();
        positions.sort_by_key(|&l| self.index[l as usize]);
        let starts = (0..=self.reach()).map(|entry| {
            positions.partition_point(|&l| (self.index[l as usize] as usize) < entry) as u32
        });
        let mut table = self.index.to_vec();
        table.extend(starts);
        table.extend(positions);
        table
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let [x, table] = [io.inputs[0], io.inputs[1]];
        // The same embedding for each row: all rows are one long one.
        let joins = x.per_row && !table.per_row;
        let over = Elements::joined(io.rows, self.channels * self.index.len(), joins);
        io.around.gpu.launch(
            over.grid,
            PositionForward {
                x: x.data,
                x_stride: x.stride(),
                table: table.data,
                table_stride: table.stride(),
                index: io.around.table,
                y: io.output,
                length: self.index.len() as u32,
                len: over.len,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, rows, dy) = (io.around.gpu, io.rows, io.grad_output);
        let (length, parts) = (self.index.len(), self.parts());
        let dx = own(io.grads[0], rows);
        let sums = io.grads[1].map_or(Out::NULL, |_| io.scratch);
        if any(&[dx, sums]) {
            let tiles = length.div_ceil(32);
            gpu.launch(
                Grid::new(rows * parts * tiles, 1, 1),
                PositionBackward {
                    dy,
                    dx,
                    sums,
                    channels: self.channels as u32,
                    length: length as u32,
                    tiles: tiles as u32,
                    parts: parts as u32,
                },
            )?;
        }
        if let Some(dtable) = io.grads[1] {
            let reach = self.reach();
            let (groups, lines) = if dtable.per_row {
                (rows, parts)
            } else {
                (1, rows * parts)
            };
            let starts = io.around.table.at(length);
            gpu.launch(
                Grid::new(groups * reach, 1, 1),
                PositionBackwardTable {
                    sums: sums.input(),
                    starts,
                    positions: starts.at(reach + 1),
                    dtable: dtable.data,
                    table_stride: dtable.len as u32,
                    reach: reach as u32,
                    lines: lines as u32,
                    length: length as u32,
                },
            )?;
        }
        if let Some(dx) = shared(io.grads[0], rows) {
            let len = self.channels * length;
            gpu.launch(
                sum_grid(len),
                PositionBackwardShared {
                    dy,
                    dx,
                    rows: rows as u32,
                    len: len as u32,
                },
            )?;
        }
        Ok(())
    }
}
