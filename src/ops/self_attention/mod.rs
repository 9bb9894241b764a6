//! Self-attention of sequence positions (tiSFM's SelfAttentionSparse), x (C, L) -> (C, L). Of each
//! head h: `k = Wk x + bk`, `q = Wq x + bq` (E, L), `v = Wv x + bv` (T, L); `w[i, j] = softmax over
//! j of k_i . q_j / sqrt(E)`; `o[t, j] = sum_i v[t, i] w[i, j]`; `y[c, l] = b[c] + sum_{h, t} U[h, c,
//! t] o[h, t, l]`. The softmax runs over the query index, as the original's does.
//!
//! Gradient: `do = U^T dy`, `dU = dy o^T`, `dv = do w^T`, `ds = w o (v^T do - rowsum) / sqrt(E)`,
//! `dk = q ds^T`, `dq = k ds`, and of the projections; `dbq = 0`, since a shift of all q changes no
//! softmax.

mod cases;
mod cpu;
mod cuda;

pub use cases::cases;

use crate::engine::cuda::DeviceOp;
use crate::engine::{Backward, Forward, Op, Real, Tape, Var};

/// The state-dict entries of a self-attention.
#[derive(Clone, Copy, Debug)]
pub struct SelfAttentionParams {
    /// (H, E, C)
    pub key: Var,
    /// (1, H, E, 1)
    pub key_bias: Var,
    /// (H, E, C)
    pub query: Var,
    /// (1, H, E, 1)
    pub query_bias: Var,
    /// (H, T, C)
    pub value: Var,
    /// (1, H, T, 1)
    pub value_bias: Var,
    /// (H, C, T)
    pub unify: Var,
    /// (1, C, 1)
    pub unify_bias: Var,
}

struct SelfAttention {
    channels: usize,
    length: usize,
    heads: usize,
    /// E
    embedding: usize,
    /// T
    inner: usize,
}

impl SelfAttention {
    /// Distance of lines of k, q, v and o: whole vectors.
    fn stride(&self) -> usize {
        self.length.next_multiple_of(cpu::fast::LINE)
    }

    /// Elements of k, q, v and o, one after the other.
    fn lines(&self) -> usize {
        2 * self.heads * (self.embedding + self.inner) * self.stride()
    }

    /// The form in f32 that never holds an L x L matrix.
    fn fast<T: Real>(&self) -> bool {
        T::NAME == "f32" && self.embedding == 2 && self.inner == 2
    }

    /// What a row saves besides the lines: the softmax's maxima and scales, or all of it.
    fn weights<T: Real>(&self) -> usize {
        let of_position = if self.fast::<T>() { 2 } else { self.length };
        self.heads * self.length * of_position
    }
}

/// Records the self-attention of `x`.
///
/// # Panics
/// When the shapes do not fit, or a parameter differs by row.
pub fn self_attention<T: Real>(tape: &mut Tape<T>, x: Var, params: SelfAttentionParams) -> Var {
    let channels = tape.shape(x)[0];
    let (key, value) = (tape.shape(params.key), tape.shape(params.value));
    let op = SelfAttention {
        channels,
        length: tape.len(x) / channels,
        heads: key[0],
        embedding: key[1],
        inner: value[1],
    };
    let (keys, values) = (op.heads * op.embedding, op.heads * op.inner);
    let inputs = [
        (x, channels * op.length),
        (params.key, keys * channels),
        (params.key_bias, keys),
        (params.query, keys * channels),
        (params.query_bias, keys),
        (params.value, values * channels),
        (params.value_bias, values),
        (params.unify, values * channels),
        (params.unify_bias, channels),
    ];
    for (i, &(var, len)) in inputs.iter().enumerate() {
        assert_eq!(tape.len(var), len, "self_attention: input {i}");
        assert!(
            i == 0 || !tape.per_row(var),
            "self_attention: input {i} differs by row"
        );
    }
    let shape = [channels, op.length];
    tape.push(op, &inputs.map(|(var, _)| var), &shape, false)
}

impl<T: Real> Op<T> for SelfAttention {
    fn name(&self) -> &'static str {
        "self_attention"
    }

    fn saved(&self, rows: usize) -> usize {
        rows * (self.lines() + self.weights::<T>())
    }

    fn scratch(&self, _rows: usize) -> usize {
        let work = if self.fast::<T>() {
            cpu::fast::WORK_LINES * self.stride()
        } else {
            self.length * self.length
        };
        self.lines() + work
    }

    fn rereads_output(&self) -> bool {
        false
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
