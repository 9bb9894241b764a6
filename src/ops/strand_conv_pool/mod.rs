//! The convolution over both strands, dropout, the dense layer of each position and maximum pooling as one op, equal to
//! [`strand_conv`](super::strand_conv), [`dropout`](super::dropout) at `site`, [`dense`](super::linear::dense), ReLU and
//! [`strand_pool`](super::strand_pool): W (w, 1, 4 + n, F), b (F), V (F, F), v (F), tracks (n, L) ->
//! `y[s, j, o] = max(0, max_{i < q} (h[s, j q + i] V)[o] + v[o])`, (2, floor(P / q), F), with h (2, P, F) the convolution
//! behind its ReLU and dropout.
//!
//! Gradient: only the position of each maximum has one, so that of V and h is a sum over q times fewer positions than the
//! layer's. None for the tracks: they are data.
//!
//! Why faster: a one-hot tap is no product but the addition of a line of the kernel, and two taps that of a line of a
//! table by pairs of bases; both strands' windows are the same, so they share these additions' positions and, as sum and
//! difference of the strands, half of the products with track values; h is written once, the dense layer's output never
//! leaves a tile of a few windows.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use super::strand_conv::Tracks;
use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Prepared, Real, Tape, Var};
use std::sync::Arc;

struct StrandConvPool {
    length: usize,
    width: usize,
    kernels: usize,
    order: Vec<usize>,
    /// Products of track values with weights, both strands together.
    terms: Vec<cpu::pack::Term>,
    pool: usize,
    /// Probability and site of the dropout behind the convolution; 0 outside training.
    dropout: (f64, u64),
    /// A backward run will come: h is kept.
    gradient: bool,
}

/// What follows the convolution.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// (F, F)
    pub weight: Var,
    pub bias: Var,
    /// Positions under one maximum.
    pub pool: usize,
    /// Dropout before the layer: probability and site.
    pub dropout: (f64, u64),
}

/// Records the op on the row's codes, `length` bases. `gradient`: the program will run backward (else h is not kept).
///
/// # Panics
/// When the shapes do not fit.
pub fn strand_conv_pool<T: Real>(
    tape: &mut Tape<T>,
    weight: Var,
    bias: Var,
    tracks: Option<Tracks<'_>>,
    length: usize,
    layer: Layer,
    gradient: bool,
) -> Var {
    let [width, 1, channels, kernels] = *tape.shape(weight) else {
        panic!("strand_conv_pool: weight {:?}", tape.shape(weight));
    };
    let order = tracks.as_ref().map_or(&[][..], |t| t.order).to_vec();
    assert!(channels == 4 + order.len() && (1..=length).contains(&width));
    assert!(order.iter().all(|&i| i < order.len()), "tracks {order:?}");
    assert!(tape.len(bias) == kernels && tape.len(layer.bias) == kernels);
    assert_eq!(tape.shape(layer.weight), [kernels, kernels]);
    let (p, site) = layer.dropout;
    let op = StrandConvPool {
        length,
        width,
        kernels,
        terms: cpu::pack::terms(width, &order),
        order,
        pool: layer.pool,
        dropout: (if tape.training { p } else { 0.0 }, site),
        gradient,
    };
    assert!((1..=op.positions()).contains(&op.pool));
    let shape = [2, op.windows(), kernels];
    let mut inputs = vec![weight, bias, layer.weight, layer.bias];
    if let Some(tracks) = tracks {
        assert_eq!(tape.len(tracks.values), op.order.len() * length);
        inputs.push(tracks.values);
    }
    tape.push(op, &inputs, &shape, true)
}

impl StrandConvPool {
    fn positions(&self) -> usize {
        self.length - self.width + 1
    }

    fn windows(&self) -> usize {
        self.positions() / self.pool
    }

    /// Positions under any window.
    fn used(&self) -> usize {
        self.windows() * self.pool
    }

    /// Elements of h of one row.
    fn activations(&self) -> usize {
        2 * self.positions() * self.kernels
    }

    /// Elements of one row's outputs.
    fn outputs(&self) -> usize {
        2 * self.windows() * self.kernels
    }

    /// Windows whose dense layer is made at once.
    fn tile(&self) -> usize {
        (128 / self.pool).clamp(1, self.windows())
    }
}

impl<T: Real> Op<T> for StrandConvPool {
    fn name(&self) -> &'static str {
        "strand_conv_pool"
    }

    /// h and, by output, the place of the maximum in its window.
    fn saved(&self, rows: usize) -> usize {
        if self.gradient {
            rows * (self.activations() + self.outputs())
        } else {
            0
        }
    }

    fn scratch(&self, _rows: usize) -> usize {
        cpu::scratch(self)
    }

    fn rereads_input(&self, index: usize) -> bool {
        index == 4
    }

    fn prepares_from(&self, index: usize) -> bool {
        index < 3
    }

    fn prepare(&self, inputs: &[Option<&[T]>]) -> Option<Prepared> {
        let (weight, bias, layer) = (inputs[0]?, inputs[1]?, inputs[2]?);
        Some(Arc::new(cpu::pack::Packed::new(self, weight, bias, layer)))
    }

    fn forward(&self, io: Forward<'_, T>) {
        cpu::forward(self, io);
    }

    fn backward(&self, io: Backward<'_, '_, T>) {
        cpu::backward(self, io);
    }

    fn device(&self) -> Option<&dyn DeviceOp> {
        Some(self)
    }
}
