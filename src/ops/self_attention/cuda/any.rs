//! The form for any sizes: matrix products, with the weights of a row written down.

use super::super::SelfAttention;
use super::{KEY, QUERY, UNIFY, UNIFY_BIAS, VALUE, X};
use crate::Result;
use crate::engine::cuda::kernels::{
    SelfAttentionBackwardSoftmax, SelfAttentionBackwardWeight, SelfAttentionLineSums,
    SelfAttentionPackUnify, SoftmaxLinesForward,
};
use crate::engine::cuda::{
    DeviceBackward, DeviceContext, DeviceForward, Gradient, Grid, In, Needs, Operand, Out,
};
use crate::ops::product_matrix::cuda::{Form, Products, Steps};
use crate::ops::shared::lines::{Lines, sum_rows};

/// Blocks that a weight's gradient is cut into, if the batch has rows enough.
const WEIGHT_BLOCKS: usize = 1024;

/// How a batch's parts of a weight's gradient are cut.
struct Cut {
    parts: usize,
    rows_each: usize,
}

impl Cut {
    fn new(m: usize, n: usize, rows: usize) -> Self {
        let rows_each = rows.div_ceil(Cut::most(m, n, rows));
        Cut {
            parts: rows.div_ceil(rows_each),
            rows_each,
        }
    }

    /// No batch of at most this many rows is cut into more parts.
    fn most(m: usize, n: usize, rows: usize) -> usize {
        let tiles = m.div_ceil(64) * n.div_ceil(64);
        WEIGHT_BLOCKS.div_ceil(tiles).min(rows)
    }
}

/// What the form for any sizes keeps for the backward run.
struct Kept {
    /// k, q and v of all heads: (rows, 2 H E + H T, L)
    lines: Out<f32>,
    /// (rows, H T, L)
    o: Out<f32>,
    /// (rows, H, L, L)
    weights: Out<f32>,
}

/// Its scratch in both directions.
struct Work {
    /// Key, query and value weights one after the other, as one matrix (2 H E + H T, C).
    stack: Out<f32>,
    /// The unifying weights as (C, H T).
    packed: Out<f32>,
    rest: Out<f32>,
}

impl SelfAttention {
    fn kept(&self, saved: Out<f32>, rows: usize) -> Kept {
        let o = saved.at(rows * self.projections() * self.length);
        Kept {
            lines: saved,
            o,
            weights: o.at(rows * self.values() * self.length),
        }
    }

    fn work(&self, scratch: Out<f32>) -> Work {
        let packed = scratch.at(self.projections() * self.channels);
        Work {
            stack: scratch,
            packed,
            rest: packed.at(self.channels * self.values()),
        }
    }

    fn of_work(&self) -> usize {
        (self.projections() + self.values()) * self.channels
    }

    /// Key, query and value: their input, the first of their lines, and how many these are.
    fn parts(&self) -> [(usize, usize, usize); 3] {
        let keys = self.keys();
        [
            (KEY, 0, keys),
            (QUERY, keys, keys),
            (VALUE, 2 * keys, self.values()),
        ]
    }

    /// Scratch of all parts of the largest weight's gradient, and of a bias's by row.
    fn gradient_scratch(&self, rows: usize) -> usize {
        let values = self.values();
        let weights = [
            (self.channels, values),
            (self.keys(), self.channels),
            (values, self.channels),
        ];
        let of_weight = |(m, n): (usize, usize)| Cut::most(m, n, rows) * m * n;
        let weight = weights.map(of_weight).into_iter().max().unwrap_or(0);
        weight.max(rows * self.projections().max(self.channels))
    }

    pub(super) fn any_needs(&self, rows: usize) -> Needs {
        let lines = rows * (self.projections() + self.values()) * self.length;
        let weights = rows * self.heads * self.length * self.length;
        Needs {
            saved: lines + weights,
            scratch_forward: self.of_work() + self.projections(),
            scratch_backward: self.of_work() + lines + weights + self.gradient_scratch(rows),
        }
    }

    /// Weights as the products take them.
    fn gather(&self, around: &DeviceContext<'_>, inputs: &[Operand], work: &Work) -> Result<()> {
        for (input, first, count) in self.parts() {
            let to = work.stack.at(first * self.channels);
            around
                .gpu
                .copy(to, inputs[input].data, count * self.channels)?;
        }
        around.gpu.launch(
            Grid::over(self.channels * self.values(), 256),
            SelfAttentionPackUnify {
                unify: inputs[UNIFY].data,
                packed: work.packed,
                channels: self.channels as u32,
                heads: self.heads as u32,
                inner: self.inner as u32,
            },
        )
    }

    /// Lines (rows, n, L) from n.
    fn lines_steps(&self, n: usize) -> Steps {
        Steps::rows((n * self.length) as u32)
    }

    /// Lines of a head among the projections.
    fn head_steps(&self, of_head: usize) -> Steps {
        Steps {
            head: (of_head * self.length) as u32,
            ..self.lines_steps(self.projections())
        }
    }

    /// Lines of a head's o.
    fn o_steps(&self) -> Steps {
        Steps {
            head: (self.inner * self.length) as u32,
            ..self.lines_steps(self.values())
        }
    }

    fn weights_steps(&self) -> Steps {
        let head = self.length * self.length;
        Steps {
            row: (self.heads * head) as u32,
            head: head as u32,
        }
    }

    pub(super) fn any_forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let (gpu, rows, length) = (io.around.gpu, io.rows, self.length);
        let (keys, values, projections) = (self.keys(), self.values(), self.projections());
        let Kept { lines, o, weights } = self.kept(io.saved, rows);
        let work = self.work(io.scratch);
        self.gather(&io.around, io.inputs, &work)?;
        for (input, first, count) in self.parts() {
            gpu.copy(work.rest.at(first), io.inputs[input + 1].data, count)?;
        }
        let one = Products {
            form: Form::Nn,
            rows,
            heads: 1,
            m: projections,
            n: length,
            k: self.channels,
            a: work.stack.input(),
            a_steps: Steps::rows(0),
            b: io.inputs[X].data,
            b_steps: Steps::rows(self.of_row()),
            c: lines,
            c_steps: self.lines_steps(projections),
            bias: work.rest.input(),
            scale: 1.0,
            add: false,
        };
        one.launch(&io.around)?;
        let of_heads = Products {
            heads: self.heads,
            bias: In::NULL,
            ..one
        };
        // k^T q / sqrt(E)
        Products {
            form: Form::Tn,
            m: length,
            k: self.embedding,
            a: lines.input(),
            a_steps: self.head_steps(self.embedding),
            b: lines.at(keys * length).input(),
            b_steps: self.head_steps(self.embedding),
            c: weights,
            c_steps: self.weights_steps(),
            scale: self.scale(),
            ..of_heads
        }
        .launch(&io.around)?;
        let of = Lines::new(rows * self.heads * length, length);
        gpu.launch(
            of.grid,
            SoftmaxLinesForward {
                x: weights.input(),
                y: weights,
                lines: of.lines,
                length: length as u32,
                lanes: of.lanes,
            },
        )?;
        // o = v w
        Products {
            m: self.inner,
            k: length,
            a: lines.at(2 * keys * length).input(),
            a_steps: self.head_steps(self.inner),
            b: weights.input(),
            b_steps: self.weights_steps(),
            c: o,
            c_steps: self.o_steps(),
            ..of_heads
        }
        .launch(&io.around)?;
        Products {
            m: self.channels,
            k: values,
            a: work.packed.input(),
            b: o.input(),
            b_steps: self.lines_steps(values),
            c: io.output,
            c_steps: Steps::rows(self.of_row()),
            bias: io.inputs[UNIFY_BIAS].data,
            ..one
        }
        .launch(&io.around)
    }

    pub(super) fn any_backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (rows, length, dy) = (io.rows, self.length, io.grad_output);
        let (keys, values, projections) = (self.keys(), self.values(), self.projections());
        let Kept { lines, o, weights } = self.kept(io.saved, rows);
        let work = self.work(io.scratch);
        // Gradients of what is kept, in the same order.
        let grads = self.kept(work.rest, rows);
        let sums = grads.weights.at(rows * self.heads * length * length);
        let y_step = self.of_row();
        if let Some(dunify) = io.grads[UNIFY] {
            let (a, b) = ((dy, y_step), (o.input(), (values * length) as u32));
            self.weight_gradient(io, a, b, dunify, self.inner, sums)?;
        }
        if let Some(dbias) = io.grads[UNIFY_BIAS] {
            self.bias_gradient(io, dy, y_step, dbias, sums)?;
        }
        if io.grads[..UNIFY].iter().all(Option::is_none) {
            return Ok(());
        }
        self.gather(&io.around, io.inputs, &work)?;
        let one = Products {
            form: Form::Tn,
            rows,
            heads: 1,
            m: values,
            n: length,
            k: self.channels,
            a: work.packed.input(),
            a_steps: Steps::rows(0),
            b: dy,
            b_steps: Steps::rows(y_step),
            c: grads.o,
            c_steps: self.lines_steps(values),
            bias: In::NULL,
            scale: 1.0,
            add: false,
        };
        one.launch(&io.around)?;
        let of_heads = Products {
            heads: self.heads,
            k: length,
            ..one
        };
        // dv = do w^T
        Products {
            form: Form::Nt,
            m: self.inner,
            a: grads.o.input(),
            a_steps: self.o_steps(),
            b: weights.input(),
            b_steps: self.weights_steps(),
            c: grads.lines.at(2 * keys * length),
            c_steps: self.head_steps(self.inner),
            ..of_heads
        }
        .launch(&io.around)?;
        // v^T do, the gradient of w
        Products {
            m: length,
            k: self.inner,
            a: lines.at(2 * keys * length).input(),
            a_steps: self.head_steps(self.inner),
            b: grads.o.input(),
            b_steps: self.o_steps(),
            c: grads.weights,
            c_steps: self.weights_steps(),
            ..of_heads
        }
        .launch(&io.around)?;
        let of = Lines::new(rows * self.heads * length, length);
        io.around.gpu.launch(
            of.grid,
            SelfAttentionBackwardSoftmax {
                w: weights.input(),
                ds: grads.weights,
                lines: of.lines,
                length: length as u32,
                scale: self.scale(),
                lanes: of.lanes,
            },
        )?;
        // dk = q ds^T, dq = k ds
        let of_keys = Products {
            m: self.embedding,
            a_steps: self.head_steps(self.embedding),
            b: grads.weights.input(),
            b_steps: self.weights_steps(),
            c_steps: self.head_steps(self.embedding),
            ..of_heads
        };
        Products {
            form: Form::Nt,
            a: lines.at(keys * length).input(),
            c: grads.lines,
            ..of_keys
        }
        .launch(&io.around)?;
        Products {
            form: Form::Nn,
            a: lines.input(),
            c: grads.lines.at(keys * length),
            ..of_keys
        }
        .launch(&io.around)?;
        if let Some(dx) = io.grads[X] {
            Products {
                m: self.channels,
                k: projections,
                a: work.stack.input(),
                b: grads.lines.input(),
                b_steps: self.lines_steps(projections),
                c: dx.data,
                c_steps: Steps::rows(y_step),
                add: true,
                ..one
            }
            .launch(&io.around)?;
        }
        let step = (projections * length) as u32;
        for (input, first, _) in self.parts() {
            let lines = grads.lines.at(first * length).input();
            if let Some(dw) = io.grads[input] {
                let x = (io.inputs[X].data, y_step);
                self.weight_gradient(io, (lines, step), x, dw, self.channels, sums)?;
            }
            // A shift of all queries changes no softmax: their bias's gradient is 0.
            if let Some(dbias) = io.grads[input + 1].filter(|_| input != QUERY) {
                self.bias_gradient(io, lines, step, dbias, sums)?;
            }
        }
        Ok(())
    }

    /// Adds `sum over rows and positions of a (M, L) times b (N, L)`, which lies as (N / group, M, group); a and b with
    /// their rows' distance.
    fn weight_gradient(
        &self,
        io: &DeviceBackward<'_>,
        a: (In<f32>, u32),
        b: (In<f32>, u32),
        into: Gradient,
        group: usize,
        sums: Out<f32>,
    ) -> Result<()> {
        let n = b.1 as usize / self.length;
        let m = into.len / n;
        let cut = Cut::new(m, n, io.rows);
        let whole = cut.parts == 1;
        io.around.gpu.launch(
            Grid::new(cut.parts * m.div_ceil(64) * n.div_ceil(64), 1, 1),
            SelfAttentionBackwardWeight {
                a: a.0,
                b: b.0,
                c: if whole { into.data } else { sums },
                m: m as u32,
                n: n as u32,
                length: self.length as u32,
                a_row: a.1,
                b_row: b.1,
                rows: io.rows as u32,
                rows_each: cut.rows_each as u32,
                group: group as u32,
                add: u32::from(whole),
                bf16: io.around.bf16(),
            },
        )?;
        if whole {
            return Ok(());
        }
        let gpu = io.around.gpu;
        sum_rows(gpu, sums.input(), into.data, cut.parts, into.len)
    }

    /// Adds the sums over rows and positions of lines.
    fn bias_gradient(
        &self,
        io: &DeviceBackward<'_>,
        x: In<f32>,
        step: u32,
        into: Gradient,
        sums: Out<f32>,
    ) -> Result<()> {
        let of = Lines::new(io.rows * into.len, self.length);
        io.around.gpu.launch(
            of.grid,
            SelfAttentionLineSums {
                x,
                sums,
                rows: io.rows as u32,
                count: into.len as u32,
                length: self.length as u32,
                step,
                lanes: of.lanes,
            },
        )?;
        sum_rows(io.around.gpu, sums.input(), into.data, io.rows, into.len)
    }
}
