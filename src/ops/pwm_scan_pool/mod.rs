//! Motif layer, calibration, sigmoid, strand merge and attention pooling in one, without ever
//! writing the motif layer's output.
//!
//! `s[c, l] = sum_{b, k} W[c, b, k] x[b, l + k]` (L' = L - K + 1 positions),
//! `g = sigmoid(scale[c] s + bias[c])`; the channels of feature m (m itself with one strand, 2m and
//! 2m + 1 with two) lie one after the other along positions i, and
//! `out[m] = sum_i g_i softmax_i(w[m] g_i)`; W (C, 4, K), scale (C), bias (1, C, 1), w (M) -> (M).
//! x is (4, L), or the base codes as 0 and 1 plus `table[index[l]]` on all four bases.
//!
//! Gradient, with `a` the softmax, o the output and d its gradient:
//! `u_i = d a_i (1 + w (g_i - o)) g_i (1 - g_i)`, `dbias = sum u`, `dscale = sum u s`,
//! `dw = d sum a (g - o)^2`, and the motif layer gets `scale u`.

mod cases;
mod cpu;
mod cuda;
#[cfg(test)]
mod tests;

pub use cases::cases;
/// Scores of sixteen motifs at a time from base codes, for those who go on from them otherwise.
pub use cpu::{BLOCK, Block, KMERS, Kmers, MER, TILE, Table, Vector, add_tables, every_kmer, kmer};

use crate::engine::cuda::DeviceOp;
use crate::engine::simd::{Level, best_level};
use crate::engine::{Backward, Codes, Forward, Op, Prepared, Real, Tape, Var};
use std::sync::Arc;

/// Places among the op's inputs; the last is the position table or x.
const WEIGHT: usize = 0;
const SCALE: usize = 1;
const BIAS: usize = 2;
const POOL: usize = 3;
const SOURCE: usize = 4;

/// Where the scanned numbers come from.
enum Input {
    Codes {
        which: Codes,
        /// The row of the position table for each position.
        index: Option<Arc<[u32]>>,
    },
    Dense,
}

/// Sizes.
#[derive(Clone, Copy)]
struct Dims {
    channels: usize,
    width: usize,
    length: usize,
    strands: usize,
}

impl Dims {
    /// Places of a motif in the sequence.
    fn positions(&self) -> usize {
        self.length - self.width + 1
    }

    fn features(&self) -> usize {
        self.channels / self.strands
    }
}

/// Which kernels run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Plain loops with all scores written down; f64 always takes it.
    Plain,
    /// f32 at this instruction set, or the best below it that the processor has.
    Fast(Level),
}

struct PwmScanPool {
    dims: Dims,
    input: Input,
    form: Form,
    packs: cpu::Cache,
}

impl PwmScanPool {
    fn new(dims: Dims, input: Input, form: Form) -> Self {
        PwmScanPool {
            dims,
            input,
            form,
            packs: cpu::Cache::default(),
        }
    }
}

/// The four parameters of the motif part, checked.
fn dims<T: Real>(
    tape: &Tape<T>,
    length: usize,
    [weight, scale, bias, pool]: [Var; 4],
    strands: usize,
) -> Dims {
    let shape = tape.shape(weight);
    assert!(
        shape.len() == 3 && shape[1] == 4,
        "pwm_scan_pool: weight {shape:?} is not (C, 4, K)"
    );
    let dims = Dims {
        channels: shape[0],
        width: shape[2],
        length,
        strands,
    };
    assert!(
        (1..=length).contains(&dims.width),
        "pwm_scan_pool: motifs of {} in a sequence of {length}",
        dims.width
    );
    assert!(
        (1..=2).contains(&strands) && dims.channels.is_multiple_of(strands),
        "pwm_scan_pool: {} channels of {strands} strands",
        dims.channels
    );
    assert_eq!(tape.len(scale), dims.channels, "pwm_scan_pool: scale");
    assert_eq!(tape.len(bias), dims.channels, "pwm_scan_pool: bias");
    assert_eq!(tape.len(pool), dims.features(), "pwm_scan_pool: pool");
    dims
}

/// Records the scan of base codes (code 4: four zeros), plus, with a position table (rows, 1), its
/// row `index[l]` at position l on all four bases, where the code is 4 too.
///
/// # Panics
/// When the shapes do not fit.
#[allow(clippy::too_many_arguments)] // the layer's parameters, each once
pub fn from_codes<T: Real>(
    tape: &mut Tape<T>,
    which: Codes,
    length: usize,
    position: Option<(Var, Arc<[u32]>)>,
    weight: Var,
    scale: Var,
    bias: Var,
    pool: Var,
    strands: usize,
) -> Var {
    let parameters = [weight, scale, bias, pool];
    let form = Form::Fast(best_level());
    from_codes_as(tape, form, which, length, position, parameters, strands)
}

/// [`from_codes`] with kernels of one's choice: weight, scale, bias and pool in one.
///
/// # Panics
/// When the shapes do not fit.
pub fn from_codes_as<T: Real>(
    tape: &mut Tape<T>,
    form: Form,
    which: Codes,
    length: usize,
    position: Option<(Var, Arc<[u32]>)>,
    parameters: [Var; 4],
    strands: usize,
) -> Var {
    let dims = dims(tape, length, parameters, strands);
    let mut inputs = parameters.to_vec();
    let index = position.map(|(table, index)| {
        let rows = tape.len(table);
        assert!(
            index.len() == length && index.iter().all(|&i| (i as usize) < rows),
            "pwm_scan_pool: {} places in a table of {rows} for {length} positions",
            index.len()
        );
        assert!(!tape.per_row(table), "pwm_scan_pool: a table for each row");
        inputs.push(table);
        index
    });
    let input = Input::Codes { which, index };
    let op = PwmScanPool::new(dims, input, form);
    tape.push(op, &inputs, &[dims.features()], which == Codes::Row)
}

/// Records the scan of x (4, L).
///
/// # Panics
/// When the shapes do not fit.
pub fn from_dense<T: Real>(
    tape: &mut Tape<T>,
    x: Var,
    weight: Var,
    scale: Var,
    bias: Var,
    pool: Var,
    strands: usize,
) -> Var {
    let parameters = [weight, scale, bias, pool];
    from_dense_as(tape, Form::Fast(best_level()), x, parameters, strands)
}

/// [`from_dense`] with kernels of one's choice: weight, scale, bias and pool in one.
///
/// # Panics
/// When the shapes do not fit.
pub fn from_dense_as<T: Real>(
    tape: &mut Tape<T>,
    form: Form,
    x: Var,
    parameters: [Var; 4],
    strands: usize,
) -> Var {
    let shape = tape.shape(x);
    assert!(
        shape.len() == 2 && shape[0] == 4,
        "pwm_scan_pool: x {shape:?} is not (4, L)"
    );
    let dims = dims(tape, shape[1], parameters, strands);
    let op = PwmScanPool::new(dims, Input::Dense, form);
    let [weight, scale, bias, pool] = parameters;
    let inputs = [weight, scale, bias, pool, x];
    tape.push(op, &inputs, &[dims.features()], false)
}

impl<T: Real> Op<T> for PwmScanPool {
    fn name(&self) -> &'static str {
        "pwm_scan_pool"
    }

    fn rereads_output(&self) -> bool {
        false
    }

    fn saved(&self, rows: usize) -> usize {
        cpu::saved::<T>(self, rows)
    }

    fn scratch(&self, rows: usize) -> usize {
        cpu::scratch::<T>(self, rows)
    }

    fn prepares_from(&self, index: usize) -> bool {
        index == WEIGHT || index == SOURCE
    }

    fn prepare(&self, inputs: &[Option<&[T]>]) -> Option<Prepared> {
        cpu::prepare(self, inputs)
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
