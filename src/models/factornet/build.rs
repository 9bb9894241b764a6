//! Records the network. Both strands go through every layer side by side (the first dimension: forward, other), so they
//! share the weights and draw dropout of their own.

use super::spec::{Recurrent, Spec};
use crate::attribution::network::Dense;
use crate::engine::{Init, Real, Tape, Var};
use crate::ops::activation::{Activation, activation};
use crate::ops::concat::concat;
use crate::ops::dropout::dropout;
use crate::ops::linear::dense;
use crate::ops::lstm::{Direction, Masks, lstm};
use crate::ops::product::product;
use crate::ops::strand_conv::{Tracks, strand_conv};
use crate::ops::strand_conv_pool::{Layer, strand_conv_pool};
use crate::ops::strand_join::strand_join;
use crate::ops::strand_mean::strand_mean;
use crate::ops::strand_pool::strand_pool;
use crate::train::model::Lowering;

/// Where dropout's masks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// Drawn in training.
    Drawn,
    /// Dense inputs of the batch, recorded in the order in which they act, multipliers of 0 or 1 / (1 - p): convolution
    /// (2, P, k), LSTM inputs (2, 2, 4, k) and h (2, 2, 4, r), features, meta (2, d + M), dense (2, d).
    Given,
}

/// What each position became.
#[derive(Clone, Copy, Debug)]
pub struct Activations {
    /// (2, P, k): the convolution after its ReLU, forward strand first.
    pub convolution: Var,
    /// (2, P, k): the layer of each position after its ReLU.
    pub positionwise: Var,
}

/// The recorded network's values.
#[derive(Clone, Copy, Debug)]
pub struct Built {
    /// Of [`Lowering::Composed`] alone.
    pub activations: Option<Activations>,
    /// (2, S, k), or (2, 1, k) for the global maximum.
    pub pool: Var,
    /// (2, S, 2r)
    pub lstm: Option<Var>,
    /// (2, d): the first dense layer.
    pub dense: Var,
    /// (2, d): the dense layer after the meta numbers.
    pub meta: Option<Var>,
    /// (2, T)
    pub logits: Var,
    /// (2, T): each strand's probabilities.
    pub strands: Var,
    /// (T): their mean.
    pub output: Var,
}

/// Dropout's sites, for their random numbers. The LSTM has two.
mod site {
    pub const CONVOLUTION: u64 = 0;
    pub const LSTM: u64 = 1;
    pub const FEATURES: u64 = 3;
    pub const META: u64 = 4;
    pub const DENSE: u64 = 5;
}

/// Records the network of a checked spec: reads the row's codes and, as dense inputs in this order, tracks (n, L) if
/// there are any, then the meta numbers (M) if there are any, then what `masking` asks for.
///
/// [`Lowering::Fused`] records convolution to pooling as one op, which runs backward in training alone.
///
/// # Panics
/// When given masks are asked for of the fused form.
pub fn build<T: Real>(
    tape: &mut Tape<T>,
    spec: &Spec,
    lowering: Lowering,
    masking: Masking,
) -> Built {
    record(tape, spec, lowering, masking, None)
}

/// Records the network, in its composed form, where the bases are numbers (4, L), the first dense input: to the convolution they are
/// four tracks, whose other strand has the complements in reverse, beside codes of no base.
pub fn build_from_bases<T: Real>(tape: &mut Tape<T>, spec: &Spec) -> Dense {
    let bases = tape.dense_input(&[BASES, spec.length]);
    let tracks = (!spec.tracks.is_empty()).then(|| inputs_of_tracks(tape, spec));
    let from = Bases {
        values: bases,
        tracks,
    };
    let built = record(tape, spec, Lowering::Composed, Masking::Drawn, Some(from));
    Dense {
        raws: built.logits,
        bases,
        tracks,
    }
}

/// Bases that are numbers (4, L), and the tracks.
#[derive(Clone, Copy)]
struct Bases {
    values: Var,
    tracks: Option<Var>,
}

const BASES: usize = 4;

/// The convolution's kernels.
pub const KERNELS: &str = "convolution1d_1_W";

fn inputs_of_tracks<T: Real>(tape: &mut Tape<T>, spec: &Spec) -> Var {
    tape.dense_input(&[spec.tracks.len(), spec.length])
}

fn record<T: Real>(
    tape: &mut Tape<T>,
    spec: &Spec,
    lowering: Lowering,
    masking: Masking,
    bases: Option<Bases>,
) -> Built {
    let tracks = match bases {
        Some(bases) => bases.tracks,
        None => (!spec.tracks.is_empty()).then(|| inputs_of_tracks(tape, spec)),
    };
    let meta = (spec.meta > 0).then(|| tape.dense_input(&[spec.meta]));
    let rates = &spec.dropout;
    let (w, k) = (spec.motif_width, spec.kernels);

    // Keras 1.2.2 takes the fans of (w, 1, C, k) as C k each times w and 1.
    let fans = spec.channels() * k * (1 + w);
    let channels = spec.channels() + if bases.is_some() { BASES } else { 0 };
    let weight = tape.param(
        KERNELS,
        &[w, 1, channels, k],
        Init::Uniform((6.0 / fans as f64).sqrt()),
    );
    let bias = tape.param("convolution1d_1_b", &[k], Init::Constant(0.0));
    let complements = [3, 2, 1, 0].into_iter();
    let order: Vec<usize> = match bases {
        Some(_) => complements
            .chain(spec.rc_order.iter().map(|track| BASES + track))
            .collect(),
        None => spec.rc_order.clone(),
    };
    let tracks = match bases {
        Some(bases) => Some(above_tracks(tape, spec, bases)),
        None => tracks,
    };
    let tracks = tracks.map(|values| Tracks {
        values,
        order: &order,
    });
    let (layer, layer_bias) = dense_parameters(tape, "dense_1", k, k);
    let (activations, pool) = match lowering {
        Lowering::Composed => {
            let convolution = strand_conv(tape, weight, bias, tracks, spec.length);
            let x = drop(
                tape,
                convolution,
                rates.convolution,
                site::CONVOLUTION,
                masking,
            );
            let x = dense(tape, x, layer, layer_bias);
            let x = tape.view(x, &[2, spec.positions(), k]);
            let positionwise = activation(tape, x, Activation::Relu);
            let pool = strand_pool(tape, positionwise, spec.pool());
            let activations = Activations {
                convolution,
                positionwise,
            };
            (Some(activations), pool)
        }
        Lowering::Fused => {
            assert_eq!(masking, Masking::Drawn, "given masks need the layers apart");
            let layer = Layer {
                weight: layer,
                bias: layer_bias,
                pool: spec.pool(),
                dropout: (rates.convolution, site::CONVOLUTION),
            };
            let learns = tape.training;
            let length = spec.length;
            let pool = strand_conv_pool(tape, weight, bias, tracks, length, layer, learns);
            (None, pool)
        }
    };

    let lstm = match spec.recurrent {
        Recurrent::Units(units) => Some(recurrent(tape, spec, pool, units, masking)),
        Recurrent::Flatten | Recurrent::GlobalMax => None,
    };
    let x = drop(
        tape,
        lstm.unwrap_or(pool),
        rates.features,
        site::FEATURES,
        masking,
    );

    let (weight, bias) = dense_parameters(tape, "dense_2", spec.features(), spec.dense);
    let x = dense(tape, x, weight, bias);
    let first = activation(tape, x, Activation::Relu);
    let (second, last) = match meta {
        None => (None, "dense_3"),
        Some(meta) => {
            let x = strand_join(tape, first, meta);
            let x = drop(tape, x, rates.meta, site::META, masking);
            let (weight, bias) =
                dense_parameters(tape, "dense_3", spec.dense + spec.meta, spec.dense);
            let x = dense(tape, x, weight, bias);
            (Some(activation(tape, x, Activation::Relu)), "dense_4")
        }
    };
    let x = drop(
        tape,
        second.unwrap_or(first),
        rates.dense,
        site::DENSE,
        masking,
    );
    let (weight, bias) = dense_parameters(tape, last, spec.dense, spec.factors);
    let logits = dense(tape, x, weight, bias);
    let strands = activation(tape, logits, Activation::Sigmoid);
    Built {
        activations,
        pool,
        lstm,
        dense: first,
        meta: second,
        logits,
        strands,
        output: strand_mean(tape, strands),
    }
}

/// The bases (4, L) above the tracks.
fn above_tracks<T: Real>(tape: &mut Tape<T>, spec: &Spec, bases: Bases) -> Var {
    let Some(tracks) = bases.tracks else {
        return bases.values;
    };
    let len = spec.length;
    let above = tape.view(bases.values, &[1, BASES * len]);
    let below = tape.view(tracks, &[1, spec.tracks.len() * len]);
    let all = concat(tape, &[above, below], 1);
    tape.view(all, &[spec.channels(), len])
}

/// The kernels (w, 1, 4 + n, k) as [`build_from_bases`] has them, (w, 1, 4 + (4 + n), k): the codes' lines, which come first, are 0.
pub fn kernels_from_bases<T: Real>(spec: &Spec, kernels: &[T], to: &mut [T]) {
    let own = spec.channels() * spec.kernels;
    let with_codes = own + BASES * spec.kernels;
    for (to, own) in to.chunks_mut(with_codes).zip(kernels.chunks(own)) {
        to[BASES * spec.kernels..].copy_from_slice(own);
    }
}

/// Glorot and Bengio's uniform bound.
fn glorot(inputs: usize, outputs: usize) -> Init {
    Init::Uniform((6.0 / (inputs + outputs) as f64).sqrt())
}

fn dense_parameters<T: Real>(
    tape: &mut Tape<T>,
    name: &str,
    inputs: usize,
    outputs: usize,
) -> (Var, Var) {
    let shape = [inputs, outputs];
    let weight = tape.param(&format!("{name}_W"), &shape, glorot(inputs, outputs));
    let bias = tape.param(&format!("{name}_b"), &[outputs], Init::Constant(0.0));
    (weight, bias)
}

fn drop<T: Real>(tape: &mut Tape<T>, x: Var, p: f64, site: u64, masking: Masking) -> Var {
    match masking {
        Masking::Drawn => dropout(tape, x, p, site),
        Masking::Given => {
            let shape = tape.shape(x).to_vec();
            let mask = tape.dense_input(&shape);
            product(tape, x, mask)
        }
    }
}

fn recurrent<T: Real>(
    tape: &mut Tape<T>,
    spec: &Spec,
    x: Var,
    units: usize,
    masking: Masking,
) -> Var {
    let [forward, backward] = ["forward_lstm_1", "backward_lstm_1"]
        .map(|name| direction(tape, name, spec.kernels, units));
    let masks = match masking {
        Masking::Drawn => Masks::Drawn {
            input: spec.dropout.lstm_input,
            state: spec.dropout.lstm_state,
            site: site::LSTM,
        },
        Masking::Given => Masks::Given {
            input: tape.dense_input(&[2, 2, 4, spec.kernels]),
            state: tape.dense_input(&[2, 2, 4, units]),
        },
    };
    lstm(tape, x, &forward, &backward, masks)
}

/// Declares one direction's parameters: by gate, in Keras's order of the files (i, c, f, o), W, U and b.
fn direction<T: Real>(tape: &mut Tape<T>, name: &str, inputs: usize, units: usize) -> Direction {
    let [i, c, f, o] = ["i", "c", "f", "o"].map(|gate| {
        // Keras 1.2.2 means U to start orthogonal and starts it as W.
        let w = tape.param(
            &format!("{name}_W_{gate}"),
            &[inputs, units],
            glorot(inputs, units),
        );
        let u = tape.param(
            &format!("{name}_U_{gate}"),
            &[units, units],
            glorot(units, units),
        );
        let forget = if gate == "f" { 1.0 } else { 0.0 };
        let b = tape.param(
            &format!("{name}_b_{gate}"),
            &[units],
            Init::Constant(forget),
        );
        [w, u, b]
    });
    let by = |part: usize| [i[part], f[part], c[part], o[part]];
    Direction {
        w: by(0),
        u: by(1),
        b: by(2),
    }
}
