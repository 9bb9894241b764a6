//! The focal blocks: masks made of gated sums of ever wider views of the motif activities.

use super::build::{Builder, State};
use super::spec::{Block, MaskOf, Start};
use crate::Result;
use crate::engine::{Codes, Init, Real, Var};
use crate::ops::activation::{Activation, activation};
use crate::ops::add::add;
use crate::ops::attention_pool::attention_pool;
use crate::ops::conv1d::conv1d;
use crate::ops::depthwise::depthwise;
use crate::ops::gated_sum::{Gate, gated_sum};
use crate::ops::linear::linear;
use crate::ops::product::product;
use crate::ops::reduce::{Reduce, reduce};
use crate::ops::softmax::softmax;

impl<T: Real> Builder<'_, T> {
    /// A fully connected layer applied at each position: W (outputs, C) on (C, L).
    fn at_each_position(&mut self, x: Var, name: &str, outputs: usize) -> Var {
        let channels = self.tape.shape(x)[0];
        let (weight, bias) = self.linear_params(name, channels, outputs, Start::Plain);
        conv1d(self.tape, x, weight, Some(bias), 0, 1)
    }

    /// f_i = GELU(depthwise convolution of f_(i-1)), each as long as x.
    fn chain(&mut self, block: &Block, x: Var, name: &str, widths: &[usize]) -> Result<Vec<Var>> {
        let (channels, _) = self.channels_and_positions(block, x)?;
        let mut last = x;
        let mut parts = Vec::new();
        for (i, &width) in widths.iter().enumerate() {
            if width % 2 == 0 {
                return Err(self.error(
                    block,
                    format!("width {width} is even: the length would change"),
                ));
            }
            let start = Start::Plain.init(width);
            let weight = self.param(
                &format!("{name}.focal.{i}.weight"),
                &[channels, 1, width],
                start,
            );
            let spread = depthwise(self.tape, last, weight, width / 2);
            last = activation(self.tape, spread, Activation::Gelu);
            parts.push(last);
        }
        if parts.is_empty() {
            return Err(self.error(block, "needs at least one width"));
        }
        Ok(parts)
    }

    /// GELU of the mean over the positions of the last link: the widest view.
    fn widest(&mut self, parts: &mut Vec<Var>) {
        if let Some(&last) = parts.last() {
            let mean = reduce(self.tape, last, Reduce::Mean);
            parts.push(activation(self.tape, mean, Activation::Gelu));
        }
    }

    fn mix(&mut self, x: Var, name: &str) -> Var {
        let channels = self.tape.shape(x)[0];
        let start = Start::Plain.init(channels);
        let weight = self.param(
            &format!("{name}.mix_depth.weight"),
            &[channels, channels, 1],
            start.clone(),
        );
        let bias = self.param(&format!("{name}.mix_depth.bias"), &[channels], start);
        conv1d(self.tape, x, weight, Some(bias), 0, 1)
    }

    /// Gates for each part from each channel's maximum.
    fn gates_of_maximum(&mut self, v: Var, name: &str, parts: usize) -> Var {
        let channels = self.tape.shape(v)[0];
        let peak = reduce(self.tape, v, Reduce::Max);
        let (weight, bias) =
            self.linear_params(&format!("{name}.togates"), channels, parts, Start::Plain);
        linear(self.tape, peak, weight, Some(bias))
    }

    pub(super) fn focal(
        &mut self,
        block: &Block,
        v: Var,
        name: &str,
        widths: &[usize],
    ) -> Result<Var> {
        let (channels, _) = self.channels_and_positions(block, v)?;
        let value = self.at_each_position(v, &format!("{name}.tovalue"), channels);
        let mut parts = self.chain(block, value, name, widths)?;
        self.widest(&mut parts);
        let gates = self.at_each_position(v, &format!("{name}.togates"), parts.len());
        let sum = gated_sum(self.tape, &parts, gates, Gate::PerPosition);
        let mask = self.mix(sum, name);
        let mask = softmax(self.tape, mask, 1);
        let query = self.at_each_position(v, &format!("{name}.toquery"), channels);
        let query = activation(self.tape, query, Activation::Sigmoid);
        // Stored by the original, outside its graph.
        self.linear_params(
            &format!("{name}.outprojection"),
            channels,
            channels,
            Start::Plain,
        );
        let masked = product(self.tape, query, mask);
        Ok(add(self.tape, v, masked))
    }

    pub(super) fn focal_pool(
        &mut self,
        block: &Block,
        v: Var,
        name: &str,
        widths: &[usize],
    ) -> Result<Var> {
        let (channels, _) = self.channels_and_positions(block, v)?;
        let value = self.at_each_position(v, &format!("{name}.tovalue"), channels);
        let mut parts = self.chain(block, value, name, widths)?;
        self.widest(&mut parts);
        let gates = self.gates_of_maximum(v, name, parts.len());
        let sum = gated_sum(self.tape, &parts, gates, Gate::PerPart);
        let mask = self.mix(sum, name);
        let mask = softmax(self.tape, mask, 1);
        for idle in ["toquery", "outprojection"] {
            self.linear_params(&format!("{name}.{idle}"), channels, channels, Start::Plain);
        }
        let masked = product(self.tape, v, mask);
        self.pooled();
        Ok(reduce(self.tape, masked, Reduce::Sum))
    }

    pub(super) fn focal_mask(
        &mut self,
        block: &Block,
        v: Var,
        name: &str,
        widths: &[usize],
        pool: &str,
    ) -> Result<Var> {
        let (channels, length) = self.channels_and_positions(block, v)?;
        let mut parts = vec![v];
        parts.extend(self.chain(block, v, name, widths)?);
        self.widest(&mut parts);
        let gates = self.gates_of_maximum(v, name, parts.len());
        let sum = gated_sum(self.tape, &parts, gates, Gate::PerPart);
        let mixed = self.mix(sum, name);
        let two = Init::Constant(2.0);
        let inner = self.param(
            &format!("{name}.final_pooling.weight"),
            &[channels],
            two.clone(),
        );
        let pooled = attention_pool(self.tape, mixed, inner, length, false);
        let (weight, bias) = self.linear_params(
            &format!("{name}.outprojection"),
            channels,
            channels,
            Start::Plain,
        );
        let mask = linear(self.tape, pooled, weight, Some(bias));
        let mask = activation(self.tape, mask, Activation::Sigmoid);
        let outer = self.param(&format!("{pool}.weight"), &[channels], two);
        let z = attention_pool(self.tape, v, outer, length, false);
        let z = self.tape.view(z, &[channels]);
        let masked = product(self.tape, z, mask);
        self.pooled();
        Ok(add(self.tape, z, masked))
    }

    #[allow(clippy::too_many_arguments)] // the block's fields and where it stands
    pub(super) fn focal_via_pooling(
        &mut self,
        block: &Block,
        v: Var,
        name: &str,
        windows: &[usize],
        mask: MaskOf,
        at: usize,
        which: Codes,
    ) -> Result<Var> {
        let source = match (mask, which) {
            (MaskOf::Own, _) | (MaskOf::First, Codes::First) => v,
            (MaskOf::First, Codes::Row) => {
                let features = self.features.clone();
                let State::Value(first) = self.run(at, Codes::First)? else {
                    return Err(self.error(block, "stands before any motif layer"));
                };
                self.features = features;
                first
            }
        };
        let mask = self.pooling_mask(block, source, name, windows)?;
        Ok(add(self.tape, v, mask))
    }

    /// Softmax over the channels of a mixture of v, its poolings at each window and its mean.
    fn pooling_mask(
        &mut self,
        block: &Block,
        v: Var,
        name: &str,
        windows: &[usize],
    ) -> Result<Var> {
        let (channels, _) = self.channels_and_positions(block, v)?;
        let mut parts = vec![v];
        for (i, &window) in windows.iter().enumerate() {
            if window == 0 {
                return Err(self.error(block, "an empty window"));
            }
            let weight = self.param(
                &format!("{name}.focal.{i}.weight"),
                &[channels],
                Init::Constant(2.0),
            );
            parts.push(attention_pool(self.tape, v, weight, window, true));
        }
        parts.push(reduce(self.tape, v, Reduce::Mean));
        let gates = self.gates_of_maximum(v, name, parts.len());
        let count = parts.len();
        let gates = self.tape.view(gates, &[1, count]);
        let gates = softmax(self.tape, gates, 1);
        let gates = self.tape.view(gates, &[count]);
        let sum = gated_sum(self.tape, &parts, gates, Gate::PerPart);
        let mixed = self.mix(sum, name);
        Ok(softmax(self.tape, mixed, 0))
    }
}
