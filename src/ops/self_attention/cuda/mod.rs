//! Two forms: one for keys and values of two numbers, one for any sizes.

mod any;
mod pairs;

use super::SelfAttention;
use crate::Result;
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Flops, Needs};

/// Inputs, and their gradients.
const X: usize = 0;
const KEY: usize = 1;
const QUERY: usize = 3;
const VALUE: usize = 5;
const UNIFY: usize = 7;
const UNIFY_BIAS: usize = 8;

impl SelfAttention {
    /// The form that never writes an L x L matrix.
    fn pairs(&self) -> bool {
        self.embedding == 2 && self.inner == 2 && self.channels <= 32
    }

    /// Lines of all keys.
    fn keys(&self) -> usize {
        self.heads * self.embedding
    }

    /// Lines of all values.
    fn values(&self) -> usize {
        self.heads * self.inner
    }

    fn projections(&self) -> usize {
        2 * self.keys() + self.values()
    }

    /// Distance of rows of the input and of the output.
    fn of_row(&self) -> u32 {
        (self.channels * self.length) as u32
    }

    fn scale(&self) -> f32 {
        (1.0 / (self.embedding as f64).sqrt()) as f32
    }
}

impl DeviceOp for SelfAttention {
    /// Keys, queries and values of every position, each pair's score and weighted value, and the unifying product;
    /// backward the two factors' gradients of each.
    fn flops(&self, rows: usize, _wanted: &[bool]) -> Flops {
        let lines = self.heads * (2 * self.embedding + 2 * self.inner);
        let pairs = self.heads * (self.embedding + self.inner) * self.length;
        let multiply_adds = rows * self.length * (lines * self.channels + pairs);
        Flops::product(2.0 * multiply_adds as f64, [true, true])
    }

    fn needs(&self, rows: usize, _wanted: &[bool]) -> Needs {
        if self.pairs() {
            self.pair_needs(rows)
        } else {
            self.any_needs(rows)
        }
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        if self.pairs() {
            self.pair_forward(io)
        } else {
            self.any_forward(io)
        }
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        if self.pairs() {
            self.pair_backward(io)
        } else {
            self.any_backward(io)
        }
    }
}
