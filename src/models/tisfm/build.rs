//! From a spec to a tape: shapes are checked block by block, parameters get the original's names.

use super::MotifKernels;
use super::spec::{Block, Extent, Spec, Start, Strands};
use crate::engine::{Codes, Init, Real, Role, Tape, Var};
use crate::numbers::counted;
use crate::ops;
use crate::ops::position::mirrored;
use crate::train::model::Lowering;
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// What a spec leaves open.
#[derive(Clone, Debug)]
pub struct Dimensions {
    /// Length of the sequences.
    pub window: usize,
    pub outputs: usize,
}

/// What the inputs of the last linear layer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Features {
    /// One a motif (then one for each pair of pad channels).
    Motifs,
    /// Blocks of one a motif, by name.
    MotifBlocks(Vec<String>),
    /// So many windows for each motif's strand, the strands of a motif one after the other.
    MotifWindows { strands: usize, windows: usize },
    /// Not one a motif, for this reason.
    Other(&'static str),
}

/// A recorded model.
pub struct Built {
    /// One number an output.
    pub output: Var,
    /// The dense sequence, where it was recorded: the row's own, and the batch's first.
    pub input: Option<Var>,
    pub first_input: Option<Var>,
    pub features: Features,
    /// The linear layer that makes the outputs of the features.
    pub last_layer: Option<String>,
    /// The features: what that layer reads.
    pub last_input: Option<Var>,
    /// The gates of a motif's number by all motifs' numbers.
    pub gates: Vec<BuiltGate>,
    /// How the motifs' windows became features, where nothing stands between the two; of [`Lowering::Composed`] alone.
    pub pooling: Option<BuiltPooling>,
}

/// Motifs' windows, pooled.
#[derive(Clone, Debug, PartialEq)]
pub struct BuiltPooling {
    /// (C, L'): the sigmoid of each channel at each place.
    pub activities: Var,
    /// (C / strands, windows): what is pooled of them, the strands of a channel one after the other where they are merged.
    pub pooled: Var,
    /// L', the places of each channel.
    pub places: usize,
    /// Positions of a row; those of the merged strands together.
    pub length: usize,
    /// Positions under one pooled number; the last window may be longer than what is left.
    pub window: usize,
    /// The parameter with the sharpness of each row; None: the maximum.
    pub weight: Option<String>,
}

/// A gate: what it reads, and the layer that opens it.
#[derive(Clone, Debug, PartialEq)]
pub struct BuiltGate {
    pub layer: String,
    pub input: Var,
}

/// What flows from block to block.
#[derive(Clone)]
pub(super) enum State {
    /// Base codes, and position scalars still to be added.
    Sequence(Option<Var>),
    /// (C, L), (C, R, L) or (F).
    Value(Var),
}

pub(super) struct Builder<'a, T: Real> {
    pub tape: &'a mut Tape<T>,
    pub spec: &'a Spec,
    pub dimensions: &'a Dimensions,
    pub kernels: Option<&'a MotifKernels>,
    pub lowering: Lowering,
    params: HashMap<String, Var>,
    /// Names that two blocks use for different shapes.
    collisions: Vec<String>,
    inputs: [Option<Var>; 2],
    pub features: Features,
    pub last_layer: Option<String>,
    pub last_input: Option<Var>,
    pub gates: Vec<BuiltGate>,
    /// The motifs' sigmoids as long as nothing but their shape changes.
    pub(super) activities: Option<Var>,
    pub pooling: Option<BuiltPooling>,
}

/// Records a model on a tape.
///
/// # Errors
/// A block that does not fit what reaches it; a sequence shorter than a kernel; a motif layer
/// without motifs; a network that does not fit into memory.
pub fn build<T: Real>(
    tape: &mut Tape<T>,
    spec: &Spec,
    dimensions: &Dimensions,
    kernels: Option<&MotifKernels>,
    lowering: Lowering,
) -> Result<Built> {
    finished(Builder::new(tape, spec, dimensions, kernels, lowering))
}

/// [`build`], fused, where the bases are numbers (4, L) and not the rows' codes.
///
/// # Errors
/// Those of [`build`].
pub fn build_from_bases<T: Real>(
    tape: &mut Tape<T>,
    spec: &Spec,
    dimensions: &Dimensions,
    kernels: Option<&MotifKernels>,
    bases: Var,
) -> Result<Built> {
    let mut builder = Builder::new(tape, spec, dimensions, kernels, Lowering::Fused);
    builder.inputs[0] = Some(bases);
    finished(builder)
}

fn finished<T: Real>(mut builder: Builder<'_, T>) -> Result<Built> {
    let (spec, dimensions) = (builder.spec, builder.dimensions);
    builder.check_window()?;
    let state = builder.run(spec.blocks.len(), Codes::Row)?;
    if let Some(name) = builder.collisions.first() {
        return Err(Error::invalid(format!(
            "{}: two blocks call different parameters {name}",
            spec.name
        )));
    }
    let State::Value(output) = state else {
        return Err(Error::invalid(format!(
            "{}: no block makes outputs",
            spec.name
        )));
    };
    let found = builder.tape.len(output);
    if found != dimensions.outputs {
        return Err(Error::invalid(format!(
            "{}: the last block gives {} (shape {:?}), expected one for each of {}",
            spec.name,
            counted(found, "number"),
            builder.tape.shape(output),
            counted(dimensions.outputs, "output")
        )));
    }
    let output = builder.tape.view(output, &[found]);
    Ok(Built {
        output,
        input: builder.inputs[0],
        first_input: builder.inputs[1],
        features: builder.features,
        last_layer: builder.last_layer,
        last_input: builder.last_input,
        gates: builder.gates,
        pooling: builder.pooling,
    })
}

/// The first layer whose kernels read the bases.
pub struct KernelLayer {
    /// (channels, positions), before any activation.
    pub activations: Var,
    pub width: usize,
    /// Positions before the sequence's first at which its first kernel begins.
    pub padding: usize,
    /// Of known motifs; None for filters that started at random.
    pub strands: Option<Strands>,
    /// What an activation must be above to be passed on, where a ReLU follows.
    pub floor: Option<f64>,
}

/// Records a model up to the first layer whose kernels read the bases.
///
/// # Errors
/// Those of [`build`]; an architecture without such a layer.
pub fn kernel_layer<T: Real>(
    tape: &mut Tape<T>,
    spec: &Spec,
    dimensions: &Dimensions,
    kernels: Option<&MotifKernels>,
) -> Result<KernelLayer> {
    let none = || {
        Error::invalid(format!(
            "{}: the architecture has no kernels that read the bases",
            spec.name
        ))
    };
    let is_layer =
        |block: &Block| matches!(block, Block::Motifs { .. } | Block::Convolution { .. });
    let at = spec.blocks.iter().position(is_layer).ok_or_else(none)?;
    let (channels, width, padding, strands) = match (&spec.blocks[at], kernels) {
        (Block::Motifs { strands, .. }, Some(kernels)) => (
            kernels.channels(*strands),
            kernels.width(),
            0,
            Some(*strands),
        ),
        (
            Block::Convolution {
                filters,
                width,
                padding,
                ..
            },
            _,
        ) => (*filters, *width, *padding, None),
        _ => return Err(none()),
    };
    let mut builder = Builder::new(tape, spec, dimensions, kernels, Lowering::Composed);
    builder.check_window()?;
    // What does not mix positions or channels belongs to the layer.
    let own = |block: &&Block| matches!(block, Block::BatchNorm { .. } | Block::Dropout { .. });
    let next = at + 1 + spec.blocks[at + 1..].iter().take_while(own).count();
    let State::Value(activations) = builder.run(next, Codes::Row)? else {
        return Err(none());
    };
    // Positions are those of the sequence where nothing before pooled or spread them.
    let positions = (dimensions.window + 2 * padding + 1).checked_sub(width);
    if builder.tape.shape(activations) != [channels, positions.unwrap_or_default()] {
        return Err(none());
    }
    Ok(KernelLayer {
        activations,
        width,
        padding,
        strands,
        floor: match spec.blocks.get(next) {
            Some(Block::Activation {
                kind: ops::activation::Activation::Relu,
            }) => Some(0.0),
            _ => None,
        },
    })
}

impl<'a, T: Real> Builder<'a, T> {
    fn new(
        tape: &'a mut Tape<T>,
        spec: &'a Spec,
        dimensions: &'a Dimensions,
        kernels: Option<&'a MotifKernels>,
        lowering: Lowering,
    ) -> Self {
        Builder {
            tape,
            spec,
            dimensions,
            kernels,
            lowering,
            params: HashMap::new(),
            collisions: Vec::new(),
            inputs: [None, None],
            features: Features::Other("the architecture has no motif layer"),
            last_layer: None,
            last_input: None,
            gates: Vec::new(),
            activities: None,
            pooling: None,
        }
    }
}

impl<T: Real> Builder<'_, T> {
    pub fn error(&self, block: &Block, message: impl std::fmt::Display) -> Error {
        Error::invalid(format!("{}: {message}", self.place(block)))
    }

    /// Where a block stands, for messages.
    pub(super) fn place(&self, block: &Block) -> String {
        let op = toml::Value::try_from(block)
            .ok()
            .and_then(|v| v.get("op").and_then(|o| o.as_str().map(str::to_string)))
            .unwrap_or_default();
        format!("architecture {}, block {op}", self.spec.name)
    }

    /// A parameter by its state-dict name: declared once, shared by everything that names it.
    pub fn param(&mut self, name: &str, shape: &[usize], init: Init) -> Var {
        self.declare(name, shape, init, Role::Weight)
    }

    pub fn declare(&mut self, name: &str, shape: &[usize], init: Init, role: Role) -> Var {
        let learns = role == Role::Weight;
        match self.params.get(name) {
            Some(var) if self.tape.shape(*var) == shape => *var,
            Some(_) => {
                // A user's names collide. Recording goes on with a parameter of its own, so that
                // shapes stay right, and build() refuses the model.
                self.collisions.push(name.to_string());
                let own = format!("{name} ({})", self.collisions.len());
                self.tape.declare(&own, shape, init, role, learns)
            }
            None => {
                let var = self.tape.declare(name, shape, init, role, learns);
                self.params.insert(name.to_string(), var);
                var
            }
        }
    }

    /// (rows, columns) of a two-dimensional value.
    pub fn channels_and_positions(&self, block: &Block, x: Var) -> Result<(usize, usize)> {
        match *self.tape.shape(x) {
            [c, l] => Ok((c, l)),
            ref other => Err(self.error(
                block,
                format!("needs channels x positions, found shape {other:?}"),
            )),
        }
    }

    /// From here on the features are not one a motif. The first reason is the one to say.
    pub(super) fn no_motifs(&mut self, reason: &'static str) {
        if !matches!(self.features, Features::Other(_)) {
            self.features = Features::Other(reason);
        }
    }

    /// Positions, or windows of them, have become one number a channel.
    pub(super) fn pooled(&mut self) {
        self.features = match &self.features {
            Features::MotifWindows { strands: 1, .. } => Features::Motifs,
            Features::MotifWindows { strands, .. } => Features::MotifWindows {
                strands: *strands,
                windows: 1,
            },
            other => other.clone(),
        };
    }

    /// The two strands of each motif have become one channel.
    pub(super) fn strands_merged(&mut self) {
        match &self.features {
            Features::MotifWindows { strands: 2, .. } => self.features = Features::Motifs,
            _ => self.no_motifs("its merged channels are not a motif's two strands"),
        }
    }

    /// How many numbers the features are, by what they are; None where they are not motifs'.
    pub(super) fn feature_count(&self) -> Option<usize> {
        let strands = self.spec.strands()?;
        let motifs = self.kernels?.channels(strands) / strands.channels();
        Some(match &self.features {
            Features::Motifs => motifs,
            Features::MotifBlocks(names) => names.len() * motifs,
            Features::MotifWindows { strands, windows } => strands * windows * motifs,
            Features::Other(_) => return None,
        })
    }

    /// Runs the first `count` blocks on the row's sequence or on the batch's first.
    pub fn run(&mut self, count: usize, which: Codes) -> Result<State> {
        let spec = self.spec;
        let mut state = State::Sequence(None);
        let mut at = 0;
        while at < count {
            if let Some((next, taken)) = self.fused(&spec.blocks[at..count], &state, which)? {
                state = next;
                at += taken;
                continue;
            }
            let block = &spec.blocks[at];
            state = match (block, &state) {
                (Block::Position { name }, State::Sequence(None)) => {
                    let table = self.position_table(name, self.dimensions.window);
                    State::Sequence(Some(table))
                }
                (Block::IdleLinear { name }, _) => {
                    let motifs = self.motif_features();
                    self.linear_params(name, motifs, self.dimensions.outputs, Start::Relu);
                    self.features = Features::Other("its linreg layer is stored but not used");
                    state
                }
                (Block::IdlePool { name }, _) => {
                    let motifs = self.motif_features();
                    self.param(&format!("{name}.weight"), &[motifs], Init::Constant(2.0));
                    state
                }
                _ => {
                    let x = self.dense(&state, which);
                    self.check_block(block, x)?;
                    let out = self.block(block, x, at, which)?;
                    self.follow_activities(spec.blocks[..at].last(), block, x, out);
                    State::Value(out)
                }
            };
            self.check_memory(block, &[0])?;
            at += 1;
        }
        Ok(state)
    }

    /// Features of a two-strand model of these motifs: half its channels, pads included.
    fn motif_features(&self) -> usize {
        let strands = self.spec.strands().unwrap_or(Strands::Both);
        self.kernels.map_or(1, |k| k.channels(strands) / 2)
    }

    pub fn position_table(&mut self, name: &str, length: usize) -> Var {
        self.param(
            &format!("{name}.weight"),
            &[length.div_ceil(2), 1],
            Init::Normal(1.0),
        )
    }

    /// The state as numbers: a sequence becomes four channels plus its position scalars.
    pub fn dense(&mut self, state: &State, which: Codes) -> Var {
        match state {
            State::Value(x) => *x,
            State::Sequence(table) => {
                let length = self.dimensions.window;
                let slot = usize::from(which == Codes::First);
                let x = match self.inputs[slot] {
                    Some(x) => x,
                    None => {
                        let x = ops::one_hot::one_hot(self.tape, which, length);
                        self.inputs[slot] = Some(x);
                        x
                    }
                };
                match table {
                    Some(table) => ops::position::position(self.tape, x, *table, mirrored(length)),
                    None => x,
                }
            }
        }
    }

    /// Motifs, sigmoid, strand merge and pooling of the whole as one op, where the next blocks
    /// are these.
    fn fused(
        &mut self,
        blocks: &[Block],
        state: &State,
        which: Codes,
    ) -> Result<Option<(State, usize)>> {
        if self.lowering == Lowering::Composed {
            return Ok(None);
        }
        let (motifs, strands, calibrated, name, taken) = match blocks {
            [
                motifs @ Block::Motifs {
                    strands,
                    calibrated,
                },
                Block::Activation {
                    kind: ops::activation::Activation::Sigmoid,
                },
                Block::MergeStrands {},
                Block::AttentionPool {
                    name,
                    extent: Extent::Whole,
                },
                ..,
            ] if *strands == Strands::Both => (motifs, *strands, *calibrated, name, 4),
            [
                motifs @ Block::Motifs {
                    strands,
                    calibrated,
                },
                Block::Activation {
                    kind: ops::activation::Activation::Sigmoid,
                },
                Block::AttentionPool {
                    name,
                    extent: Extent::Whole,
                },
                ..,
            ] if *strands == Strands::One => (motifs, *strands, *calibrated, name, 3),
            _ => return Ok(None),
        };
        let (weight, scale, bias) = self.motif_params(motifs, strands, calibrated)?;
        let count = self.tape.len(scale) / strands.channels();
        let pool = self.param(&format!("{name}.weight"), &[count], Init::Constant(2.0));
        self.features = Features::Motifs;
        let own_bases = which == Codes::Row && self.inputs[0].is_some();
        let state = match state {
            State::Sequence(_) if own_bases => &State::Value(self.dense(state, which)),
            state => state,
        };
        let out = match state {
            State::Sequence(table) => {
                let length = self.dimensions.window;
                let position = table.map(|table| (table, mirrored(length)));
                ops::pwm_scan_pool::from_codes(
                    self.tape,
                    which,
                    length,
                    position,
                    weight,
                    scale,
                    bias,
                    pool,
                    strands.channels(),
                )
            }
            State::Value(x) => ops::pwm_scan_pool::from_dense(
                self.tape,
                *x,
                weight,
                scale,
                bias,
                pool,
                strands.channels(),
            ),
        };
        Ok(Some((State::Value(out), taken)))
    }

    /// conv_motif.weight (C, 4, K), conv_scale (C), conv_bias (1, C, 1).
    pub fn motif_params(
        &mut self,
        block: &Block,
        strands: Strands,
        calibrated: bool,
    ) -> Result<(Var, Var, Var)> {
        let Some(kernels) = self.kernels else {
            return Err(self.error(block, "needs motifs"));
        };
        let (channels, width) = (kernels.channels(strands), kernels.width());
        if self.dimensions.window < width {
            return Err(Error::invalid(format!(
                "the sequences are {} long, shorter than the longest motif ({width})",
                counted(self.dimensions.window, "base")
            )));
        }
        self.check_motifs(block, strands)?;
        let values = Arc::new(kernels.buffer(strands));
        let weight = self.param(
            "conv_motif.weight",
            &[channels, 4, width],
            Init::Values(values),
        );
        let wanted = calibrated || kernels.calibrate;
        let fit = if wanted {
            kernels.calibration(strands)
        } else {
            None
        };
        let (scale, bias) = match fit {
            Some(fit) => (
                Init::Values(fit.scale.clone()),
                Init::Values(fit.bias.clone()),
            ),
            None => (Init::Constant(1.0), Init::Constant(0.0)),
        };
        let scale = self.param("conv_scale", &[channels], scale);
        let bias = self.param("conv_bias", &[1, channels, 1], bias);
        Ok((weight, scale, bias))
    }

    /// Weight (outputs, inputs) and bias (outputs) of a fully connected layer.
    pub fn linear_params(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        start: Start,
    ) -> (Var, Var) {
        let weight = self.param(
            &format!("{name}.weight"),
            &[outputs, inputs],
            start.init(inputs),
        );
        let bias = self.param(
            &format!("{name}.bias"),
            &[outputs],
            Start::Plain.init(inputs),
        );
        (weight, bias)
    }
}

impl Start {
    pub fn init(self, fan_in: usize) -> Init {
        let fan_in = fan_in.max(1) as f64;
        match self {
            Start::Plain => Init::Uniform(1.0 / fan_in.sqrt()),
            Start::Relu => Init::Uniform((6.0 / fan_in).sqrt()),
            Start::Linear => Init::Uniform((3.0 / fan_in).sqrt()),
            Start::Normal => Init::Normal((2.0 / fan_in).sqrt()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn parameters_of_one_name_and_two_shapes_are_an_error() {
        let text = "name = \"x\"\n[[block]]\nop = \"input_attention\"\nname = \"a\"\nheads = 2\n\
                    position = \"linreg\"\n[[block]]\nop = \"linear\"\nname = \"linreg\"\n";
        let spec = Spec::parse(text, Path::new("own.toml")).unwrap();
        let dimensions = Dimensions {
            window: 10,
            outputs: 3,
        };
        let mut tape = Tape::<f64>::new(false);
        let built = build(&mut tape, &spec, &dimensions, None, Lowering::Composed);
        let error = built.err().unwrap().to_string();
        assert_eq!(
            error,
            "x: two blocks call different parameters linreg.weight"
        );
    }
}
