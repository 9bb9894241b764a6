//! What the launches of ops that work number by number share: the host's side of kernels/lib/elementwise.cuh.

use crate::engine::cuda::{Gradient, Grid, Operand, Out};

/// Elements of a block's chunk of a row.
const CHUNK: usize = 1024;
/// Rows are not joined beyond this: kernels count the elements of one in 32 bits.
const LONGEST: usize = 1 << 31;

/// How a launch cuts rows into chunks.
pub struct Elements {
    pub grid: Grid,
    /// Of one row, as the kernel sees it.
    pub len: u32,
    /// Blocks of one row.
    pub chunks: u32,
}

impl Elements {
    pub fn new(rows: usize, len: usize) -> Self {
        let chunks = len.div_ceil(CHUNK);
        Elements {
            grid: Grid::new(rows * chunks, 1, 1),
            len: len as u32,
            chunks: chunks as u32,
        }
    }

    /// All rows as one where that gives every operand the same numbers.
    pub fn joined(rows: usize, len: usize, may_join: bool) -> Self {
        if may_join && rows * len < LONGEST {
            Elements::new(1, rows * len)
        } else {
            Elements::new(rows, len)
        }
    }
}

/// No operand is shared, so that rows can be joined.
pub fn all_per_row(inputs: &[Operand]) -> bool {
    inputs.iter().all(|x| x.per_row)
}

/// Where a gradient goes that has a place for each row of the output; null for others.
pub fn own(gradient: Option<Gradient>, rows: usize) -> Out<f32> {
    gradient
        .filter(|g| g.per_row || rows == 1)
        .map_or(Out::NULL, |g| g.data)
}

/// Some of these places are not null.
pub fn any(places: &[Out<f32>]) -> bool {
    places.iter().any(|p| p.address() != 0)
}

/// Where a gradient goes that sums over the rows.
pub fn shared(gradient: Option<Gradient>, rows: usize) -> Option<Out<f32>> {
    gradient.filter(|g| !g.per_row && rows > 1).map(|g| g.data)
}

/// The grid of a sum over rows: 32 elements a block.
pub fn sum_grid(len: usize) -> Grid {
    Grid::over(len, 32)
}

/// The grid of a kernel with a warp for each line, eight lines a block.
pub fn line_grid(lines: usize) -> Grid {
    Grid::over(lines, 8)
}
