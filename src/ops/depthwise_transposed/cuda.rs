//! The kernels are those of [`depthwise`](crate::ops::depthwise): a transposed convolution is a sliding sum with the
//! kernel read backwards.

use super::DepthwiseTransposed;
use crate::Result;
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Needs};
use crate::ops::depthwise::cuda::Correlation;

impl DepthwiseTransposed {
    fn correlation(&self) -> Correlation {
        Correlation {
            lines: self.channels,
            filters: 1,
            kernels: self.channels,
            length: self.length,
            out_length: self.out_length,
            width: self.width,
            shift: self.crop as i32 + 1 - self.width as i32,
            reversed: true,
        }
    }
}

impl DeviceOp for DepthwiseTransposed {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        self.correlation().needs(rows, wanted)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        self.correlation().forward(io)
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        self.correlation().backward(io)
    }
}
