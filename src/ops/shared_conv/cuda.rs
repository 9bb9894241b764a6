//! The kernels are those of [`depthwise`](crate::ops::depthwise): sliding sums, where each line of x makes one line of y
//! for every filter. With a handful of filters, tiles of a matrix product would be mostly empty.

use super::SharedConv;
use crate::Result;
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Needs};
use crate::ops::depthwise::cuda::Correlation;

impl SharedConv {
    fn correlation(&self) -> Correlation {
        Correlation {
            lines: self.channels,
            filters: self.filters,
            kernels: self.filters,
            length: self.length,
            out_length: self.out_length(),
            width: self.width,
            shift: 0,
            reversed: false,
        }
    }
}

impl DeviceOp for SharedConv {
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
