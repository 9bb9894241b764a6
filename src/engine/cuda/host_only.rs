//! An op that runs on the CPU alone: a device program refuses it when it is made.

use super::op::{DeviceBackward, DeviceForward, DeviceOp};
use crate::{Error, Result};

/// What `Op::device` gives where there is no kernel yet.
pub struct HostOnly;

impl HostOnly {
    /// The error of a program that holds such an op.
    pub fn refusal(op: &str) -> Error {
        Error::Device(format!(
            "the op {op} has no kernel for a card yet: use --device cpu"
        ))
    }
}

impl DeviceOp for HostOnly {
    fn has_kernels(&self) -> bool {
        false
    }

    fn forward(&self, _io: &DeviceForward<'_>) -> Result<()> {
        Err(Self::refusal("of this step"))
    }

    fn backward(&self, _io: &DeviceBackward<'_>) -> Result<()> {
        Err(Self::refusal("of this step"))
    }
}
