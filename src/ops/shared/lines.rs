//! Launches of kernels that work on lines of numbers: the host's side of kernels/lib/lines.cuh and column_sum.cuh.

use crate::Result;
use crate::engine::cuda::kernels::LinearBackwardBias;
use crate::engine::cuda::{Gpu, Grid, In, Out};

/// A group of lanes for each line.
pub struct Lines {
    pub grid: Grid,
    pub lines: u32,
    /// Lanes of a group: a power of two.
    pub lanes: u32,
}

impl Lines {
    pub fn new(lines: usize, length: usize) -> Self {
        let lanes = length.next_power_of_two().min(32);
        Lines {
            grid: Grid::over(lines, 256 / lanes),
            lines: u32::try_from(lines).unwrap_or(u32::MAX),
            lanes: lanes as u32,
        }
    }
}

/// `into[c] += sum over rows of x[row, c]`, by the kernel that a bias's gradient has.
///
/// # Errors
/// Those of the launch.
pub fn sum_rows(gpu: &Gpu, x: In<f32>, into: Out<f32>, rows: usize, columns: usize) -> Result<()> {
    gpu.launch(
        Grid::over(columns, 32),
        LinearBackwardBias {
            dy: x,
            db: into,
            lines: rows as u32,
            outputs: columns as u32,
            part_lines: rows as u32,
            add: 1,
        },
    )
}
