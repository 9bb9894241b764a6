//! The effect blocks: a motif's activity spread along the sequence, and their masks.

use super::build::Builder;
use super::spec::{Block, Start};
use crate::Result;
use crate::engine::{Init, Real, Var};
use crate::ops::activation::{Activation, activation};
use crate::ops::add::add;
use crate::ops::conv1d::conv1d;
use crate::ops::depthwise_transposed::depthwise_transposed;
use crate::ops::gated_sum::{Gate, gated_sum};
use crate::ops::softmax::softmax;

impl<T: Real> Builder<'_, T> {
    pub(super) fn modulation(
        &mut self,
        block: &Block,
        x: Var,
        name: &str,
        widths: &[usize],
        residual: bool,
    ) -> Result<Var> {
        let (channels, length) = self.channels_and_positions(block, x)?;
        let mut parts = Vec::new();
        for (i, &width) in widths.iter().enumerate() {
            let start = Start::Plain.init(width);
            let weight = self.param(
                &format!("{name}.focal.{i}.weight"),
                &[channels, 1, width],
                start.clone(),
            );
            let bias = self.param(&format!("{name}.focal.{i}.bias"), &[channels], start);
            // The crop starts at ceil(k / 2), so the last position lies behind the full result
            // of a kernel of width 1 only.
            if width < 2 {
                return Err(self.error(block, "widths start at 2"));
            }
            let spread =
                depthwise_transposed(self.tape, x, weight, Some(bias), width.div_ceil(2), length);
            parts.push(activation(self.tape, spread, Activation::LeakyRelu));
        }
        let memory = self.param(
            &format!("{name}.memory"),
            &[channels, widths.len()],
            Init::Constant(1.0),
        );
        let share = softmax(self.tape, memory, 1);
        let mixed = gated_sum(self.tape, &parts, share, Gate::PerChannel);
        if !residual {
            return Ok(mixed);
        }
        let mixed = activation(self.tape, mixed, Activation::LeakyRelu);
        Ok(add(self.tape, mixed, x))
    }

    /// W x + b at each position, W starting at 5 I.
    pub(super) fn pointwise_mask(&mut self, block: &Block, x: Var, name: &str) -> Result<Var> {
        let (channels, _) = self.channels_and_positions(block, x)?;
        let identity = (0..channels * channels)
            .map(|i| {
                if i / channels == i % channels {
                    5.0
                } else {
                    0.0
                }
            })
            .collect();
        let weight = self.param(
            &format!("{name}.weights.weight"),
            &[channels, channels],
            Init::Values(std::sync::Arc::new(identity)),
        );
        let bias = self.param(
            &format!("{name}.weights.bias"),
            &[1, channels, 1],
            Init::Constant(0.0),
        );
        let bias = self.tape.view(bias, &[channels]);
        Ok(conv1d(self.tape, x, weight, Some(bias), 0, 1))
    }
}
