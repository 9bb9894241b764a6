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

#[cfg(test)]
mod tests {
    use crate::engine::cuda::DeviceProgram;
    use crate::engine::{Init, Tape};
    use crate::ops::dense::dense;

    #[test]
    fn a_device_program_is_refused_when_it_is_made() {
        let mut tape = Tape::<f32>::new(false);
        let x = tape.dense_input(&[3]);
        let weight = tape.param("w", &[3, 2], Init::Constant(0.0));
        let bias = tape.param("b", &[2], Init::Constant(0.0));
        let y = dense(&mut tape, x, weight, bias);
        assert!(!tape.runs_on_a_card());
        let refused = DeviceProgram::new(tape, y, None, 4)
            .err()
            .map(|e| e.to_string());
        let expected = "the op dense has no kernel for a card yet: use --device cpu";
        assert_eq!(refused.as_deref(), Some(expected));
    }
}
