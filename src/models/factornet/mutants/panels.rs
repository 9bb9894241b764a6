//! Matrices that many short lines are multiplied by: packed once, so that a product reads them in the order in which they lie.

use crate::engine::Real;
use crate::engine::lanes::add_scaled;
use crate::engine::real::axpy;
use crate::engine::simd::{Kernel, dispatch};
use std::array;
use std::ops::Range;

/// Columns of a panel. Lines of results are padded to a multiple of it.
pub const PANEL: usize = 32;

/// A matrix (rows, columns): panels of `PANEL` columns, each row by row, the last one filled up with zeros.
pub struct Panels<T> {
    rows: usize,
    columns: usize,
    data: Vec<T>,
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub enum Start<'a, T> {
    /// What `y` holds.
    There,
    /// The same line for all.
    Line(&'a [T]),
    /// By line of `y` one of these lines.
    Of { lines: &'a [T], which: &'a [usize] },
}

/// `y = start + x m` of a matrix or some of its rows.
pub struct Product<'a, T> {
    /// Rows of the matrix, as many as numbers of a line of `x`.
    pub rows: Range<usize>,
    /// Lines `x_stride` apart; they may overlap.
    pub x: &'a [T],
    pub x_stride: usize,
    pub start: Start<'a, T>,
    /// (n, [`Panels::stride`])
    pub y: &'a mut [T],
}

impl<T: Real> Panels<T> {
    /// `lines`: each row's numbers, `columns` of them.
    pub fn new<'a>(lines: impl ExactSizeIterator<Item = &'a [T]>, columns: usize) -> Self {
        let rows = lines.len();
        let mut data = vec![T::ZERO; rows * columns.next_multiple_of(PANEL)];
        for (row, line) in lines.enumerate() {
            for (panel, part) in line[..columns].chunks(PANEL).enumerate() {
                data[(panel * rows + row) * PANEL..][..part.len()].copy_from_slice(part);
            }
        }
        Panels {
            rows,
            columns,
            data,
        }
    }

    /// Of a row-major matrix.
    pub fn of(matrix: &[T], columns: usize) -> Self {
        Self::new(matrix.chunks_exact(columns), columns)
    }

    /// Numbers of a line of results, padding included.
    pub fn stride(&self) -> usize {
        self.columns.next_multiple_of(PANEL)
    }

    /// All rows.
    pub fn all(&self) -> Range<usize> {
        0..self.rows
    }

    pub fn product(&self, product: Product<'_, T>) {
        let Product {
            rows,
            x,
            x_stride,
            start,
            y,
        } = product;
        assert!(rows.end <= self.rows && y.len().is_multiple_of(self.stride()));
        if let Some(data) = T::as_f32(&self.data)
            && let (Some(x), Some(start)) = (T::as_f32(x), start.as_f32())
            && let Some(y) = T::as_f32_mut(y)
        {
            return dispatch(Tiles {
                data,
                all: self.rows,
                stride: self.stride(),
                rows,
                x,
                x_stride,
                start,
                y,
            });
        }
        for (i, y) in y.chunks_exact_mut(self.stride()).enumerate() {
            if let Some(line) = start.line(i, self.stride()) {
                y.copy_from_slice(line);
            }
            let x = &x[i * x_stride..][..rows.len()];
            let panels = self.data.chunks_exact(self.rows * PANEL);
            for (y, panel) in y.chunks_exact_mut(PANEL).zip(panels) {
                for (&x, line) in x
                    .iter()
                    .zip(panel[rows.start * PANEL..].chunks_exact(PANEL))
                {
                    axpy(y, x, line);
                }
            }
        }
    }
}

impl<'a, T: Real> Start<'a, T> {
    /// The i-th line; none for what is there already.
    #[inline(always)]
    fn line(&self, i: usize, stride: usize) -> Option<&'a [T]> {
        match *self {
            Start::There => None,
            Start::Line(line) => Some(&line[..stride]),
            Start::Of { lines, which } => Some(&lines[which[i] * stride..][..stride]),
        }
    }

    fn as_f32(self) -> Option<Start<'a, f32>> {
        Some(match self {
            Start::There => Start::There,
            Start::Line(line) => Start::Line(T::as_f32(line)?),
            Start::Of { lines, which } => Start::Of {
                lines: T::as_f32(lines)?,
                which,
            },
        })
    }
}

/// A product in f32: some lines of two vectors of columns at a time, in registers.
struct Tiles<'a> {
    data: &'a [f32],
    /// Rows of the whole matrix.
    all: usize,
    stride: usize,
    rows: Range<usize>,
    x: &'a [f32],
    x_stride: usize,
    start: Start<'a, f32>,
    y: &'a mut [f32],
}

/// The first two vectors of a line.
#[inline(always)]
fn two<const LANES: usize>(line: &[f32]) -> &[[f32; LANES]; 2] {
    &line[..2 * LANES].as_chunks::<LANES>().0.as_chunks().0[0]
}

impl Tiles<'_> {
    /// `LINES` lines from `first` on, columns `at..at + 2 LANES`.
    #[inline(always)]
    fn tile<const LINES: usize, const LANES: usize, const FMA: bool>(
        &mut self,
        first: usize,
        at: usize,
    ) {
        let depth = self.rows.len();
        self.begin::<LINES>(first, at, 2 * LANES);
        let y = first * self.stride + at;
        let x: [&[f32]; LINES] =
            array::from_fn(|i| &self.x[(first + i) * self.x_stride..][..depth]);
        let panel = (at / PANEL * self.all + self.rows.start) * PANEL + at % PANEL;
        let mut sums = [[[0.0f32; LANES]; 2]; LINES];
        for (i, sums) in sums.iter_mut().enumerate() {
            *sums = *two::<LANES>(&self.y[y + i * self.stride..]);
        }
        let lines = self.data[panel..].chunks(PANEL);
        for (j, line) in (0..depth).zip(lines) {
            let line = two::<LANES>(line);
            for i in 0..LINES {
                // SAFETY: called from Kernel::run alone, with its LANES and FMA.
                unsafe {
                    add_scaled::<LANES, FMA>(&mut sums[i][0], &line[0], x[i][j]);
                    add_scaled::<LANES, FMA>(&mut sums[i][1], &line[1], x[i][j]);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let y = &mut self.y[y + i * self.stride..][..2 * LANES];
            y.as_chunks_mut::<LANES>().0.copy_from_slice(sums);
        }
    }

    /// Writes what a tile's sums start with. Apart from them: sums that so long a loop picks by its counter would live in
    /// memory.
    #[inline(always)]
    fn begin<const LINES: usize>(&mut self, first: usize, at: usize, columns: usize) {
        for i in first..first + LINES {
            if let Some(line) = self.start.line(i, self.stride) {
                self.y[i * self.stride + at..][..columns].copy_from_slice(&line[at..at + columns]);
            }
        }
    }

    #[inline(always)]
    fn tiles<const LINES: usize, const LANES: usize, const FMA: bool>(&mut self) {
        let n = self.y.len() / self.stride;
        for at in (0..self.stride).step_by(2 * LANES) {
            let mut line = 0;
            while n - line >= LINES {
                self.tile::<LINES, LANES, FMA>(line, at);
                line += LINES;
            }
            while n - line >= 4 {
                self.tile::<4, LANES, FMA>(line, at);
                line += 4;
            }
            while line < n {
                self.tile::<1, LANES, FMA>(line, at);
                line += 1;
            }
        }
    }
}

impl Kernel for Tiles<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const LANES: usize, const FMA: bool>(mut self) {
        // As many sums as there are registers, less those of the matrix's line and of a number of x.
        if LANES == 16 {
            self.tiles::<12, LANES, FMA>();
        } else {
            self.tiles::<6, LANES, FMA>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::simd::{dispatch_at, levels};

    fn number(i: usize) -> f64 {
        (i * 37 % 41) as f64 / 20.0 - 1.0
    }

    /// `start + x m` of the matrix's rows 1 to 7 in each form, for more and fewer lines than a tile has.
    #[test]
    fn products_agree_with_sums_at_every_level() {
        for (columns, n) in [(5, 1), (32, 4), (40, 31), (64, 12)] {
            let matrix: Vec<f64> = (0..9 * columns).map(number).collect();
            let x: Vec<f64> = (0..n * 3 + 4).map(number).collect();
            let which: Vec<usize> = (0..n).map(|i| i % 2).collect();
            let wide = columns.next_multiple_of(PANEL);
            let lines: Vec<f64> = (0..2 * wide).map(number).collect();
            let expected: Vec<f64> = (0..n * columns)
                .map(|at| {
                    let (i, c) = (at / columns, at % columns);
                    let sum = (0..7).map(|j| x[i * 3 + j] * matrix[(1 + j) * columns + c]);
                    lines[which[i] * wide + c] + sum.sum::<f64>()
                })
                .collect();
            let x = &x[..(n - 1) * 3 + 7];
            let check = |y: &[f64], form: &str| {
                for (i, &expected) in expected.iter().enumerate() {
                    let y = y[i / columns * wide + i % columns];
                    assert!(
                        (y - expected).abs() < 1e-5,
                        "{form}, {columns} columns, {n} lines"
                    );
                }
            };
            let mut y = vec![f64::NAN; n * wide];
            let panels = Panels::of(&matrix, columns);
            panels.product(Product {
                rows: 1..8,
                x,
                x_stride: 3,
                start: Start::Of {
                    lines: &lines,
                    which: &which,
                },
                y: &mut y,
            });
            check(&y, "plain");
            let narrow = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
            let (lines, x) = (narrow(&lines), narrow(x));
            for level in levels() {
                let mut y = vec![f32::NAN; n * wide];
                dispatch_at(
                    level,
                    Tiles {
                        data: &narrow(&panels.data),
                        all: 9,
                        stride: wide,
                        rows: 1..8,
                        x: &x,
                        x_stride: 3,
                        start: Start::Of {
                            lines: &lines,
                            which: &which,
                        },
                        y: &mut y,
                    },
                );
                let y: Vec<f64> = y.iter().map(|&y| f64::from(y)).collect();
                check(&y, &format!("{level:?}"));
            }
        }
    }
}
