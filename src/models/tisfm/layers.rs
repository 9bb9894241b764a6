//! Each block of a spec as ops; attention and focal blocks have files of their own.

use super::build::{Builder, BuiltGate, BuiltPooling, Features};
use super::spec::{Block, Extent, Start, Strands};
use crate::Result;
use crate::engine::{Codes, Init, Real, Role, Var};
use crate::numbers::{counted, is_or_are};
use crate::ops::activation::{Activation, activation};
use crate::ops::attention_pool::attention_pool;
use crate::ops::batch_norm::{BatchNormParams, batch_norm};
use crate::ops::conv1d::conv1d;
use crate::ops::reduce::{Reduce, reduce};
use crate::ops::{
    add::add,
    blend::blend,
    calibrate::calibrate,
    concat::concat,
    depthwise_transposed::depthwise_transposed,
    dropout::dropout,
    linear::linear,
    max_pool::max_pool,
    position::{mirrored, position},
    product::product,
};

impl<T: Real> Builder<'_, T> {
    /// Records one block; `at` is its place in the spec.
    pub(super) fn block(&mut self, block: &Block, x: Var, at: usize, which: Codes) -> Result<Var> {
        match block {
            Block::Position { name } => {
                let (_, length) = self.channels_and_positions(block, x)?;
                let table = self.position_table(name, length);
                Ok(position(self.tape, x, table, mirrored(length)))
            }
            Block::InputAttention {
                name,
                heads,
                position,
            } => self.input_attention(block, x, name, *heads, position.as_deref()),
            Block::Motifs {
                strands,
                calibrated,
            } => self.motifs(block, x, *strands, *calibrated),
            Block::Convolution { .. } => self.convolution(block, x),
            Block::Activation { kind } => Ok(activation(self.tape, x, *kind)),
            Block::ChannelScale { name } => {
                let (channels, _) = self.channels_and_positions(block, x)?;
                let scale = self.param(name, &[channels], Init::Constant(1.0));
                Ok(calibrate(self.tape, x, scale, None))
            }
            Block::MergeStrands {} => {
                let (channels, length) = self.channels_and_positions(block, x)?;
                if channels % 2 != 0 {
                    return Err(self.error(
                        block,
                        format!(
                            "{} {} no pairs of strands",
                            counted(channels, "channel"),
                            is_or_are(channels)
                        ),
                    ));
                }
                self.strands_merged();
                Ok(self.tape.view(x, &[channels / 2, 2 * length]))
            }
            Block::ChannelAttention {
                name,
                heads,
                inner,
                position,
            } => self.channel_attention(block, x, name, *heads, *inner, position),
            Block::AttentionPool { name, extent } => {
                self.attention_pool_block(block, x, name, *extent)
            }
            Block::JointAttentionPool { name } => self.joint_attention_pool(block, x, name),
            Block::MaxPool {
                window,
                stride,
                padding,
            } => {
                let (_, length) = self.channels_and_positions(block, x)?;
                if length.saturating_add(2 * padding) < *window || *stride == 0 {
                    return Err(self.error(
                        block,
                        format!(
                            "{} {} fewer than its window {window}",
                            counted(length, "position"),
                            is_or_are(length)
                        ),
                    ));
                }
                Ok(max_pool(self.tape, x, *window, *stride, *padding))
            }
            Block::GlobalMaxPool {} => {
                self.channels_and_positions(block, x)?;
                self.pooled();
                Ok(reduce(self.tape, x, Reduce::Max))
            }
            Block::Gate { name } => Ok(self.gate(x, name)),
            Block::AndOr { and, or } => {
                let both = self.gate(x, and);
                let either = self.open(x, or);
                let either = add(self.tape, x, either);
                let width = self.tape.len(x);
                match self.features {
                    Features::Motifs => {
                        self.features = Features::MotifBlocks(vec!["and".into(), "or".into()]);
                    }
                    _ => self.no_motifs("its block and_or joins several features of a motif"),
                }
                let (a, b) = (
                    self.tape.view(both, &[1, width]),
                    self.tape.view(either, &[1, width]),
                );
                let joined = concat(self.tape, &[a, b], 1);
                Ok(self.tape.view(joined, &[2 * width]))
            }
            Block::Amplification { mute, amplify } => {
                let (mute, amplify) = (self.open(x, mute), self.open(x, amplify));
                Ok(blend(self.tape, x, mute, amplify))
            }
            Block::LocationAware {
                pool,
                one_part,
                two_parts,
                gate,
            } => self.location_aware(block, x, pool, one_part, two_parts, gate),
            Block::Diffusion { name, width } => {
                let (channels, length) = self.channels_and_positions(block, x)?;
                let weight = self.param(
                    &format!("{name}.weight"),
                    &[channels, 1, *width],
                    Start::Plain.init(*width),
                );
                Ok(depthwise_transposed(
                    self.tape,
                    x,
                    weight,
                    None,
                    0,
                    length + width - 1,
                ))
            }
            Block::Modulation {
                name,
                widths,
                residual,
            } => self.modulation(block, x, name, widths, *residual),
            Block::PositionGate { name } => {
                let gate = self.pointwise_mask(block, x, name)?;
                let gate = activation(self.tape, gate, Activation::Sigmoid);
                Ok(product(self.tape, x, gate))
            }
            Block::GlobalGate { name } => {
                let (channels, length) = self.channels_and_positions(block, x)?;
                let mask = self.pointwise_mask(block, x, name)?;
                let pool = self.param(
                    &format!("{name}.pooling.weight"),
                    &[channels],
                    Init::Constant(2.0),
                );
                let mask = attention_pool(self.tape, mask, pool, length, false);
                let mask = activation(self.tape, mask, Activation::Sigmoid);
                Ok(product(self.tape, x, mask))
            }
            Block::Effect { name } => {
                let (channels, _) = self.channels_and_positions(block, x)?;
                let outputs = self.dimensions.outputs;
                let weight = self.param(
                    &format!("{name}.weight"),
                    &[outputs, channels, 1],
                    Start::Normal.init(channels),
                );
                let bias = self.param(
                    &format!("{name}.bias"),
                    &[outputs],
                    Start::Plain.init(channels),
                );
                self.no_motifs("its effect layer makes outputs of the motifs at every position");
                Ok(conv1d(self.tape, x, weight, Some(bias), 0, 1))
            }
            Block::Focal { name, widths } => self.focal(block, x, name, widths),
            Block::FocalPool { name, widths } => self.focal_pool(block, x, name, widths),
            Block::FocalMask { name, widths, pool } => {
                self.focal_mask(block, x, name, widths, pool)
            }
            Block::FocalViaPooling {
                name,
                windows,
                mask,
            } => self.focal_via_pooling(block, x, name, windows, *mask, at, which),
            Block::Nystrom { name, archetypes } => Ok(self.nystrom(x, name, *archetypes)),
            Block::NystromConvolution {
                name,
                archetypes,
                width,
            } => self.nystrom_convolution(block, x, name, *archetypes, *width),
            Block::BatchNorm { name } => self.batch_norm_block(block, x, name),
            Block::Dropout { p } => {
                if !(0.0..1.0).contains(p) {
                    return Err(self.error(block, format!("p = {p} is not in [0, 1)")));
                }
                Ok(dropout(self.tape, x, *p, at as u64))
            }
            Block::Linear { name, size, start } => {
                let inputs = self.tape.len(x);
                let outputs = size.unwrap_or(self.dimensions.outputs);
                let (weight, bias) = self.linear_params(name, inputs, outputs, *start);
                // Another layer before it, of whatever size, has mixed the motifs.
                let hidden = self.last_layer.replace(name.clone()).is_some();
                self.last_input = Some(x);
                if size.is_some() || hidden {
                    self.no_motifs("a hidden layer stands between motifs and outputs");
                }
                if self.feature_count().is_some_and(|count| count != inputs) {
                    self.no_motifs("its last layer reads every position of the motifs, not one number a motif: a pooling block before it would make that");
                }
                Ok(linear(self.tape, x, weight, Some(bias)))
            }
            Block::IdleLinear { .. } | Block::IdlePool { .. } => Ok(x),
        }
    }

    fn motifs(&mut self, block: &Block, x: Var, strands: Strands, calibrated: bool) -> Result<Var> {
        let (channels, _) = self.channels_and_positions(block, x)?;
        if channels != 4 {
            return Err(self.error(
                block,
                format!("reads four channels of bases, found {channels}"),
            ));
        }
        let (weight, scale, bias) = self.motif_params(block, strands, calibrated)?;
        let width = self.tape.shape(weight)[2];
        let scan = conv1d(self.tape, x, weight, None, 0, width);
        self.features = match strands {
            Strands::One => Features::Motifs,
            Strands::Both => Features::MotifWindows {
                strands: 2,
                windows: 1,
            },
        };
        Ok(calibrate(self.tape, scan, scale, Some(bias)))
    }

    fn convolution(&mut self, block: &Block, x: Var) -> Result<Var> {
        let Block::Convolution {
            name,
            filters,
            width,
            padding,
            two_dimensional,
            start,
        } = block
        else {
            return Ok(x);
        };
        let (channels, length) = self.channels_and_positions(block, x)?;
        if length.saturating_add(2 * padding) < *width {
            return Err(self.error(
                block,
                format!(
                    "{} {} fewer than its width {width}",
                    counted(length, "position"),
                    is_or_are(length)
                ),
            ));
        }
        let shape: Vec<usize> = match (two_dimensional, channels) {
            (true, 4) => vec![*filters, 1, 4, *width],
            (true, _) => vec![*filters, channels, 1, *width],
            (false, _) => vec![*filters, channels, *width],
        };
        let fan_in = channels.saturating_mul(*width);
        let weight = self.param(&format!("{name}.weight"), &shape, start.init(fan_in));
        let bias = self.param(
            &format!("{name}.bias"),
            &[*filters],
            Start::Plain.init(fan_in),
        );
        // Without known motifs before it the reason stays that there are none.
        self.no_motifs("a convolution stands between motifs and outputs");
        Ok(conv1d(self.tape, x, weight, Some(bias), *padding, *width))
    }

    fn attention_pool_block(
        &mut self,
        block: &Block,
        x: Var,
        name: &str,
        extent: Extent,
    ) -> Result<Var> {
        let (channels, length) = self.channels_and_positions(block, x)?;
        let window = match extent {
            Extent::Whole => length,
            Extent::Window(n) => n,
            Extent::Parts(n) => length.div_ceil(n.max(1)),
        };
        let found = if window == 0 {
            0
        } else {
            length.div_ceil(window)
        };
        if let Extent::Parts(n) = extent
            && found != n
        {
            return Err(self.error(
                block,
                format!(
                    "{} cannot make {}",
                    counted(length, "position"),
                    counted(n, "window")
                ),
            ));
        }
        if found == 0 {
            return Err(self.error(block, "an empty window"));
        }
        self.features = match &self.features {
            Features::MotifWindows { strands: 1, .. } | Features::Motifs if found == 1 => {
                Features::Motifs
            }
            Features::MotifWindows { strands, .. } => Features::MotifWindows {
                strands: *strands,
                windows: found,
            },
            Features::Motifs => Features::MotifWindows {
                strands: 1,
                windows: found,
            },
            other => other.clone(),
        };
        let weight = self.param(&format!("{name}.weight"), &[channels], Init::Constant(2.0));
        let pooled = attention_pool(self.tape, x, weight, window, false);
        Ok(match found {
            1 => self.tape.view(pooled, &[channels]),
            n => self.tape.view(pooled, &[channels, n]),
        })
    }

    fn joint_attention_pool(&mut self, block: &Block, x: Var, name: &str) -> Result<Var> {
        let [channels, features, length] = *self.tape.shape(x) else {
            let message = format!(
                "needs channels x features x positions, found {:?}",
                self.tape.shape(x)
            );
            return Err(self.error(block, message));
        };
        let weight = self.param(
            &format!("{name}.weight"),
            &[channels, features],
            Init::Constant(2.0),
        );
        let pooled = attention_pool(self.tape, x, weight, length, false);
        Ok(self.tape.view(pooled, &[channels, features]))
    }

    /// sigmoid(W x + b) for all features.
    fn open(&mut self, x: Var, name: &str) -> Var {
        let width = self.tape.len(x);
        self.open_to(x, name, width)
    }

    fn open_to(&mut self, x: Var, name: &str, outputs: usize) -> Var {
        let (weight, bias) = self.linear_params(name, self.tape.len(x), outputs, Start::Relu);
        let gate = linear(self.tape, x, weight, Some(bias));
        activation(self.tape, gate, Activation::Sigmoid)
    }

    fn gate(&mut self, x: Var, name: &str) -> Var {
        self.gates.push(BuiltGate {
            layer: name.to_string(),
            input: x,
        });
        let gate = self.open(x, name);
        let flat = self.tape.view(x, &[self.tape.len(x)]);
        product(self.tape, flat, gate)
    }

    fn location_aware(
        &mut self,
        block: &Block,
        x: Var,
        pool: &str,
        one_part: &str,
        two_parts: &str,
        gate: &str,
    ) -> Result<Var> {
        let (channels, length) = self.channels_and_positions(block, x)?;
        if channels % 2 != 0 || length < 2 {
            return Err(self.error(
                block,
                format!("needs pairs of strands and 2 positions, found {channels} x {length}"),
            ));
        }
        let weight = |b: &mut Self, name: &str, n: usize| {
            b.param(&format!("{name}.weight"), &[n], Init::Constant(2.0))
        };
        let (w, w1, w2) = (
            weight(self, pool, channels / 2),
            weight(self, one_part, channels),
            weight(self, two_parts, channels),
        );
        let merged = self.tape.view(x, &[channels / 2, 2 * length]);
        let z = attention_pool(self.tape, merged, w, 2 * length, false);
        self.pooling = self.activities.map(|activities| BuiltPooling {
            activities,
            pooled: z,
            places: length,
            length: 2 * length,
            window: 2 * length,
            weight: Some(format!("{pool}.weight")),
        });
        let one = attention_pool(self.tape, x, w1, length, false);
        let two = attention_pool(self.tape, x, w2, length.div_ceil(2), false);
        let parts = concat(self.tape, &[one, two], channels);
        let (z1, parts) = (
            self.tape.view(z, &[1, channels / 2]),
            self.tape.view(parts, &[1, 3 * channels]),
        );
        let all = concat(self.tape, &[z1, parts], 1);
        let mask = self.open_to(all, gate, channels / 2);
        let z = self.tape.view(z, &[channels / 2]);
        self.strands_merged();
        Ok(product(self.tape, z, mask))
    }

    fn batch_norm_block(&mut self, block: &Block, x: Var, name: &str) -> Result<Var> {
        let (channels, _) = self.channels_and_positions(block, x)?;
        let mut one = |suffix: &str, value: f64, role: Role| {
            self.declare(
                &format!("{name}.{suffix}"),
                &[channels],
                Init::Constant(value),
                role,
            )
        };
        let weight = one("weight", 1.0, Role::Weight);
        let bias = one("bias", 0.0, Role::Weight);
        let running_mean = one("running_mean", 0.0, Role::Buffer);
        let running_var = one("running_var", 1.0, Role::Buffer);
        let count = self.declare(
            &format!("{name}.num_batches_tracked"),
            &[],
            Init::Constant(0.0),
            Role::Counter,
        );
        let params = BatchNormParams {
            weight,
            bias,
            running_mean,
            running_var,
            count,
        };
        Ok(batch_norm(self.tape, x, params))
    }
}
