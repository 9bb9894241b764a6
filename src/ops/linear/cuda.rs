use super::Linear;
use crate::Result;
use crate::engine::cuda::kernels::{
    LinearBackwardBias, LinearBackwardInput, LinearBackwardWeight, LinearForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Flops, Grid, In, gemm_grid};

impl DeviceOp for Linear {
    fn flops(&self, rows: usize, wanted: &[bool]) -> Flops {
        let multiply_adds = rows * self.inputs * self.outputs;
        Flops::product(2.0 * multiply_adds as f64, [wanted[0], wanted[1]])
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        io.around.gpu.launch(
            gemm_grid(io.rows, self.outputs, 1),
            LinearForward {
                x: io.inputs[0].data,
                weight: io.inputs[1].data,
                bias: io.inputs.get(2).map_or(In::NULL, |b| b.data),
                y: io.output,
                rows: io.rows as u32,
                inputs: self.inputs as u32,
                outputs: self.outputs as u32,
                bf16: io.around.bf16(),
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, dy, bf16) = (io.around.gpu, io.grad_output, io.around.bf16());
        let (rows, inputs, outputs) = (io.rows as u32, self.inputs as u32, self.outputs as u32);
        if let Some(dx) = io.grads[0] {
            gpu.launch(
                gemm_grid(io.rows, self.inputs, 1),
                LinearBackwardInput {
                    dy,
                    weight: io.inputs[1].data,
                    dx: dx.data,
                    rows,
                    inputs,
                    outputs,
                    bf16,
                },
            )?;
        }
        if let Some(dw) = io.grads[1] {
            gpu.launch(
                gemm_grid(self.outputs, self.inputs, 1),
                LinearBackwardWeight {
                    dy,
                    x: io.inputs[0].data,
                    dw: dw.data,
                    rows,
                    inputs,
                    outputs,
                    bf16,
                },
            )?;
        }
        if let Some(Some(db)) = io.grads.get(2) {
            gpu.launch(
                Grid::over(self.outputs, 32),
                LinearBackwardBias {
                    dy,
                    db: db.data,
                    rows,
                    outputs,
                },
            )?;
        }
        Ok(())
    }
}
