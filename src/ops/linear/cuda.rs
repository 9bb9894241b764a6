use super::{Layout, Linear};
use crate::Result;
use crate::engine::cuda::kernels::{
    LinearBackwardBias, LinearBackwardWeight, LinearTimes, LinearTimesTransposed,
};
use crate::engine::cuda::{
    DeviceBackward, DeviceContext, DeviceForward, DeviceOp, Flops, Grid, In, Out, gemm_grid,
};

/// A product of lines with the weight, towards the outputs or back towards x.
struct Product {
    lines: usize,
    depth: usize,
    columns: usize,
    a: In<f32>,
    weight: In<f32>,
    /// The weight lies as (columns, depth).
    transposed: bool,
    /// Null for none.
    bias: In<f32>,
    y: Out<f32>,
    /// To what is there.
    add: bool,
}

impl Product {
    fn launch(self, around: &DeviceContext<'_>) -> Result<()> {
        let grid = gemm_grid(self.lines, self.columns, 1);
        let (a, b, bias, y) = (self.a, self.weight, self.bias, self.y);
        let (lines, columns, depth) = (self.lines as u32, self.columns as u32, self.depth as u32);
        let (add, bf16) = (self.add.into(), around.bf16());
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
                    add,
                    bf16,
                },
            )
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
                    add,
                    bf16,
                },
            )
        }
    }
}

impl DeviceOp for Linear {
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
        product.launch(&io.around)
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, dy, lines) = (io.around.gpu, io.grad_output, io.rows * self.lines);
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
            product.launch(&io.around)?;
        }
        if let Some(dw) = io.grads[1] {
            let (y, x) = ((dy, self.outputs), (io.inputs[0].data, self.inputs));
            let ((a, across), (b, along)) = match self.layout {
                Layout::Torch => (y, x),
                Layout::Keras => (x, y),
            };
            gpu.launch(
                gemm_grid(across, along, 1),
                LinearBackwardWeight {
                    a,
                    b,
                    dw: dw.data,
                    lines: lines as u32,
                    across: across as u32,
                    along: along as u32,
                    bf16: io.around.bf16(),
                },
            )?;
        }
        if let Some(Some(db)) = io.grads.get(2) {
            gpu.launch(
                Grid::over(self.outputs, 32),
                LinearBackwardBias {
                    dy,
                    db: db.data,
                    lines: lines as u32,
                    outputs: self.outputs as u32,
                },
            )?;
        }
        Ok(())
    }
}
