//! A program on a GPU: the tape's steps for a whole batch, every buffer's place in one arena of device memory, and the
//! launches of a run in order.

use super::gpu::{Buffer, Gpu};
use super::op::{
    DeviceBackward, DeviceBuffers, DeviceContext, DeviceForward, DeviceOp, Flops, Gradient,
    Operand, Precision,
};
use super::pointer::{In, Out};
use super::state::StepState;
use crate::engine::params::{Layout, Role};
use crate::engine::plan::{Place, Plan, StepNeeds, place, wanted};
use crate::engine::tape::{Source, Step, Tape, Value, Var};
use crate::{Error, Result};
use smallvec::SmallVec;

/// Parameters start at multiples of this many elements, so that kernels may read them as whole vectors and one flag
/// tells the optimizer about 64 of them.
pub const PARAMETER_ALIGN: usize = 64;

/// Where each parameter lies on the GPU: in the layout's order, each aligned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterPlaces {
    pub offsets: Vec<usize>,
    pub total: usize,
}

impl ParameterPlaces {
    pub fn new(layout: &Layout) -> Self {
        let mut total = 0;
        let offsets = layout
            .params
            .iter()
            .map(|param| {
                let offset = total;
                total += param.len().next_multiple_of(PARAMETER_ALIGN);
                offset
            })
            .collect();
        ParameterPlaces { offsets, total }
    }

    /// From the layout's dense order to the GPU's, padded with zeros.
    pub fn spread(&self, layout: &Layout, values: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.total];
        for (param, &offset) in layout.params.iter().zip(&self.offsets) {
            out[offset..offset + param.len()].copy_from_slice(&values[param.range()]);
        }
        out
    }

    /// Back from the GPU's order.
    pub fn gather(&self, layout: &Layout, spread: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; layout.len()];
        for (param, &offset) in layout.params.iter().zip(&self.offsets) {
            out[param.range()].copy_from_slice(&spread[offset..offset + param.len()]);
        }
        out
    }
}

/// Where a run's memory lies.
#[derive(Clone, Copy)]
pub struct Memory<'a> {
    pub gpu: &'a Gpu,
    pub arena: Out<f32>,
    pub params: Out<f32>,
    /// Null where nothing runs backward.
    pub grads: Out<f32>,
    pub codes: In<u8>,
    pub state: In<StepState>,
    pub tables: &'a [Buffer<u32>],
    pub precision: Precision,
}

/// What one step has to do.
#[derive(Clone, Debug)]
pub struct StepWork {
    pub op: &'static str,
    /// Of one row of its output.
    pub shape: Vec<usize>,
    /// Elements that it must read and write at least.
    pub forward: usize,
    /// None where no gradient passes through it.
    pub backward: Option<usize>,
    pub flops: Flops,
}

/// Steps, places and parameters of a model for at most `rows` rows.
pub struct DeviceProgram {
    values: Vec<Value>,
    steps: Vec<Step<f32>>,
    layout: Layout,
    places: ParameterPlaces,
    plan: Plan,
    rows: usize,
    output: Var,
    loss: Option<Var>,
    /// By step and input: a gradient is wanted.
    wanted: Vec<SmallVec<[bool; 12]>>,
    /// By step: saved, scratch forward and backward.
    planned: Vec<[usize; 3]>,
}

impl DeviceProgram {
    /// Plans the tape for `rows` rows; with `loss` (one number a row) the program can run backward from it.
    ///
    /// # Errors
    /// An op without kernels, and a gradient that an op leaves to smaller ops.
    pub fn new(tape: Tape<f32>, output: Var, loss: Option<Var>, rows: usize) -> Result<Self> {
        let mut tape = tape;
        tape.keep(output);
        if let Some(loss) = loss {
            tape.keep(loss);
        }
        let reached = wanted(&tape, loss);
        for (value, &w) in tape.values.iter().zip(&reached) {
            if let (Source::Param(p), true) = (&value.source, w) {
                tape.layout.params[*p].used = true;
            }
        }
        let (mut needs, mut asked) = (Vec::new(), Vec::new());
        for step in &tape.steps {
            let Some(op) = step.op.device() else {
                return Err(Error::Device(format!(
                    "the op {} has no kernel for a GPU yet: use --device cpu",
                    step.op.name()
                )));
            };
            if let Some(why) = op.refuses() {
                return Err(Error::Device(format!(
                    "{}: {why}: use --device cpu",
                    step.op.name()
                )));
            }
            let by_input: SmallVec<[bool; 12]> = step
                .inputs
                .iter()
                .map(|v| reached[tape.root(*v).0])
                .collect();
            let step_rows = if tape.values[step.output.0].per_row {
                rows
            } else {
                1
            };
            let need = op.needs(step_rows, &by_input);
            needs.push(StepNeeds {
                saved: need.saved,
                scratch_forward: need.scratch_forward,
                scratch_backward: need.scratch_backward,
                rereads_input: (0..step.inputs.len())
                    .map(|i| rereads_input(step, i))
                    .collect(),
                rereads_output: rereads_output(step),
                keeps_saved: step.op.spans_batch(),
            });
            asked.push(by_input);
        }
        check_counts(&tape, rows, &needs)?;
        let planned = needs.iter().map(|need| need.sizes()).collect();
        let plan = place(&tape, loss, &reached, rows, &needs);
        Ok(DeviceProgram {
            places: ParameterPlaces::new(&tape.layout),
            values: tape.values,
            steps: tape.steps,
            layout: tape.layout,
            plan,
            rows,
            output,
            loss,
            wanted: asked,
            planned,
        })
    }

    /// That every step has room for so many rows.
    ///
    /// # Errors
    /// More rows than were planned for, or a step that needs more for fewer rows: a fault of this program.
    pub fn check_rows(&self, rows: usize) -> Result<()> {
        let wrong = |what: String| Err(Error::Device(format!("{what}: a fault of this program")));
        if rows > self.rows {
            return wrong(format!("{rows} rows where {} were planned", self.rows));
        }
        for ((step, wanted), planned) in self.steps.iter().zip(&self.wanted).zip(&self.planned) {
            let need = kernels(step).needs(self.step_rows(step, rows), wanted);
            let now = [need.saved, need.scratch_forward, need.scratch_backward];
            if now.iter().zip(planned).any(|(now, planned)| now > planned) {
                return wrong(format!(
                    "{} needs {now:?} for {rows} rows, {planned:?} were planned for {}",
                    step.op.name(),
                    self.rows
                ));
            }
        }
        Ok(())
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub fn places(&self) -> &ParameterPlaces {
        &self.places
    }

    /// Elements of the arena.
    pub fn arena_len(&self) -> usize {
        self.plan.arena
    }

    pub fn output(&self) -> Var {
        self.output
    }

    /// Elements of one row of the output.
    pub fn output_len(&self) -> usize {
        self.values[self.output.0].shape.iter().product()
    }

    /// The ops' tables on the GPU; `params` in the layout's order.
    ///
    /// # Errors
    /// Out of memory.
    pub fn tables(&self, gpu: &Gpu, params: &[f32]) -> Result<Vec<Buffer<u32>>> {
        let of_step = |step: &Step<f32>| {
            let inputs: SmallVec<[Option<&[f32]>; 12]> = step
                .inputs
                .iter()
                .map(|v| match self.source(*v) {
                    Source::Param(p) if !self.layout.params[*p].learns() => {
                        Some(&params[self.layout.params[*p].range()])
                    }
                    _ => None,
                })
                .collect();
            gpu.upload(&kernels(step).table(&inputs), step.op.name())
        };
        self.steps.iter().map(of_step).collect()
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

    /// Where a kept value lies, and its elements for this many rows.
    pub fn value(&self, memory: &Memory<'_>, var: Var, rows: usize) -> (Out<f32>, usize) {
        let root = self.root(var);
        match self.values[root.0].source {
            Source::Param(p) => (
                memory.params.at(self.places.offsets[p]),
                self.layout.params[p].len(),
            ),
            _ => self.plan.values[root.0]
                .map_or((Out::NULL, 0), |place| at(memory.arena, place, rows)),
        }
    }

    /// Where each row's loss lies.
    pub fn losses(&self, memory: &Memory<'_>, rows: usize) -> (Out<f32>, usize) {
        self.loss
            .map_or((Out::NULL, 0), |loss| self.value(memory, loss, rows))
    }

    /// Where the gradient of a watched value lies.
    pub fn gradient(
        &self,
        memory: &Memory<'_>,
        var: Var,
        rows: usize,
    ) -> Option<(Out<f32>, usize)> {
        self.plan.grads[self.root(var).0].map(|place| at(memory.arena, place, rows))
    }

    /// Where the n-th dense input of the batch lies, and its elements; None where nothing reads it.
    pub fn dense_input(
        &self,
        memory: &Memory<'_>,
        n: usize,
        rows: usize,
    ) -> Option<(Out<f32>, usize)> {
        let index = self
            .values
            .iter()
            .position(|v| matches!(v.source, Source::Dense(m) if m == n))?;
        self.plan.values[index].map(|place| at(memory.arena, place, rows))
    }

    fn step_rows(&self, step: &Step<f32>, rows: usize) -> usize {
        if self.values[step.output.0].per_row {
            rows
        } else {
            1
        }
    }

    fn operands(
        &self,
        memory: &Memory<'_>,
        step: &Step<f32>,
        rows: usize,
    ) -> SmallVec<[Operand; 12]> {
        step.inputs
            .iter()
            .map(|v| {
                let value = &self.values[v.0];
                Operand {
                    data: self.value(memory, *v, rows).0.input(),
                    len: value.shape.iter().product(),
                    per_row: value.per_row,
                }
            })
            .collect()
    }

    fn around<'a>(&self, memory: &Memory<'a>, index: usize) -> DeviceContext<'a> {
        DeviceContext {
            gpu: memory.gpu,
            codes: memory.codes,
            state: memory.state,
            table: memory.tables.get(index).map_or(In::NULL, Buffer::input),
            precision: memory.precision,
        }
    }

    /// Puts all steps forward on the stream.
    ///
    /// # Errors
    /// Those of the launches.
    pub fn forward(&self, memory: &Memory<'_>, rows: usize) -> Result<()> {
        self.check_rows(rows)?;
        (0..self.steps.len()).try_for_each(|index| self.forward_step(memory, index, rows))
    }

    /// Puts one step forward on the stream.
    ///
    /// # Errors
    /// Those of the launches.
    pub fn forward_step(&self, memory: &Memory<'_>, index: usize, rows: usize) -> Result<()> {
        let step = &self.steps[index];
        let inputs = self.operands(memory, step, rows);
        kernels(step).forward(&DeviceForward {
            rows: self.step_rows(step, rows),
            inputs: &inputs,
            output: self.value(memory, step.output, rows).0,
            saved: memory.arena.at(self.plan.saved[index].start),
            scratch: memory.arena.at(self.plan.scratch_forward[index].start),
            wanted: &self.wanted[index],
            around: self.around(memory, index),
        })
    }

    /// Puts all steps backward on the stream, each row's loss counting `seed`; parameter gradients are added to
    /// `memory.grads`.
    ///
    /// # Errors
    /// Those of the launches.
    pub fn backward(&self, memory: &Memory<'_>, rows: usize, seed: f32) -> Result<()> {
        let Some((seeds, count)) = self.loss.and_then(|loss| self.gradient(memory, loss, rows))
        else {
            return Ok(());
        };
        memory.gpu.fill(seeds, count, seed)?;
        for index in (0..self.steps.len()).rev() {
            for &place in &self.plan.clear[index] {
                let (to, len) = at(memory.arena, place, rows);
                memory.gpu.clear(to, len)?;
            }
            self.backward_step(memory, index, rows)?;
        }
        Ok(())
    }

    /// Puts one step backward on the stream, where a gradient reaches it.
    ///
    /// # Errors
    /// Those of the launches.
    pub fn backward_step(&self, memory: &Memory<'_>, index: usize, rows: usize) -> Result<()> {
        let step = &self.steps[index];
        let Some(grad_output) = self.plan.grads[step.output.0] else {
            return Ok(());
        };
        let op = kernels(step);
        let mut inputs = self.operands(memory, step, rows);
        for (i, operand) in inputs.iter_mut().enumerate() {
            if !rereads_input(step, i) {
                // Of a parameter too: a kernel whose op's declaration is wrong must not work by chance.
                operand.data = In::NULL;
            }
        }
        let grads: SmallVec<[Option<Gradient>; 12]> = step
            .inputs
            .iter()
            .map(|v| self.input_gradient(memory, *v, rows))
            .collect();
        op.backward(&DeviceBackward {
            rows: self.step_rows(step, rows),
            inputs: &inputs,
            output: if rereads_output(step) {
                self.value(memory, step.output, rows).0.input()
            } else {
                In::NULL
            },
            grad_output: at(memory.arena, grad_output, rows).0.input(),
            saved: memory.arena.at(self.plan.saved[index].start),
            scratch: memory.arena.at(self.plan.scratch_backward[index].start),
            grads: &grads,
            around: self.around(memory, index),
        })
    }

    /// What each step has to do for this many rows, in the order of the tape.
    pub fn work(&self, rows: usize) -> Vec<StepWork> {
        let elements = |var: Var, rows: usize| {
            let value = &self.values[var.0];
            let len: usize = value.shape.iter().product();
            if value.per_row { len * rows } else { len }
        };
        let of_step = |(step, wanted): (&Step<f32>, &SmallVec<[bool; 12]>)| {
            let op = kernels(step);
            let step_rows = self.step_rows(step, rows);
            let output = elements(step.output, rows);
            let inputs: usize = step.inputs.iter().map(|&v| elements(v, rows)).sum();
            let reaches = self.plan.grads[step.output.0].is_some();
            let backward = reaches.then(|| {
                let read_again = (0..step.inputs.len()).filter(|&i| rereads_input(step, i));
                let read: usize = read_again.map(|i| elements(step.inputs[i], rows)).sum();
                // A gradient is read and written: it is added to.
                let added: usize = (0..step.inputs.len())
                    .filter(|&i| wanted[i])
                    .map(|i| 2 * elements(step.inputs[i], rows))
                    .sum();
                output * (1 + usize::from(rereads_output(step))) + read + added
            });
            StepWork {
                op: step.op.name(),
                shape: self.values[step.output.0].shape.to_vec(),
                forward: inputs + output,
                backward,
                flops: op.flops(step_rows, wanted),
            }
        };
        self.steps.iter().zip(&self.wanted).map(of_step).collect()
    }

    fn input_gradient(&self, memory: &Memory<'_>, var: Var, rows: usize) -> Option<Gradient> {
        let value = &self.values[var.0];
        let data = match self.source(var) {
            Source::Param(p) => self.layout.params[*p]
                .learns()
                .then(|| memory.grads.at(self.places.offsets[*p])),
            _ => self.gradient(memory, var, rows).map(|g| g.0),
        };
        data.map(|data| Gradient {
            data,
            len: value.shape.iter().product(),
            per_row: value.per_row,
        })
    }

    /// Moves the buffers (running statistics) that this batch changed.
    ///
    /// # Errors
    /// Those of the launches.
    pub fn move_buffers(&self, memory: &Memory<'_>, rows: usize) -> Result<()> {
        for (index, step) in self.steps.iter().enumerate() {
            let params: SmallVec<[Out<f32>; 12]> = step
                .inputs
                .iter()
                .map(|v| match self.source(*v) {
                    Source::Param(p) if self.layout.params[*p].role != Role::Weight => {
                        memory.params.at(self.places.offsets[*p])
                    }
                    _ => Out::NULL,
                })
                .collect();
            if params.iter().all(|p| p.address() == 0) {
                continue;
            }
            kernels(step).move_buffers(&DeviceBuffers {
                rows: self.step_rows(step, rows),
                saved: memory.arena.at(self.plan.saved[index].start).input(),
                params: &params,
                around: self.around(memory, index),
            })?;
        }
        Ok(())
    }
}

/// That no value and no op's own memory has more numbers than kernels count.
fn check_counts(tape: &Tape<f32>, rows: usize, needs: &[StepNeeds]) -> Result<()> {
    const MOST: usize = u32::MAX as usize;
    let of_values = tape.values.iter().map(|value| {
        let len = value.shape.iter().fold(1usize, |n, &d| n.saturating_mul(d));
        len.saturating_mul(if value.per_row { rows } else { 1 })
    });
    let of_ops = needs
        .iter()
        .flat_map(|need| [need.saved, need.scratch_forward, need.scratch_backward]);
    let largest = of_values.chain(of_ops).max().unwrap_or_default();
    if largest <= MOST {
        return Ok(());
    }
    let fits = (rows as f64 * MOST as f64 / largest as f64) as usize;
    let advice = match fits {
        0 => "not even one row fits".to_string(),
        fits => format!("--batch-size {fits} would do"),
    };
    Err(Error::Device(format!(
        "a batch of {rows} has {largest} numbers in one place, kernels count to {MOST} ({advice})"
    )))
}

/// A step's kernels: an op without them is refused when its program is made.
fn kernels(step: &Step<f32>) -> &dyn DeviceOp {
    step.op.device().expect("an op with kernels")
}

fn rereads_input(step: &Step<f32>, index: usize) -> bool {
    let own = kernels(step).rereads_input(index);
    own.unwrap_or_else(|| step.op.rereads_input(index))
}

fn rereads_output(step: &Step<f32>) -> bool {
    let own = kernels(step).rereads_output();
    own.unwrap_or_else(|| step.op.rereads_output())
}

fn at(arena: Out<f32>, place: Place, rows: usize) -> (Out<f32>, usize) {
    let range = place.range(rows);
    (arena.at(range.start), range.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::activation::{Activation, activation};

    fn planned(len: usize, rows: usize) -> Result<DeviceProgram> {
        let mut tape = Tape::new(false);
        let x = tape.dense_input(&[len]);
        let y = activation(&mut tape, x, Activation::Relu);
        DeviceProgram::new(tape, y, None, rows)
    }

    #[test]
    fn a_batch_with_more_numbers_than_kernels_count_is_refused_with_one_that_fits() {
        assert!(planned(1 << 20, 4095).is_ok());
        let refused = |len, rows| planned(len, rows).err().map(|e| e.to_string());
        let said = refused(1 << 20, 4096).unwrap_or_default();
        assert!(
            said.contains("a batch of 4096 has 4294967296 numbers"),
            "{said}"
        );
        assert!(said.contains("--batch-size 4095 would do"), "{said}");
        let said = refused(1 << 33, 1).unwrap_or_default();
        assert!(said.contains("not even one row fits"), "{said}");
    }
}
