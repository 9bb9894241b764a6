//! Sums that too few blocks would make are cut into parts, which are added in their order. How they are cut depends on the
//! layer, and for a gradient on the batch; never on what runs beside.

use super::{Layout, Linear};
use crate::Result;
use crate::engine::cuda::kernels::{
    LinearBackwardBias, LinearBackwardWeight, LinearSumParts, LinearTimes, LinearTimesTransposed,
};
use crate::engine::cuda::{
    DeviceBackward, DeviceContext, DeviceForward, DeviceOp, Flops, Grid, In, Needs, Out, gemm_tiles,
};

/// Terms that a block takes at a time (GEMM_DEPTH).
const DEPTH: usize = 16;
/// Up to so many columns a product has few blocks.
const FEW_COLUMNS: usize = 128;
/// Parts of a product's sums, where each has [`LEAST_TERMS`].
const MOST_PARTS: usize = 16;
const LEAST_TERMS: usize = 128;
/// Blocks of a gradient of weights that fill any card.
const BLOCKS: usize = 512;
/// Lines that a part of a gradient's sum has at least.
const LEAST_LINES: usize = 256;

/// How a sum is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Parts {
    /// Terms of each but the last.
    each: usize,
    count: usize,
}

impl Parts {
    fn of(terms: usize, count: usize) -> Parts {
        let each = terms.div_ceil(count.max(1)).next_multiple_of(DEPTH);
        Parts {
            each,
            count: terms.div_ceil(each).max(1),
        }
    }

    /// Of a product's sums: the same for any number of lines, so that a row's numbers do not depend on the rows beside it.
    fn of_product(depth: usize, columns: usize) -> Parts {
        match columns <= FEW_COLUMNS {
            true => Parts::of(depth, (depth / LEAST_TERMS).min(MOST_PARTS)),
            false => Parts::of(depth, 1),
        }
    }

    /// Of sums over lines that so many blocks make.
    fn of_lines(lines: usize, blocks: usize) -> Parts {
        Parts::of(lines, Parts::most_of_lines(lines, blocks))
    }

    /// Into how many parts such sums are cut at most, of these lines or of fewer: the count itself may be larger for fewer lines.
    fn most_of_lines(lines: usize, blocks: usize) -> usize {
        (BLOCKS / blocks).min(lines / LEAST_LINES)
    }

    /// Elements of `n` numbers' parts for these lines or fewer; none where there is one part.
    fn most_len(lines: usize, blocks: usize, n: usize) -> usize {
        match Parts::most_of_lines(lines, blocks) {
            0 | 1 => 0,
            count => count * n,
        }
    }

    /// Elements of `n` numbers' parts; none where there is one part.
    fn len(self, n: usize) -> usize {
        match self.count {
            1 => 0,
            count => count * n,
        }
    }
}

/// Adds parts of `n` numbers in their order, and the bias (or null) of each of `columns`; to what is there, or in its place.
pub(in crate::ops) fn sum_parts(
    around: &DeviceContext<'_>,
    parts: In<f32>,
    count: usize,
    bias: In<f32>,
    [n, columns]: [usize; 2],
    (y, add): (Out<f32>, bool),
) -> Result<()> {
    around.gpu.launch(
        Grid::over(n, 256),
        LinearSumParts {
            parts,
            bias,
            y,
            n: n as u64,
            columns: columns as u32,
            count: count as u32,
            add: add.into(),
        },
    )
}

/// A product of lines with the weight, towards the outputs or back towards x.
pub(in crate::ops) struct Product {
    pub lines: usize,
    pub depth: usize,
    pub columns: usize,
    pub a: In<f32>,
    pub weight: In<f32>,
    /// The weight lies as (columns, depth).
    pub transposed: bool,
    /// Null for none.
    pub bias: In<f32>,
    pub y: Out<f32>,
    /// To what is there.
    pub add: bool,
}

impl Product {
    /// Elements of `scratch`.
    pub fn needs(lines: usize, depth: usize, columns: usize) -> usize {
        Parts::of_product(depth, columns).len(lines * columns)
    }

    pub fn launch(self, around: &DeviceContext<'_>, scratch: Out<f32>) -> Result<()> {
        let parts = Parts::of_product(self.depth, self.columns);
        let grid = Grid::new(gemm_tiles(self.lines, self.columns), parts.count, 1);
        let (a, b) = (self.a, self.weight);
        let (lines, columns, depth) = (self.lines as u32, self.columns as u32, self.depth as u32);
        let (bias, y, add) = match parts.count {
            1 => (self.bias, self.y, self.add.into()),
            _ => (In::NULL, scratch, 0),
        };
        let (part_depth, bf16) = (parts.each as u32, around.bf16());
        if self.transposed {
            around.gpu.launch(
                grid,
                LinearTimesTransposed {
                    a,
                    b,
                    bias,
                    y,
                    lines,
                    columns,
                    depth,
                    part_depth,
                    add,
                    bf16,
                },
            )?;
        } else {
            around.gpu.launch(
                grid,
                LinearTimes {
                    a,
                    b,
                    bias,
                    y,
                    lines,
                    columns,
                    depth,
                    part_depth,
                    add,
                    bf16,
                },
            )?;
        }
        if parts.count == 1 {
            return Ok(());
        }
        let size = [self.lines * self.columns, self.columns];
        let to = (self.y, self.add);
        sum_parts(around, scratch.input(), parts.count, self.bias, size, to)
    }
}

/// The gradient of a weight (across x along) from two lists of lines, added to what is there.
pub(in crate::ops) struct WeightProduct {
    pub lines: usize,
    pub across: usize,
    pub along: usize,
    /// lines x across
    pub a: In<f32>,
    /// lines x along
    pub b: In<f32>,
    pub dw: Out<f32>,
}

impl WeightProduct {
    fn parts(lines: usize, across: usize, along: usize) -> Parts {
        Parts::of_lines(lines, gemm_tiles(across, along))
    }

    /// Elements of `scratch` for these lines or fewer.
    pub fn needs(lines: usize, across: usize, along: usize) -> usize {
        Parts::most_len(lines, gemm_tiles(across, along), across * along)
    }

    pub fn launch(self, around: &DeviceContext<'_>, scratch: Out<f32>) -> Result<()> {
        let WeightProduct { across, along, .. } = self;
        let parts = WeightProduct::parts(self.lines, across, along);
        let alone = parts.count == 1;
        around.gpu.launch(
            Grid::new(gemm_tiles(across, along), parts.count, 1),
            LinearBackwardWeight {
                a: self.a,
                b: self.b,
                dw: if alone { self.dw } else { scratch },
                lines: self.lines as u32,
                across: across as u32,
                along: along as u32,
                part_lines: parts.each as u32,
                add: alone.into(),
                bf16: around.bf16(),
            },
        )?;
        if alone {
            return Ok(());
        }
        let to = (self.dw, true);
        let size = [across * along, along];
        sum_parts(around, scratch.input(), parts.count, In::NULL, size, to)
    }
}

/// The gradient of a bias: the sum of lines, added to what is there.
pub(in crate::ops) struct BiasSum {
    pub lines: usize,
    pub outputs: usize,
    pub dy: In<f32>,
    pub db: Out<f32>,
}

impl BiasSum {
    fn parts(lines: usize, outputs: usize) -> Parts {
        Parts::of_lines(lines, outputs.div_ceil(32))
    }

    /// Elements of `scratch` for these lines or fewer.
    pub fn needs(lines: usize, outputs: usize) -> usize {
        Parts::most_len(lines, outputs.div_ceil(32), outputs)
    }

    pub fn launch(self, around: &DeviceContext<'_>, scratch: Out<f32>) -> Result<()> {
        let parts = BiasSum::parts(self.lines, self.outputs);
        let alone = parts.count == 1;
        around.gpu.launch(
            Grid::new(self.outputs.div_ceil(32), parts.count, 1),
            LinearBackwardBias {
                dy: self.dy,
                db: if alone { self.db } else { scratch },
                lines: self.lines as u32,
                outputs: self.outputs as u32,
                part_lines: parts.each as u32,
                add: alone.into(),
            },
        )?;
        if alone {
            return Ok(());
        }
        let (size, to) = ([self.outputs; 2], (self.db, true));
        sum_parts(around, scratch.input(), parts.count, In::NULL, size, to)
    }
}

impl DeviceOp for Linear {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let (lines, inputs, outputs) = (rows * self.lines, self.inputs, self.outputs);
        // One after the other they use the same memory.
        let back = [
            Product::needs(lines, outputs, inputs),
            WeightProduct::needs(lines, inputs, outputs),
            BiasSum::needs(lines, outputs),
        ];
        let wants = wanted.iter().zip(back).filter(|(wanted, _)| **wanted);
        Needs {
            scratch_forward: Product::needs(lines, inputs, outputs),
            scratch_backward: wants.map(|(_, len)| len).max().unwrap_or(0),
            ..Needs::default()
        }
    }

    fn flops(&self, rows: usize, wanted: &[bool]) -> Flops {
        let multiply_adds = rows * self.lines * self.inputs * self.outputs;
        Flops::product(2.0 * multiply_adds as f64, [wanted[0], wanted[1]])
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let product = Product {
            lines: io.rows * self.lines,
            depth: self.inputs,
            columns: self.outputs,
            a: io.inputs[0].data,
            weight: io.inputs[1].data,
            transposed: self.layout == Layout::Torch,
            bias: io.inputs.get(2).map_or(In::NULL, |b| b.data),
            y: io.output,
            add: false,
        };
        product.launch(&io.around, io.scratch)
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (dy, lines) = (io.grad_output, io.rows * self.lines);
        if let Some(dx) = io.grads[0] {
            let product = Product {
                lines,
                depth: self.outputs,
                columns: self.inputs,
                a: dy,
                weight: io.inputs[1].data,
                transposed: self.layout == Layout::Keras,
                bias: In::NULL,
                y: dx.data,
                add: true,
            };
            product.launch(&io.around, io.scratch)?;
        }
        if let Some(dw) = io.grads[1] {
            let (y, x) = ((dy, self.outputs), (io.inputs[0].data, self.inputs));
            let ((a, across), (b, along)) = match self.layout {
                Layout::Torch => (y, x),
                Layout::Keras => (x, y),
            };
            let product = WeightProduct {
                lines,
                across,
                along,
                a,
                b,
                dw: dw.data,
            };
            product.launch(&io.around, io.scratch)?;
        }
        if let Some(Some(db)) = io.grads.get(2) {
            let sum = BiasSum {
                lines,
                outputs: self.outputs,
                dy,
                db: db.data,
            };
            sum.launch(&io.around, io.scratch)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_cut_where_blocks_are_few() {
        let parts = |depth, columns| Parts::of_product(depth, columns).count;
        assert_eq!(parts(4800, 128), 16);
        assert_eq!(parts(862, 3), 6);
        assert_eq!([parts(255, 3), parts(4800, 129), parts(1, 1)], [1, 1, 1]);
        for (terms, count) in [(1, 1), (130, 4), (4800, 16), (195_000, 512), (17, 3)] {
            let Parts { each, count } = Parts::of(terms, count);
            assert!(
                (count - 1) * each < terms && terms <= count * each,
                "{terms}"
            );
        }
        // Lines of the layer after FactorNet's convolution, a hundred rows: one tile.
        assert_eq!(WeightProduct::parts(195_000, 32, 32).count, 508);
        assert_eq!(WeightProduct::parts(200, 4800, 128).count, 1);
    }
}
