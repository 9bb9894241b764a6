//! The form for keys and values of two numbers: no L x L matrix is ever written.

use super::super::SelfAttention;
use super::{KEY, QUERY, UNIFY, UNIFY_BIAS, VALUE, X};
use crate::Result;
use crate::engine::cuda::kernels::{
    SelfAttentionBackwardFinish, SelfAttentionBackwardKeys, SelfAttentionBackwardQueries,
    SelfAttentionBackwardSums, SelfAttentionKeys, SelfAttentionQueries,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, Gradient, Grid, Needs, Out};

/// Positions of a block of the form for two numbers a key.
const PAIR_THREADS: usize = 160;

impl SelfAttention {
    /// Numbers of the parameters' gradients, in the order of self_attention_backward_sums.
    fn pair_numbers(&self) -> usize {
        4 * 2 * self.heads * self.channels + 4 * self.heads + self.channels
    }

    pub(super) fn pair_needs(&self, rows: usize) -> Needs {
        let positions = rows * self.heads * self.length;
        Needs {
            // tops, scales, and o
            saved: 4 * positions,
            scratch_forward: 0,
            // the lines' gradients, means, and the parameters' gradients by row
            scratch_backward: 7 * positions + rows * self.pair_numbers(),
        }
    }

    fn chunks(&self) -> usize {
        self.length.div_ceil(PAIR_THREADS)
    }

    pub(super) fn pair_forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let (gpu, positions) = (io.around.gpu, io.rows * self.heads * self.length);
        let (tops, scales, o) = (io.saved, io.saved.at(positions), io.saved.at(2 * positions));
        let input = |i: usize| io.inputs[i].data;
        let (channels, heads, length) =
            (self.channels as u32, self.heads as u32, self.length as u32);
        gpu.launch(
            Grid::new(io.rows * self.heads * self.chunks(), 1, 1),
            SelfAttentionKeys {
                x: input(X),
                key: input(KEY),
                key_bias: input(KEY + 1),
                query: input(QUERY),
                query_bias: input(QUERY + 1),
                tops,
                scales,
                channels,
                heads,
                length,
            },
        )?;
        gpu.launch(
            Grid::new(io.rows * self.chunks(), 1, 1),
            SelfAttentionQueries {
                x: input(X),
                key: input(KEY),
                key_bias: input(KEY + 1),
                query: input(QUERY),
                query_bias: input(QUERY + 1),
                value: input(VALUE),
                value_bias: input(VALUE + 1),
                unify: input(UNIFY),
                unify_bias: input(UNIFY_BIAS),
                tops: tops.input(),
                scales: scales.input(),
                o,
                y: io.output,
                channels,
                heads,
                length,
            },
        )
    }

    pub(super) fn pair_backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, positions) = (io.around.gpu, io.rows * self.heads * self.length);
        let (tops, scales, o) = (
            io.saved.input(),
            io.saved.at(positions).input(),
            io.saved.at(2 * positions).input(),
        );
        let (lines, means, sums) = (
            io.scratch,
            io.scratch.at(6 * positions),
            io.scratch.at(7 * positions),
        );
        let input = |i: usize| io.inputs[i].data;
        let grad = |i: usize| io.grads[i].map_or(Out::NULL, |g: Gradient| g.data);
        let (channels, heads, length) =
            (self.channels as u32, self.heads as u32, self.length as u32);
        gpu.launch(
            Grid::new(io.rows * self.heads * self.chunks(), 1, 1),
            SelfAttentionBackwardKeys {
                x: input(X),
                key: input(KEY),
                key_bias: input(KEY + 1),
                query: input(QUERY),
                query_bias: input(QUERY + 1),
                value: input(VALUE),
                value_bias: input(VALUE + 1),
                unify: input(UNIFY),
                dy: io.grad_output,
                tops,
                scales,
                lines,
                means,
                channels,
                heads,
                length,
            },
        )?;
        gpu.launch(
            Grid::new(io.rows * self.chunks(), 1, 1),
            SelfAttentionBackwardQueries {
                x: input(X),
                key: input(KEY),
                key_bias: input(KEY + 1),
                query: input(QUERY),
                query_bias: input(QUERY + 1),
                value: input(VALUE),
                value_bias: input(VALUE + 1),
                unify: input(UNIFY),
                dy: io.grad_output,
                tops,
                scales,
                lines,
                means: means.input(),
                dx: grad(X),
                channels,
                heads,
                length,
            },
        )?;
        if io.grads[1..].iter().all(Option::is_none) {
            return Ok(());
        }
        let numbers = self.pair_numbers();
        gpu.launch(
            Grid::new(io.rows * numbers.div_ceil(8), 1, 1),
            SelfAttentionBackwardSums {
                x: input(X),
                dy: io.grad_output,
                o,
                lines: lines.input(),
                sums,
                channels,
                heads,
                length,
                numbers: numbers as u32,
            },
        )?;
        gpu.launch(
            Grid::over(numbers, 32),
            SelfAttentionBackwardFinish {
                sums: sums.input(),
                key: grad(KEY),
                query: grad(QUERY),
                value: grad(VALUE),
                unify: grad(UNIFY),
                key_bias: grad(KEY + 1),
                value_bias: grad(VALUE + 1),
                unify_bias: grad(UNIFY_BIAS),
                channels,
                heads,
                rows: io.rows as u32,
                numbers: numbers as u32,
            },
        )
    }
}
