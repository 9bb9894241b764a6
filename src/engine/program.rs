//! A program: the tape's steps with every buffer's place, run on one thread over one piece of a
//! batch.

use super::Real;
use super::arena;
use super::params::{Layout, Role};
use super::plan::{Place, Plan, cpu_needs, place, wanted};
use super::tape::{
    Backward, Context, Forward, Gradient, Operand, Prepared, Source, Step, Tape, Value, Var,
};
use smallvec::SmallVec;
use std::ops::Range;

/// Steps, places and parameters of a model for at most `rows` rows at a time.
pub struct Program<T: Real> {
    values: Vec<Value>,
    steps: Vec<Step<T>>,
    layout: Layout,
    plan: Plan,
    rows: usize,
    output: Var,
    loss: Option<Var>,
}

/// Base codes and dense inputs of one piece of a batch.
pub struct Piece<'a, T> {
    pub rows: usize,
    /// By dense input: `rows x len`.
    pub dense: SmallVec<[&'a [T]; 2]>,
    pub context: Context<'a>,
}

impl<T: Real> Program<T> {
    /// Plans the tape for `rows` rows. With `loss` (one number a row) the program can run
    /// backward from it; without, from nothing, and buffers die early.
    pub fn new(tape: Tape<T>, output: Var, loss: Option<Var>, rows: usize) -> Self {
        let mut tape = tape;
        tape.keep(output);
        if let Some(loss) = loss {
            tape.keep(loss);
        }
        let wanted = wanted(&tape, loss);
        for (index, &w) in wanted.iter().enumerate() {
            if let (Source::Param(p), true) = (&tape.values[index].source, w) {
                tape.layout.params[*p].used = true;
            }
        }
        let needs = cpu_needs(&tape, rows);
        let plan = place(&tape, loss, &wanted, rows, &needs);
        Program {
            values: tape.values,
            steps: tape.steps,
            layout: tape.layout,
            plan,
            rows,
            output,
            loss,
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Elements of the arena that one thread needs.
    pub fn arena_len(&self) -> usize {
        self.plan.arena
    }

    pub fn output(&self) -> Var {
        self.output
    }

    pub fn spans_batch(&self) -> bool {
        self.steps.iter().any(|s| s.op.spans_batch())
    }

    /// What the ops make of the parameters: all of it the `first` time, later only what depends
    /// on a parameter that learns.
    pub fn prepare(&self, params: &[T], prepared: &mut Vec<Option<Prepared>>, first: bool) {
        prepared.resize(self.steps.len(), None);
        for (step, slot) in self.steps.iter().zip(prepared) {
            let mut inputs = step.inputs.iter().enumerate();
            let learns = inputs.any(|(i, v)| match self.source(*v) {
                Source::Param(p) => step.op.prepares_from(i) && self.layout.params[*p].learns(),
                _ => false,
            });
            if first || learns {
                let inputs: SmallVec<[Option<&[T]>; 6]> = step
                    .inputs
                    .iter()
                    .map(|v| match self.source(*v) {
                        Source::Param(p) => Some(&params[self.layout.params[*p].range()]),
                        _ => None,
                    })
                    .collect();
                *slot = step.op.prepare(&inputs);
            }
        }
    }

    fn root(&self, var: Var) -> Var {
        match self.values[var.0].source {
            Source::View(root) => root,
            _ => var,
        }
    }

    fn source(&self, var: Var) -> &Source {
        &self.values[self.root(var).0].source
    }

    /// The numbers of a value after a run: it must have been kept.
    pub fn read<'a>(&self, arena: &'a [T], params: &'a [T], var: Var, rows: usize) -> &'a [T] {
        let root = self.root(var);
        match self.values[root.0].source {
            Source::Param(p) => &params[self.layout.params[p].range()],
            _ => {
                &arena[self.plan.values[root.0]
                    .expect("a kept value has a place")
                    .range(rows)]
            }
        }
    }

    /// Each row's loss.
    pub fn read_loss<'a>(&self, arena: &'a [T], params: &'a [T], rows: usize) -> &'a [T] {
        self.loss
            .map_or(&[], |loss| self.read(arena, params, loss, rows))
    }

    /// The gradient of a watched value after a backward run.
    pub fn read_gradient<'a>(&self, arena: &'a [T], var: Var, rows: usize) -> Option<&'a [T]> {
        self.plan.grads[self.root(var).0].map(|p| &arena[p.range(rows)])
    }

    fn operand_ranges(&self, vars: &[Var], rows: usize) -> SmallVec<[Range<usize>; 12]> {
        vars.iter()
            .map(|v| {
                let root = self.root(*v);
                self.plan.values[root.0].map_or(0..0, |p| p.range(rows))
            })
            .collect()
    }

    fn operands<'a>(
        &self,
        vars: &[Var],
        slices: &[&'a [T]],
        params: &'a [T],
    ) -> SmallVec<[Operand<'a, T>; 6]> {
        vars.iter()
            .zip(slices)
            .map(|(v, &slice)| {
                let value = &self.values[v.0];
                Operand {
                    data: match self.source(*v) {
                        Source::Param(p) => &params[self.layout.params[*p].range()],
                        _ => slice,
                    },
                    len: value.shape.iter().product(),
                    per_row: value.per_row,
                }
            })
            .collect()
    }

    /// Runs all steps forward.
    pub fn forward(
        &self,
        arena: &mut [T],
        params: &[T],
        prepared: &[Option<Prepared>],
        piece: &Piece<'_, T>,
    ) {
        let rows = piece.rows;
        for (index, value) in self.values.iter().enumerate() {
            if let (Source::Dense(n), Some(place)) = (&value.source, self.plan.values[index]) {
                arena[place.range(rows)].copy_from_slice(piece.dense[*n]);
            }
        }
        for (index, step) in self.steps.iter().enumerate() {
            let step_rows = if self.values[step.output.0].per_row {
                rows
            } else {
                1
            };
            let reads = self.operand_ranges(&step.inputs, rows);
            let output = self.plan.values[step.output.0].map_or(0..0, |p| p.range(rows));
            let writes = [
                output,
                self.plan.saved[index].clone(),
                self.plan.scratch_forward[index].clone(),
            ];
            let (inputs, writes) = arena::lend(arena, &reads, &writes);
            let inputs = self.operands(&step.inputs, &inputs, params);
            let mut writes = writes.into_iter();
            step.op.forward(Forward {
                rows: step_rows,
                inputs: &inputs,
                output: writes.next().unwrap_or_default(),
                saved: writes.next().unwrap_or_default(),
                scratch: writes.next().unwrap_or_default(),
                context: Context {
                    prepared: prepared[index].as_ref(),
                    ..piece.context
                },
            });
        }
    }

    /// Runs all steps backward from the loss (each row's loss counts `seed`), adding parameter
    /// gradients to `grads` (laid out as the parameters).
    pub fn backward(
        &self,
        arena: &mut [T],
        params: &[T],
        grads: &mut [T],
        prepared: &[Option<Prepared>],
        piece: &Piece<'_, T>,
        seed: T,
    ) {
        let rows = piece.rows;
        let loss = self.root(self.loss.expect("a program with a loss"));
        let Some(loss_grad) = self.plan.grads[loss.0] else {
            return;
        };
        arena[loss_grad.range(rows)].fill(seed);
        for (index, step) in self.steps.iter().enumerate().rev() {
            for place in &self.plan.clear[index] {
                arena[place.range(rows)].fill(T::ZERO);
            }
            let Some(grad_output) = self.plan.grads[step.output.0] else {
                continue;
            };
            self.backward_step(arena, params, grads, prepared, piece, index, grad_output);
        }
    }

    #[allow(clippy::too_many_arguments)] // private: one step of the loop above
    fn backward_step(
        &self,
        arena: &mut [T],
        params: &[T],
        grads: &mut [T],
        prepared: &[Option<Prepared>],
        piece: &Piece<'_, T>,
        index: usize,
        grad_output: Place,
    ) {
        let (rows, step) = (piece.rows, &self.steps[index]);
        let mut reads = self.operand_ranges(&step.inputs, rows);
        for (i, range) in reads.iter_mut().enumerate() {
            if !step.op.rereads_input(i) {
                *range = 0..0;
            }
        }
        let output = match self.plan.values[step.output.0] {
            Some(place) if step.op.rereads_output() => place.range(rows),
            _ => 0..0,
        };
        reads.push(output);
        reads.push(grad_output.range(rows));
        let mut writes: SmallVec<[Range<usize>; 8]> = SmallVec::new();
        let mut param_writes: SmallVec<[Range<usize>; 8]> = SmallVec::new();
        writes.push(self.plan.saved[index].clone());
        writes.push(self.plan.scratch_backward[index].clone());
        for v in &step.inputs {
            match self.source(*v) {
                Source::Param(p) => {
                    let param = &self.layout.params[*p];
                    writes.push(0..0);
                    param_writes.push(if param.learns() { param.range() } else { 0..0 });
                }
                _ => {
                    writes.push(self.plan.grads[self.root(*v).0].map_or(0..0, |p| p.range(rows)));
                    param_writes.push(0..0);
                }
            }
        }
        let (slices, mut outs) = arena::lend(arena, &reads, &writes);
        let (_, param_outs) = arena::lend(grads, &[], &param_writes);
        let mut inputs = self.operands(&step.inputs, &slices, params);
        for (i, input) in inputs.iter_mut().enumerate() {
            if !step.op.rereads_input(i) {
                // A parameter is still there, but an op whose declaration is wrong must not work by chance.
                input.data = &[];
            }
        }
        let n = step.inputs.len();
        let tail = outs.drain(2..).collect::<SmallVec<[&mut [T]; 12]>>();
        let mut gradients: SmallVec<[Option<Gradient<'_, T>>; 6]> = step
            .inputs
            .iter()
            .zip(tail.into_iter().zip(param_outs))
            .map(|(v, (from_arena, from_params))| {
                let value = &self.values[v.0];
                let data = if from_params.is_empty() {
                    from_arena
                } else {
                    from_params
                };
                (!data.is_empty()).then(|| Gradient {
                    data,
                    len: value.shape.iter().product(),
                    per_row: value.per_row,
                })
            })
            .collect();
        let mut outs = outs.into_iter();
        step.op.backward(Backward {
            rows: if self.values[step.output.0].per_row {
                rows
            } else {
                1
            },
            inputs: &inputs,
            output: slices[n],
            grad_output: slices[n + 1],
            saved: outs.next().unwrap_or_default(),
            scratch: outs.next().unwrap_or_default(),
            grads: &mut gradients,
            context: Context {
                prepared: prepared[index].as_ref(),
                ..piece.context
            },
        });
    }

    /// Writes the buffers (running statistics) that this batch moved into the parameters.
    pub fn update_buffers(&self, arena: &[T], params: &mut [T], rows: usize) {
        let mut changes = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            let slices: SmallVec<[&[T]; 6]> = step.inputs.iter().map(|_| &[] as &[T]).collect();
            let inputs = self.operands(&step.inputs, &slices, params);
            let moved = step
                .op
                .buffers(rows, &arena[self.plan.saved[index].clone()], &inputs);
            for (input, values) in moved {
                if let Source::Param(p) = self.source(step.inputs[input]) {
                    let param = &self.layout.params[*p];
                    assert_ne!(param.role, Role::Weight, "{} is not a buffer", param.name);
                    changes.push((param.range(), values));
                }
            }
        }
        for (range, values) in changes {
            params[range].copy_from_slice(&values);
        }
    }
}
