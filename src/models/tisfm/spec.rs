//! An architecture as data: a list of blocks that a sequence passes through, from four channels
//! of bases to one number an output. Built-in architectures and a user's own are the same TOML.

use crate::ops::activation::Activation;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// An architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub name: String,
    /// One line for the list of architectures.
    pub summary: String,
    #[serde(rename = "block")]
    pub blocks: Vec<Block>,
}

/// How many channels a motif gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strands {
    /// Channel 2k the motif, 2k+1 its reverse complement.
    Both,
    One,
}

impl Strands {
    pub fn channels(self) -> usize {
        match self {
            Strands::Both => 2,
            Strands::One => 1,
        }
    }
}

/// How a weight starts; fan_in is the number of inputs that one output sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Uniform in ±1/sqrt(fan_in).
    #[default]
    Plain,
    /// Uniform in ±sqrt(6/fan_in).
    Relu,
    /// Uniform in ±sqrt(3/fan_in).
    Linear,
    /// Normal with standard deviation sqrt(2/fan_in).
    Normal,
}

/// The extent of a pooling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All positions: one value a channel.
    Whole,
    /// So many windows, the last padded with zeros.
    Parts(usize),
    /// So many positions a window, the last padded with zeros.
    Window(usize),
}

/// Whose attention mask `focal_via_pooling` adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskOf {
    /// The batch's first sequence, for every sequence: what the original does.
    First,
    /// Each sequence its own.
    #[default]
    Own,
}

/// One step of an architecture. (C, L) are the channels and positions that reach it; `name` is
/// the prefix of its parameters in the state dict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Block {
    /// Adds a learned scalar to every position, mirrored around the middle: ceil(L/2) numbers.
    Position {
        name: String,
    },
    /// x + attention(x), or x + attention(x + position).
    InputAttention {
        name: String,
        heads: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<String>,
    },
    /// The motifs as convolution kernels, each channel scaled and shifted: conv_motif.weight
    /// (frozen unless asked), conv_scale, conv_bias.
    Motifs {
        strands: Strands,
        /// conv_scale and conv_bias start from each motif's score distribution.
        #[serde(default)]
        calibrated: bool,
    },
    /// A convolution that starts at random. `two_dimensional`: its weight is stored with the
    /// unit dimensions of a two-dimensional one.
    Convolution {
        name: String,
        filters: usize,
        width: usize,
        #[serde(default)]
        padding: usize,
        #[serde(default)]
        two_dimensional: bool,
        #[serde(default)]
        start: Start,
    },
    Activation {
        kind: Activation,
    },
    /// Multiplies each channel by a learned number that starts at 1.
    ChannelScale {
        name: String,
    },
    /// Lays the two strands of a motif one after the other: (2M, L) to (M, 2L).
    MergeStrands {},
    /// x + attention among all channels (x + the first L of 2L position scalars).
    ChannelAttention {
        name: String,
        heads: usize,
        inner: usize,
        position: String,
    },
    /// Softmax-weighted mean over the positions of a window, a learned sharpness a channel.
    AttentionPool {
        name: String,
        extent: Extent,
    },
    /// Attention pooling whose mask is shared by the R features of a channel: (C, R, L) to (C, R).
    JointAttentionPool {
        name: String,
    },
    MaxPool {
        window: usize,
        stride: usize,
        #[serde(default)]
        padding: usize,
    },
    GlobalMaxPool {},
    /// z sigmoid(W z + b).
    Gate {
        name: String,
    },
    /// Two blocks side by side: z sigmoid(and) and z + sigmoid(or).
    AndOr {
        and: String,
        or: String,
    },
    /// z sigmoid(mute) + (1 - z) sigmoid(amplify).
    Amplification {
        mute: String,
        amplify: String,
    },
    /// Pools the whole, and each strand in one and in two parts; a gate on the first from all.
    LocationAware {
        pool: String,
        one_part: String,
        two_parts: String,
        gate: String,
    },
    /// Each channel spread by its own transposed convolution, (C, L) to (C, L + width - 1).
    Diffusion {
        name: String,
        width: usize,
    },
    /// A mixture of such spreads, cropped to L; `residual`: LeakyReLU(mixture) + x.
    Modulation {
        name: String,
        widths: Vec<usize>,
        #[serde(default)]
        residual: bool,
    },
    /// x sigmoid(W x + b) at each position; W starts at 5 I.
    PositionGate {
        name: String,
    },
    /// x sigmoid(pool(W x + b)), one number a channel.
    GlobalGate {
        name: String,
    },
    /// A 1 x 1 convolution to one channel an output.
    Effect {
        name: String,
    },
    /// Focal modulation: gated sums of ever wider depthwise convolutions make a mask over
    /// positions; v + sigmoid(W v) mask.
    Focal {
        name: String,
        widths: Vec<usize>,
    },
    /// The same with gates from each channel's maximum; sum over positions of v times the mask.
    FocalPool {
        name: String,
        widths: Vec<usize>,
    },
    /// A mask a channel: z + z mask, z = attention pooling of v by `pool`.
    FocalMask {
        name: String,
        widths: Vec<usize>,
        pool: String,
    },
    /// Gated sums of attention poolings make a mask over channels, added to v.
    FocalViaPooling {
        name: String,
        windows: Vec<usize>,
        #[serde(default)]
        mask: MaskOf,
    },
    /// Products with learned archetypes over the last dimension, whitened by (A A^T)^(-1/2).
    Nystrom {
        name: String,
        archetypes: usize,
    },
    /// The same with the archetypes slid along each channel as one shared convolution.
    NystromConvolution {
        name: String,
        archetypes: usize,
        width: usize,
    },
    BatchNorm {
        name: String,
    },
    Dropout {
        p: f64,
    },
    /// A fully connected layer on all features; `size`: absent for one number an output.
    Linear {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<usize>,
        #[serde(default)]
        start: Start,
    },
    /// A fully connected layer of M inputs that the original stores but never uses.
    IdleLinear {
        name: String,
    },
    /// A pooling weight that the original stores but never uses.
    IdlePool {
        name: String,
    },
}

impl Spec {
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::invalid(format!("{}: {e}", self.name)))
    }

    /// How the motif layer treats strands; None where it has none.
    pub fn strands(&self) -> Option<Strands> {
        self.blocks.iter().find_map(|b| match b {
            Block::Motifs { strands, .. } => Some(*strands),
            _ => None,
        })
    }

    /// Predictions depend on what else is in the batch.
    pub fn depends_on_batch(&self) -> bool {
        self.blocks.iter().any(|b| {
            matches!(
                b,
                Block::FocalViaPooling {
                    mask: MaskOf::First,
                    ..
                }
            )
        })
    }
}

impl Spec {
    /// Takes the sizes that a spec is free to choose from weights: `shape` gives that of a parameter, if it is there.
    pub fn take_sizes<'a>(&mut self, shape: impl Fn(&str) -> Option<&'a [usize]>) {
        let weight = |name: &str| shape(&format!("{name}.weight"));
        for block in &mut self.blocks {
            match block {
                Block::Convolution {
                    name,
                    filters,
                    width,
                    ..
                } => {
                    if let Some(shape) = weight(name)
                        && let (Some(&first), Some(&last)) = (shape.first(), shape.last())
                    {
                        (*filters, *width) = (first, last);
                    }
                }
                Block::Linear {
                    name,
                    size: Some(size),
                    ..
                } => {
                    if let Some(first) = weight(name).and_then(|s| s.first().copied()) {
                        *size = first;
                    }
                }
                Block::Nystrom { name, archetypes } => {
                    if let Some(shape) = shape(&format!("{name}.archetype"))
                        && let Some(&first) = shape.first()
                    {
                        *archetypes = first;
                    }
                }
                _ => {}
            }
        }
    }

    /// The tables of position scalars, as the state dict names them.
    pub fn position_tables(&self) -> impl Iterator<Item = String> {
        let names = self.blocks.iter().filter_map(|block| match block {
            Block::Position { name } => Some(name),
            Block::InputAttention { position, .. } => position.as_ref(),
            Block::ChannelAttention { position, .. } => Some(position),
            _ => None,
        });
        names.map(|name| format!("{name}.weight"))
    }

    /// The bias with one number an output: of the last layer that makes outputs.
    pub fn output_bias(&self) -> Option<String> {
        self.blocks.iter().rev().find_map(|b| match b {
            Block::Linear {
                name, size: None, ..
            }
            | Block::Effect { name } => Some(format!("{name}.bias")),
            _ => None,
        })
    }
}
