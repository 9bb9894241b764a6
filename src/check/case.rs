//! A case is one use of an op: sizes and tolerances. The harness makes of it every check: the f64
//! run against the plain formula, the gradient against finite differences, f32 against f64, and
//! pieces of a batch against the whole.

use super::golden::relative;
pub use super::on_gpu::{BF16, BF16_OVER_JUMPS, TF32_OVER_JUMPS, Worst};
use crate::engine::cpu::Inspection;
use crate::engine::params::Role;
use crate::engine::{Batch, CpuExecutor, Init, Philox, Program, Real, Tape, Var};
use std::fmt::Write as _;

/// One input of a case: values uniform in `low..high`.
#[derive(Clone, Debug)]
pub struct Input {
    pub shape: Vec<usize>,
    /// One row for each row of the batch, or shared (a parameter).
    pub per_row: bool,
    pub low: f64,
    pub high: f64,
    /// Its gradient is wanted.
    pub differentiable: bool,
}

impl Input {
    /// A value with a row for each sequence.
    pub fn rows(shape: &[usize]) -> Self {
        Input {
            shape: shape.to_vec(),
            per_row: true,
            low: -1.0,
            high: 1.0,
            differentiable: true,
        }
    }

    /// A value that all rows share.
    pub fn shared(shape: &[usize]) -> Self {
        Input {
            per_row: false,
            ..Input::rows(shape)
        }
    }

    pub fn range(self, low: f64, high: f64) -> Self {
        Input { low, high, ..self }
    }

    pub fn frozen(self) -> Self {
        Input {
            differentiable: false,
            ..self
        }
    }
}

/// Records the case's op on its inputs.
pub type Build<T> = Box<dyn Fn(&mut Tape<T>, &[Var]) -> Var + Send + Sync>;
/// An op with two inputs.
type Pair<T> = fn(&mut Tape<T>, Var, Var) -> Var;

/// How a case is recorded for one number type. The two ops of which the harness makes a loss come with it, since the
/// harness knows no op.
pub struct Recipe<T: Real> {
    pub build: Build<T>,
    /// The sum over a row of `a * b`.
    pub dot: Pair<T>,
    pub add: Pair<T>,
}

/// All inputs' numbers, the base codes and the number of rows, to `rows x len` outputs.
pub type Reference = Box<dyn Fn(&[Vec<f64>], &[u8], usize) -> Vec<f64> + Send + Sync>;

/// Whether an element is 0, by its place in the input.
pub type Zero = Box<dyn Fn(usize) -> bool + Send + Sync>;

pub struct Case {
    pub op: &'static str,
    pub label: String,
    pub rows: usize,
    pub inputs: Vec<Input>,
    /// Length of the base codes that each row brings (0: none).
    pub codes: usize,
    pub in_f32: Recipe<f32>,
    pub in_f64: Recipe<f64>,
    /// The formula in plain f64 loops; None where finite differences and goldens say it all.
    pub reference: Option<Reference>,
    /// f32 against f64, relative to the largest number: outputs and gradients.
    pub tolerance_f32: f64,
    /// Finite differences against the gradient, relative to the largest gradient.
    pub tolerance_gradient: f64,
    /// The inputs lie where finite differences mean nothing.
    pub at_a_kink: bool,
    pub training: bool,
    /// Elements of one input that are 0.
    pub zeros: Option<(usize, Zero)>,
    /// bf16 on a GPU against f64; None where bf16 changes nothing.
    pub tolerance_bf16: Option<InBf16>,
}

/// What bf16 may cost.
#[derive(Clone, Copy, Debug)]
pub enum InBf16 {
    /// Of the largest number, as `tolerance_f32`.
    OfLargest(f64),
    /// Of all numbers, `||a - b|| / ||b||`: where a slope jumps, rounding sends some numbers over to the other slope, and these are
    /// off by as much as they are.
    OfAll(f64),
}

impl InBf16 {
    pub fn allowed(self) -> f64 {
        match self {
            InBf16::OfLargest(allowed) | InBf16::OfAll(allowed) => allowed,
        }
    }

    /// How far `a` is from `b`.
    pub fn distance(self, a: &[f64], b: &[f64]) -> f64 {
        match self {
            InBf16::OfLargest(_) => distance(a, b),
            InBf16::OfAll(_) => relative(a, b, 1e-3),
        }
    }
}

/// What f32 may cost an op, relative to its largest number, where the case says nothing else.
pub const OP_TOLERANCE: f64 = 1e-5;

impl Case {
    pub fn reference(
        mut self,
        f: impl Fn(&[Vec<f64>], &[u8], usize) -> Vec<f64> + Send + Sync + 'static,
    ) -> Self {
        self.reference = Some(Box::new(f));
        self
    }

    pub fn codes(mut self, length: usize) -> Self {
        self.codes = length;
        self
    }

    pub fn evaluation(mut self) -> Self {
        self.training = false;
        self
    }

    /// Sets elements of an input to 0.
    pub fn zeroed(
        mut self,
        input: usize,
        zero: impl Fn(usize) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.zeros = Some((input, Box::new(zero)));
        self
    }

    /// Leaves finite differences out: the inputs lie where the slope jumps.
    pub fn at_a_kink(mut self) -> Self {
        self.at_a_kink = true;
        self
    }

    pub fn tolerance_bf16(mut self, tolerance: f64) -> Self {
        self.tolerance_bf16 = Some(InBf16::OfLargest(tolerance));
        self
    }

    /// Of an op whose slope jumps.
    pub fn tolerance_bf16_of_all(mut self, tolerance: f64) -> Self {
        self.tolerance_bf16 = Some(InBf16::OfAll(tolerance));
        self
    }

    pub fn tolerance_f32(mut self, tolerance: f64) -> Self {
        self.tolerance_f32 = tolerance;
        self
    }

    pub fn tolerance_gradient(mut self, tolerance: f64) -> Self {
        self.tolerance_gradient = tolerance;
        self
    }

    /// The op has kernels for a GPU, all that the case wants of it.
    pub fn runs_on_a_gpu(&self) -> bool {
        self.without_kernels().is_empty()
    }

    /// The ops of the case that have no kernels for a GPU.
    pub fn without_kernels(&self) -> Vec<&'static str> {
        let (inputs, _) = self.numbers();
        let recorded = record(self, &self.inputs, &self.in_f32, &inputs, false);
        recorded.tape.without_kernels().collect()
    }

    pub(crate) fn numbers(&self) -> (Vec<Vec<f64>>, Vec<u8>) {
        let philox = Philox::new(0xC15);
        let mut inputs: Vec<Vec<f64>> = self
            .inputs
            .iter()
            .enumerate()
            .map(|(stream, input)| {
                let rows = if input.per_row { self.rows } else { 1 };
                let n = rows * input.shape.iter().product::<usize>();
                (0..n)
                    .map(|i| {
                        input.low
                            + (input.high - input.low) * philox.uniform(stream as u64, i as u64)
                    })
                    // Numbers that f32 holds exactly, so that both types see the same input.
                    .map(|x| f64::from(x as f32))
                    .collect()
            })
            .collect();
        if let Some((input, zero)) = &self.zeros {
            let elements = inputs[*input].iter_mut().enumerate();
            elements
                .filter(|(i, _)| zero(*i))
                .for_each(|(_, x)| *x = 0.0);
        }
        let codes = (0..self.rows * self.codes)
            .map(|i| (philox.bits(99, i as u64) % 9).min(5) as u8)
            .map(|c| if c == 5 { (c + 3) % 4 } else { c })
            .collect();
        (inputs, codes)
    }

    /// Runs every check; the error says which failed, where and by how much.
    pub fn check(&self) -> Result<(), String> {
        let (inputs, codes) = self.numbers();
        let whole = run::<f64>(self, &self.in_f64, &inputs, &codes, self.rows);
        let fail = |what: &str, error: f64, bound: f64| {
            let mut text = String::new();
            let _ = write!(
                text,
                "{} {}: {what}: error {error:.3e}, allowed {bound:.1e}",
                self.op, self.label
            );
            if error <= bound { Ok(()) } else { Err(text) }
        };
        if let Some(reference) = &self.reference {
            let truth = reference(&inputs, &codes, self.rows);
            if truth.len() != whole.output.len() {
                return Err(format!(
                    "{} {}: the formula gives {} numbers, the op {}",
                    self.op,
                    self.label,
                    truth.len(),
                    whole.output.len()
                ));
            }
            fail(
                "f64 against the formula",
                distance(&whole.output, &truth),
                1e-12,
            )?;
        }
        if !self.at_a_kink {
            self.check_gradient(&inputs, &codes, &whole)?;
        }
        if !whole.batch_wide {
            let pieces = run::<f64>(self, &self.in_f64, &inputs, &codes, 1);
            fail(
                "row by row, output",
                distance(&pieces.output, &whole.output),
                1e-13,
            )?;
            for (i, (a, b)) in pieces.gradients.iter().zip(&whole.gradients).enumerate() {
                fail(&format!("row by row, gradient {i}"), distance(a, b), 1e-11)?;
            }
        }
        let single = run::<f32>(self, &self.in_f32, &inputs, &codes, self.rows);
        fail(
            "f32 against f64, output",
            distance(&single.output, &whole.output),
            self.tolerance_f32,
        )?;
        for (i, (a, b)) in single.gradients.iter().zip(&whole.gradients).enumerate() {
            fail(
                &format!("f32 against f64, gradient {i}"),
                distance(a, b),
                self.tolerance_f32,
            )?;
        }
        Ok(())
    }

    /// Central differences of a random weighting of the outputs, at up to 48 elements an input.
    fn check_gradient(
        &self,
        inputs: &[Vec<f64>],
        codes: &[u8],
        whole: &Outcome,
    ) -> Result<(), String> {
        for (i, input) in self.inputs.iter().enumerate() {
            if !input.differentiable {
                continue;
            }
            let n = inputs[i].len();
            let picks = Philox::new(5).permutation(i as u64, n);
            let scale = whole.gradients[i]
                .iter()
                .fold(0.0f64, |m, g| m.max(g.abs()))
                .max(1e-3);
            for &at in picks.iter().take(48) {
                let step = 1e-5;
                let mut moved = inputs.to_vec();
                moved[i][at] = inputs[i][at] + step;
                let up = run::<f64>(self, &self.in_f64, &moved, codes, self.rows).weighted;
                moved[i][at] = inputs[i][at] - step;
                let down = run::<f64>(self, &self.in_f64, &moved, codes, self.rows).weighted;
                let slope = (up - down) / (2.0 * step);
                let error = (slope - whole.gradients[i][at]).abs() / scale;
                if error.is_nan() || error > self.tolerance_gradient {
                    return Err(format!(
                        "{} {}: gradient of input {i} at {at}: {} but finite differences give {slope} (error {error:.2e})",
                        self.op, self.label, whole.gradients[i][at]
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The largest difference relative to the largest number of `b` (at least 1e-3).
pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let scale = b.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    a.iter().zip(b).fold(0.0, |worst: f64, (x, y)| {
        let d = (x - y).abs() / scale;
        if d.is_nan() {
            f64::INFINITY
        } else {
            worst.max(d)
        }
    })
}

pub(crate) struct Outcome {
    pub output: Vec<f64>,
    pub gradients: Vec<Vec<f64>>,
    /// The weighted sum that the gradients belong to.
    weighted: f64,
    batch_wide: bool,
}

/// A case recorded for one number type: the op, and a loss that weights its outputs at random.
pub(crate) struct Recorded<T: Real> {
    pub tape: Tape<T>,
    pub output: Var,
    /// Elements of one row of the output.
    pub width: usize,
    pub loss: Var,
    /// The inputs that differ by row and want a gradient, in order.
    pub watched: Vec<Var>,
    pub params: Vec<T>,
    pub dense: Vec<Vec<T>>,
}

/// `asked`: the case's inputs, some of them perhaps frozen. Differentiable row inputs are watched, the shared ones are parameters: one run gives every gradient.
///
/// With `twice` the loss also weights every differentiable input itself: its gradient then begins with those weights,
/// and the op has to add to them.
pub(crate) fn record<T: Real>(
    case: &Case,
    asked: &[Input],
    recipe: &Recipe<T>,
    inputs: &[Vec<f64>],
    twice: bool,
) -> Recorded<T> {
    let mut tape = Tape::<T>::new(case.training);
    let mut watched = Vec::new();
    let vars: Vec<Var> = asked
        .iter()
        .enumerate()
        .map(|(i, input)| {
            if input.per_row {
                let var = tape.dense_input(&input.shape);
                if input.differentiable {
                    tape.watch(var);
                    watched.push(var);
                }
                var
            } else {
                tape.declare(
                    &format!("input{i}"),
                    &input.shape,
                    Init::Constant(0.0),
                    Role::Weight,
                    input.differentiable,
                )
            }
        })
        .collect();
    let output = (recipe.build)(&mut tape, &vars);
    let width = tape.len(output);
    let weights = tape.dense_input(&[width]);
    let flat = tape.view(output, &[width]);
    let mut loss = (recipe.dot)(&mut tape, flat, weights);
    let mut widths = vec![width];
    if twice {
        for (var, input) in vars.iter().zip(asked) {
            if input.differentiable {
                let width = tape.len(*var);
                let weights = tape.dense_input(&[width]);
                let flat = tape.view(*var, &[width]);
                let more = (recipe.dot)(&mut tape, flat, weights);
                loss = (recipe.add)(&mut tape, loss, more);
                widths.push(width);
            }
        }
    }
    let convert = |v: &[f64]| v.iter().map(|&x| T::of(x)).collect::<Vec<T>>();
    let given = || case.inputs.iter().zip(inputs);
    let params = given().filter(|(input, _)| !input.per_row);
    let dense = given().filter(|(input, _)| input.per_row);
    let philox = Philox::new(77);
    let weighting = |(stream, width): (usize, &usize)| -> Vec<f64> {
        (0..case.rows * width)
            .map(|i| f64::from((philox.uniform(stream as u64, i as u64) * 2.0 - 1.0) as f32))
            .collect()
    };
    let params = params.flat_map(|(_, numbers)| convert(numbers)).collect();
    let mut dense: Vec<Vec<T>> = dense.map(|(_, numbers)| convert(numbers)).collect();
    dense.extend(
        widths
            .iter()
            .enumerate()
            .map(weighting)
            .map(|w| convert(&w)),
    );
    Recorded {
        tape,
        output,
        width,
        loss,
        watched,
        params,
        dense,
    }
}

pub(crate) fn batch<'a, T>(case: &Case, dense: &'a [Vec<T>], codes: &'a [u8]) -> Batch<'a, T> {
    Batch {
        rows: case.rows,
        codes,
        dense: dense.iter().map(Vec::as_slice).collect(),
        noise: crate::engine::Noise {
            seed: 3,
            step: 1,
            first_row: 0,
        },
    }
}

/// Runs the case on the CPU in pieces of `piece` rows.
fn run<T: Real>(
    case: &Case,
    recipe: &Recipe<T>,
    inputs: &[Vec<f64>],
    codes: &[u8],
    piece: usize,
) -> Outcome {
    run_recorded(
        case,
        &case.inputs,
        record(case, &case.inputs, recipe, inputs, false),
        inputs,
        codes,
        piece,
    )
}

pub(crate) fn run_recorded<T: Real>(
    case: &Case,
    asked: &[Input],
    recorded: Recorded<T>,
    inputs: &[Vec<f64>],
    codes: &[u8],
    piece: usize,
) -> Outcome {
    let output_rows = output_rows(case, &recorded);
    let program = Program::new(recorded.tape, recorded.output, Some(recorded.loss), piece);
    let mut executor = CpuExecutor::new(program);
    let batch_wide = executor.program().spans_batch();
    let mut grads = vec![T::ZERO; recorded.params.len()];
    let batch = batch(case, &recorded.dense, codes);
    let run = executor.inspect(&recorded.params, &batch, &mut grads, &recorded.watched);
    outcome(
        asked,
        inputs,
        run,
        &grads,
        output_rows * recorded.width,
        batch_wide,
    )
}

pub(crate) fn output_rows<T: Real>(case: &Case, recorded: &Recorded<T>) -> usize {
    if recorded.tape.per_row(recorded.output) {
        case.rows
    } else {
        1
    }
}

pub(crate) fn outcome<T: Real>(
    asked: &[Input],
    inputs: &[Vec<f64>],
    run: Inspection<T>,
    grads: &[T],
    outputs: usize,
    batch_wide: bool,
) -> Outcome {
    let mut row_gradients = run.watched.into_iter();
    let mut offset = 0;
    let mut gradients = Vec::new();
    for (input, numbers) in asked.iter().zip(inputs) {
        let gradient: Vec<f64> = if input.per_row {
            if input.differentiable {
                row_gradients
                    .next()
                    .unwrap_or_default()
                    .iter()
                    .map(|g: &T| g.f64())
                    .collect()
            } else {
                Vec::new()
            }
        } else {
            let part = &grads[offset..offset + numbers.len()];
            offset += numbers.len();
            part.iter().map(|g| g.f64()).collect()
        };
        gradients.push(gradient);
    }
    Outcome {
        output: run.output[..outputs].iter().map(|x| x.f64()).collect(),
        gradients,
        weighted: run.losses.iter().map(|l| l.f64()).sum(),
        batch_wide,
    }
}

/// Checks every case, on all threads; the first failure of each is collected.
pub fn check_all(cases: &[Case]) -> Result<(), String> {
    let failures: Vec<String> = cases.iter().filter_map(|case| case.check().err()).collect();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}
