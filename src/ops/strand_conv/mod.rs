//! Convolution over both strands of the row's sequence and its tracks, ReLU included:
//! `y[s, t, f] = max(0, b[f] + sum_{j, c} W[w-1-j, 0, c, f] x_s[t+j, c])`, W (w, 1, 4 + n, F) as Keras
//! stores it, which is flipped along its width and not along its channels; b (F), tracks (n, L) ->
//! (2, L - w + 1, F).
//!
//! x_0 (L, 4 + n) is the one-hot sequence (an N is a row of zeros) with the tracks beside it. x_1 is the other
//! strand: positions reversed, bases complemented, its track i the reversed track `order[i]`.
//!
//! Gradient: with `dz = dy [y > 0]`, dW the correlation of x and dz, db the sum of dz, and that of the tracks the
//! correlation of dz and W, both strands added.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;
pub(super) use cases::formula;
pub(super) use cuda::{Drop, Sizes, WeightGradient, order_table};

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Prepared, Real, Tape, Var};

/// Codes of the bases, before the tracks.
const BASES: usize = 4;

struct StrandConv {
    length: usize,
    width: usize,
    kernels: usize,
    /// By track of the other strand: the track of this one that it is read from.
    order: Vec<usize>,
}

impl StrandConv {
    fn channels(&self) -> usize {
        BASES + self.order.len()
    }

    fn positions(&self) -> usize {
        self.length - self.width + 1
    }

    /// Rows of the kernel as a matrix: what one window holds.
    fn window(&self) -> usize {
        self.width * self.channels()
    }

    /// Elements of both strands' x.
    fn strands(&self) -> usize {
        2 * self.length * self.channels()
    }
}

/// Tracks (n, L) of the forward strand, and by track of the other strand the one that it is read from.
pub struct Tracks<'a> {
    pub values: Var,
    pub order: &'a [usize],
}

/// Records the convolution of the row's codes, `length` bases, and its tracks.
///
/// # Panics
/// When the shapes do not fit, or `order` names a track that is not there.
pub fn strand_conv<T: Real>(
    tape: &mut Tape<T>,
    weight: Var,
    bias: Var,
    tracks: Option<Tracks<'_>>,
    length: usize,
) -> Var {
    let [width, 1, channels, kernels] = *tape.shape(weight) else {
        panic!("strand_conv: weight {:?}", tape.shape(weight));
    };
    let order = tracks.as_ref().map_or(&[][..], |t| t.order).to_vec();
    assert!(
        channels == BASES + order.len() && order.iter().all(|&i| i < order.len()),
        "strand_conv: {channels} channels, tracks {order:?}"
    );
    assert!(tape.len(bias) == kernels && (1..=length).contains(&width));
    let op = StrandConv {
        length,
        width,
        kernels,
        order,
    };
    let shape = [2, op.positions(), kernels];
    match tracks {
        Some(tracks) => {
            assert_eq!(tape.len(tracks.values), op.order.len() * length);
            tape.push(op, &[weight, bias, tracks.values], &shape, true)
        }
        None => tape.push(op, &[weight, bias], &shape, true),
    }
}

impl<T: Real> Op<T> for StrandConv {
    fn name(&self) -> &'static str {
        "strand_conv"
    }

    /// One row's two strands, the gradient of one strand's outputs and of the kernel.
    fn scratch(&self, _rows: usize) -> usize {
        self.strands()
            + self.positions() * self.kernels
            + self.window() * (self.kernels + self.positions())
    }

    fn rereads_input(&self, index: usize) -> bool {
        index == 2
    }

    fn prepares_from(&self, index: usize) -> bool {
        index == 0
    }

    fn prepare(&self, inputs: &[Option<&[T]>]) -> Option<Prepared> {
        let weight = inputs[0]?;
        Some(std::sync::Arc::new(cpu::flipped(self, weight)))
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
