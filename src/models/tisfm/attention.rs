//! The two self-attention blocks: on the four bases, and among all motif channels.

use super::build::Builder;
use super::spec::Block;
use crate::Result;
use crate::engine::{Init, Real, Var};
use crate::ops::add::add;
use crate::ops::position::{mirrored, position};
use crate::ops::self_attention::{SelfAttentionParams, self_attention};
use std::sync::Arc;

impl<T: Real> Builder<'_, T> {
    /// x + attention(x [+ position]): the position goes into the attention alone.
    pub(super) fn input_attention(
        &mut self,
        block: &Block,
        x: Var,
        name: &str,
        heads: usize,
        position_name: Option<&str>,
    ) -> Result<Var> {
        let (channels, length) = self.channels_and_positions(block, x)?;
        let seen = match position_name {
            Some(table) => {
                let table = self.position_table(table, length);
                position(self.tape, x, table, mirrored(length))
            }
            None => x,
        };
        let value = channels.div_ceil(heads.max(1));
        let params = self.attention_params(name, channels, heads, value, value);
        let attended = self_attention(self.tape, seen, params);
        Ok(add(self.tape, attended, x))
    }

    /// x + attention(x + e), e the first L rows of a mirrored table of 2L scalars.
    pub(super) fn channel_attention(
        &mut self,
        block: &Block,
        x: Var,
        name: &str,
        heads: usize,
        inner: usize,
        position_name: &str,
    ) -> Result<Var> {
        let (channels, length) = self.channels_and_positions(block, x)?;
        let table = self.param(
            &format!("{position_name}.weight"),
            &[2 * length, 1],
            Init::Normal(1.0),
        );
        let index: Arc<[u32]> = (0..length as u32).collect();
        let seen = position(self.tape, x, table, index);
        let params = self.attention_params(
            name,
            channels,
            heads,
            inner,
            channels.div_ceil(heads.max(1)),
        );
        let attended = self_attention(self.tape, seen, params);
        Ok(add(self.tape, attended, x))
    }

    fn attention_params(
        &mut self,
        name: &str,
        channels: usize,
        heads: usize,
        inner: usize,
        value: usize,
    ) -> SelfAttentionParams {
        // Xavier uniform; torch counts a (d0, d1, d2) tensor's fans as d1 d2 and d0 d2.
        let mut weight = |suffix: &str, shape: [usize; 3]| {
            let [d0, d1, d2] = shape;
            let bound = (6.0 / ((d1 * d2 + d0 * d2) as f64)).sqrt();
            self.param(&format!("{name}.{suffix}"), &shape, Init::Uniform(bound))
        };
        let key = weight("tokey", [heads, inner, channels]);
        let query = weight("toquery", [heads, inner, channels]);
        let value_weight = weight("tovalue", [heads, value, channels]);
        let unify = weight("unifyheads", [heads, channels, value]);
        let mut zero = |suffix: &str, size: usize| {
            self.param(
                &format!("{name}.{suffix}"),
                &[1, heads, size, 1],
                Init::Constant(0.0),
            )
        };
        let key_bias = zero("tokey_bias", inner);
        let query_bias = zero("toquery_bias", inner);
        let value_bias = zero("tovalue_bias", value);
        let unify_bias = self.param(
            &format!("{name}.unifyheads_bias"),
            &[1, channels, 1],
            Init::Uniform(1.0 / (channels as f64).sqrt()),
        );
        SelfAttentionParams {
            key,
            key_bias,
            query,
            query_bias,
            value: value_weight,
            value_bias,
            unify,
            unify_bias,
        }
    }
}
